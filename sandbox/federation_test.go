package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
)

// tenant is a client of Entra and Graph in the sandbox.
type tenant struct {
	t      *testing.T
	env    map[string]string
	client *http.Client
	token  string
}

func newTenant(t *testing.T, dir string) *tenant {
	t.Helper()
	w := &tenant{
		t: t, env: environment(t, dir), client: &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, dir)}},
	}
	deployer, err := azidentity.NewClientSecretCredential(w.env["AZURE_TENANT_ID"], w.env["AZURE_CLIENT_ID"], w.env["AZURE_CLIENT_SECRET"],
		&azidentity.ClientSecretCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	require.NoError(t, err)
	w.token, err = w.get(deployer)
	require.NoError(t, err)
	return w
}

func (w *tenant) options() azcore.ClientOptions {
	return azcore.ClientOptions{Transport: w.client, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: w.env["AZURE_AUTHORITY_HOST"]}}
}

// get asks for a token for Graph.
func (w *tenant) get(credential azcore.TokenCredential) (string, error) {
	token, err := credential.GetToken(w.t.Context(), policy.TokenRequestOptions{Scopes: []string{w.env["GRAPH_ENDPOINT"] + "/.default"}})
	return token.Token, err
}

// federated signs an application in with assertions of another issuer.
func (w *tenant) federated(clientID string, assertion func(context.Context) (string, error)) error {
	w.t.Helper()
	credential, err := azidentity.NewClientAssertionCredential(w.env["AZURE_TENANT_ID"], clientID, assertion,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	require.NoError(w.t, err)
	_, err = w.get(credential)
	return err
}

// post makes an object of Graph, as the deployer.
func (w *tenant) post(path string, body any) (made struct{ ID, AppID string }) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.env["GRAPH_ENDPOINT"]+"/v1.0"+path, bytes.NewReader(raw))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusCreated, res.StatusCode, string(answer))
	require.NoError(w.t, json.Unmarshal(answer, &made))
	return made
}

func TestARoleOfTheAccountSignsInToEntraWithoutASecret(t *testing.T) {
	t.Parallel()
	const exchange = "api://AzureADTokenExchange"
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	config, entra := awsConfig(t, dir), newTenant(t, dir)
	_, role := deployFunction(t, config, `{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*"}`)

	info, err := iam.NewFromConfig(config).GetOutboundWebIdentityFederationInfo(t.Context(), &iam.GetOutboundWebIdentityFederationInfoInput{})
	require.NoError(t, err)
	issuer := entra.env["AWS_OUTBOUND_ISSUER"]
	require.Equal(t, issuer, *info.IssuerIdentifier)
	require.Equal(t, issuer, s.OutboundIssuer())

	app := entra.post("/applications", map[string]any{"displayName": "rotator"})
	entra.post("/servicePrincipals", map[string]any{"appId": app.AppID})
	entra.post("/applications/"+app.ID+"/federatedIdentityCredentials", map[string]any{
		"name": "aws", "issuer": issuer, "subject": role, "audiences": []string{exchange},
	})
	ofFunction := func(audience string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) {
			return call(t, config, `{"Audience":"`+audience+`"}`).Token, nil
		}
	}
	ofUser := func(algorithm string) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			out, err := sts.NewFromConfig(config).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
				Audience: []string{exchange}, SigningAlgorithm: &algorithm,
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.WebIdentityToken), nil
		}
	}
	require.NoError(t, entra.federated(app.AppID, ofFunction(exchange)))
	require.ErrorContains(t, entra.federated(app.AppID, ofFunction("https://a.example")), "AADSTS70021", "another audience")
	require.ErrorContains(t, entra.federated(app.AppID, ofUser("RS256")), "AADSTS70021", "another subject")

	entra.post("/applications/"+app.ID+"/federatedIdentityCredentials", map[string]any{
		"name": "user", "issuer": issuer, "subject": "arn:aws:iam::" + s.Account + ":user/sandbox", "audiences": []string{exchange},
	})
	require.NoError(t, entra.federated(app.AppID, ofUser("RS256")))
	require.ErrorContains(t, entra.federated(app.AppID, ofUser("ES384")), "AADSTS5002738", "another algorithm than Entra takes")

	early, err := ofUser("RS256")(t.Context())
	require.NoError(t, err)
	move(t, s, dir, "17520h")
	require.ErrorContains(t, entra.federated(app.AppID, func(context.Context) (string, error) { return early, nil }), "AADSTS700024", "one of two years ago")
	require.NoError(t, entra.federated(app.AppID, ofFunction(exchange)))
}
