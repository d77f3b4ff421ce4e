package sandbox_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
)

// trusting is the TLS configuration of a client that trusts the sandbox.
func trusting(t *testing.T, dir string) *tls.Config {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(raw))
	return &tls.Config{RootCAs: pool}
}

// clientVariable makes this test binary a client: see TestClient.
const clientVariable = "SANDBOX_TEST_CLIENT"

// TestUnmodifiedClientsNeedTheEnvironmentFileOnly runs clients in processes
// that know of the sandbox what the file says.
func TestUnmodifiedClientsNeedTheEnvironmentFileOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serve(t, sandbox.Options{Dir: dir})
	runClients(t, dir)
}

// runClients runs each client as a test of its own.
func runClients(t *testing.T, dir string) {
	t.Helper()
	lines, err := os.ReadFile(sandbox.EnvironmentFile(dir))
	require.NoError(t, err)
	for _, name := range []string{"AWS SDK", "azidentity", "MSAL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run", "^TestClient$", "-test.v")
			cmd.Env = append(strings.Fields(string(lines)), clientVariable+"="+name, "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "--- PASS: TestClient")
		})
	}
	t.Run("AWS CLI", func(t *testing.T) {
		t.Parallel()
		cli, err := exec.LookPath("aws")
		if err != nil {
			t.Skip("SKIPPED: there is no AWS CLI on this machine, so that the sandbox was not called with it")
		}
		cmd := exec.Command(cli, "sts", "get-caller-identity", "--output", "json")
		cmd.Env = append(strings.Fields(string(lines)), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"),
			"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		var identity struct{ Account string }
		require.NoError(t, json.Unmarshal(out, &identity))
		require.Equal(t, sandbox.DefaultAccount, identity.Account)
	})
}

// TestClient is one client, run by the test above in a process of its own.
func TestClient(t *testing.T) {
	switch os.Getenv(clientVariable) {
	case "AWS SDK":
		awsClient(t)
	case "azidentity":
		azidentityClient(t)
	case "MSAL":
		msalClient(t)
	default:
		t.Skip("runs in a process of its own")
	}
}

func awsClient(t *testing.T) {
	ctx := t.Context()
	cfg, err := config.LoadDefaultConfig(ctx)
	require.NoError(t, err)
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, sandbox.DefaultAccount, aws.ToString(identity.Account))

	_, err = lambda.NewFromConfig(cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{})
	require.NoError(t, err)
	_, err = secretsmanager.NewFromConfig(cfg).ListSecrets(ctx, &secretsmanager.ListSecretsInput{})
	require.NoError(t, err)
	_, err = cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	require.NoError(t, err)

	gateway := apigatewayv2.NewFromConfig(cfg)
	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("shop"), ProtocolType: types.ProtocolTypeHttp})
	require.NoError(t, err)
	_, err = gateway.CreateAuthorizer(ctx, authorizer(api.ApiId, "entra", os.Getenv("ENTRA_AUTHORITY")+"/v2.0"))
	require.NoError(t, err, "the control plane reads the tenant's discovery document")
	_, err = gateway.CreateAuthorizer(ctx, authorizer(api.ApiId, "other", os.Getenv("ENTRA_AUTHORITY")+"/v3.0"))
	require.ErrorContains(t, err, "Invalid issuer")
}

func authorizer(apiID *string, name, issuer string) *apigatewayv2.CreateAuthorizerInput {
	return &apigatewayv2.CreateAuthorizerInput{
		ApiId: apiID, Name: &name, AuthorizerType: types.AuthorizerTypeJwt,
		IdentitySource:   []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String(issuer), Audience: []string{"api"}},
	}
}

func azidentityClient(t *testing.T) {
	credential, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{DisableInstanceDiscovery: true})
	require.NoError(t, err)
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{os.Getenv("GRAPH_ENDPOINT") + "/.default"}})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(75*time.Minute), token.ExpiresOn, 20*time.Minute, "it expires by the client's clock")
	requireGraph(t, token.Token)
}

func msalClient(t *testing.T) {
	secret, err := confidential.NewCredFromSecret(os.Getenv("ARM_CLIENT_SECRET"))
	require.NoError(t, err)
	client, err := confidential.New(os.Getenv("ENTRA_AUTHORITY"), os.Getenv("ARM_CLIENT_ID"), secret,
		confidential.WithInstanceDiscovery(false))
	require.NoError(t, err)
	token, err := client.AcquireTokenByCredential(t.Context(), []string{"https://graph.microsoft.com/.default"})
	require.NoError(t, err)
	requireGraph(t, token.AccessToken)
}

// requireGraph calls Microsoft Graph with the token and with none. The token
// must be valid by the clock that Graph goes by.
func requireGraph(t *testing.T, token string) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims struct{ Nbf, Exp int64 }
	require.NoError(t, json.Unmarshal(payload, &claims))
	for _, tc := range []struct {
		authorization string
		want          int
	}{{"Bearer " + token, http.StatusOK}, {"Bearer " + token + "x", http.StatusUnauthorized}, {"", http.StatusUnauthorized}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, os.Getenv("GRAPH_ENDPOINT")+"/v1.0/applications", nil)
		require.NoError(t, err)
		if tc.authorization != "" {
			req.Header.Set("Authorization", tc.authorization)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, tc.want, res.StatusCode)
		date, err := http.ParseTime(res.Header.Get("Date"))
		require.NoError(t, err)
		require.LessOrEqual(t, claims.Nbf, date.Unix())
		require.Greater(t, claims.Exp, date.Unix())
	}
}

func TestTheAuthorityCanSignForLoopbackOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	authority, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key"))
	require.NoError(t, err)
	roots := trusting(t, dir).RootCAs
	for name, trusted := range map[string]bool{
		"localhost": true,
		"abc.execute-api." + s.Region + ".localhost": true,
		"login.microsoftonline.com":                  false,
		"localhost.example.com":                      false,
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}, authority.Leaf, key.Public(), authority.PrivateKey)
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		_, err = leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
		require.Equal(t, trusted, err == nil, "%s: %v", name, err)
	}
}

func TestTheDataPlaneIsServedUnderTheNameOfItsAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	dial := &tls.Dialer{Config: trusting(t, dir)}
	dial.Config.ServerName = "abc123.execute-api." + s.Region + ".localhost"
	conn, err := dial.DialContext(context.Background(), "tcp", s.EdgeAddr)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Contains(t, s.APIEndpoint("abc123"), "https://"+dial.Config.ServerName+":")
}
