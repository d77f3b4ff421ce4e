package tests

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/toolchain"
)

const day = 24 * time.Hour

// credential is what `credentials --json` prints of one.
type credential struct {
	Client, Kind, ClientID, SecretARN, KeyID, Issuer, Subject string
	Expires, LastRotation, NextRotation                       *time.Time
	Valid                                                     int
	Problems                                                  []string
}

func (p *project) credentials() map[string]credential {
	p.t.Helper()
	var got struct{ Credentials []credential }
	p.run(&got, "credentials")
	all := map[string]credential{}
	for _, c := range got.Credentials {
		all[c.Client] = c
	}
	return all
}

// later moves the clock of the sandbox.
func (p *project) later(d time.Duration) {
	p.t.Helper()
	var moved struct{ Offset string }
	p.run(&moved, "sandbox", "clock", "--advance", d.String())
}

// stored is what an application reads.
type stored struct {
	ClientID, TenantID, Authority, Scope, ClientSecret, KeyID string
	ExpiresAt                                                 time.Time
}

func (p *project) read(arn string) stored {
	p.t.Helper()
	value, err := secretsmanager.NewFromConfig(p.aws()).GetSecretValue(p.t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &arn})
	require.NoError(p.t, err)
	var s stored
	require.NoError(p.t, json.Unmarshal([]byte(aws.ToString(value.SecretString)), &s))
	return s
}

// token signs in as an application does, with what the secret says and nothing
// else.
func (s stored) token(p *project) string {
	p.t.Helper()
	credential, err := azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, s.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Transport: p.http(), Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: strings.TrimSuffix(s.Authority, s.TenantID)},
		},
		DisableInstanceDiscovery: true,
	})
	require.NoError(p.t, err)
	token, err := credential.GetToken(p.t.Context(), policy.TokenRequestOptions{Scopes: []string{s.Scope}})
	require.NoError(p.t, err)
	return token.Token
}

// secrets are all that were ever seen.
type secrets map[string]bool

// requireNowhere searches what people and machines can read for every secret:
// the state, the logs, what commands printed. The clouds themselves keep secrets
// in two files.
func (s secrets) requireNowhere(p *project) {
	p.t.Helper()
	require.NotEmpty(p.t, s)
	theirs := []string{filepath.Join("aws", "secretsmanager.json"), "entra"}
	searched := 0
	root := filepath.Join(p.dir, ".entragate")
	require.NoError(p.t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		require.NoError(p.t, err)
		if slices.ContainsFunc(theirs, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return nil
		}
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil // a temporary file
		}
		require.NoError(p.t, err)
		searched++
		s.requireNot(p.t, name, string(content))
		return nil
	}))
	require.Greater(p.t, searched, 10)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, said := range p.said {
		s.requireNot(p.t, "what a command said", said)
	}
}

func (s secrets) requireNot(t *testing.T, where, content string) {
	t.Helper()
	for secret := range s {
		if strings.Contains(content, secret) {
			require.Fail(t, "a secret is in "+where)
		}
	}
}

// pulumi runs the CLI on the deployed stack, as the sandbox's clouds see it.
func (p *project) pulumi(args ...string) string {
	p.t.Helper()
	tools, err := toolchain.Ensure(p.t.Context(), toolchain.Options{})
	require.NoError(p.t, err)
	state := filepath.Join(p.dir, ".entragate", "state")
	cmd := exec.Command(tools.Pulumi, append([]string{"--non-interactive", "--stack", "dev"}, args...)...)
	cmd.Dir = filepath.Join(p.dir, ".entragate", "stacks", "entragate", "dev", "work")
	cmd.Env = append(os.Environ(), "PULUMI_BACKEND_URL=file://"+state+"?metadata=skip",
		"PULUMI_CONFIG_PASSPHRASE_FILE="+filepath.Join(state, "passphrase"))
	for name, value := range tools.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	for name, value := range p.environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(p.t, err, "%s", out)
	return string(out)
}

// certificateFile writes a public certificate into the project.
func (p *project) certificateFile(name string, lasts time.Duration) {
	p.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(p.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lasts),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(p.dir, name),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600))
}

// A daemon reads its secret before each call, and another only every 75 days.
// Neither is ever refused, for more than two years.
func TestTwoYearsOfRotations(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.certificateFile("batch.pem", 1000*day)
	p.set("credentials", map[string]any{"outboundIssuer": "https://elsewhere.example", "recoveryDays": 0})
	p.set("clients", append(p.list("clients"),
		map[string]any{
			"name": "batch", "kind": "daemon", "roles": []string{"Orders.Export"}, "credential": map[string]any{"file": "batch.pem"},
		},
		map[string]any{
			"name": "pipeline", "kind": "daemon", "roles": []string{"Orders.Export"},
			"credential": map[string]any{"github": map[string]any{"repository": "contoso/orders", "environment": "production"}},
		},
		map[string]any{
			"name": "job", "kind": "daemon", "roles": []string{"Orders.Export"},
			"credential": map[string]any{"awsRole": "arn:aws:iam::123456789012:role/job"},
		}))
	deployed := p.up()
	issued := secrets{}

	t.Run("each client proves itself as it was declared to", func(t *testing.T) {
		all := p.credentials()
		require.Equal(t, "certificate", all["batch"].Kind)
		require.Equal(t, "https://token.actions.githubusercontent.com repo:contoso/orders:environment:production",
			all["pipeline"].Issuer+" "+all["pipeline"].Subject)
		issuer := p.environment()["AWS_OUTBOUND_ISSUER"]
		require.Equal(t, issuer+" arn:aws:iam::123456789012:role/job", all["job"].Issuer+" "+all["job"].Subject)
		require.Equal(t, issuer, all["rotator"].Issuer, "the rotator has no secret")
		require.Equal(t, "secret", all["export"].Kind)
		for _, c := range all {
			require.Empty(t, c.Problems, c.Client)
		}
	})

	arn := p.credentials()["export"].SecretARN
	seldom := p.read(arn)
	const step, seldomEvery = 15 * day, 5
	keys := map[string]bool{}
	for n := 0; time.Duration(n)*step <= 750*day; n++ {
		now := p.read(arn)
		if n%seldomEvery == 0 {
			seldom = now
		}
		for _, s := range []stored{now, seldom} {
			require.Equal(t, http.StatusOK, p.get(deployed.URL, "/orders/export", s.token(p)).status, "after %d steps", n)
			issued[s.ClientSecret] = true
		}
		keys[now.KeyID] = true
		if n%6 == 0 {
			c := p.credentials()["export"]
			require.Empty(t, c.Problems)
			require.Equal(t, now.KeyID, c.KeyID)
			if len(keys) >= 2 {
				require.Equal(t, 2, c.Valid, "after %d steps", n)
			}
			issued[p.read(p.credentials()["backoffice"].SecretARN).ClientSecret] = true
		}
		p.later(step)
	}
	require.GreaterOrEqual(t, len(keys), 9, "the first secret, and 8 rotations")

	t.Run("what is left is of the last two rotations", func(t *testing.T) {
		c := p.credentials()["export"]
		require.Equal(t, 2, c.Valid)
		require.Greater(t, c.Expires.Sub(*c.LastRotation), 210*day)
	})
	t.Run("no alarm was raised", func(t *testing.T) {
		require.Equal(t, types.StateValueOk, p.alarm())
	})
	t.Run("up and refresh find nothing to do", func(t *testing.T) {
		again := p.up()
		require.True(t, again.Changes.none(), again.Changes.touched())
		p.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
	})
	t.Run("a leaked secret is replaced and revoked by one command", func(t *testing.T) {
		leaked := p.read(arn)
		var r struct {
			KeyID   string
			Revoked []string
		}
		p.run(&r, "rotate", "export", "--revoke")
		require.Contains(t, r.Revoked, leaked.KeyID)
		fresh := p.read(arn)
		require.Equal(t, r.KeyID, fresh.KeyID)
		require.Equal(t, http.StatusOK, p.get(deployed.URL, "/orders/export", fresh.token(p)).status)
		require.Equal(t, 1, p.credentials()["export"].Valid)
		issued[fresh.ClientSecret] = true
		require.Equal(t, exitUsage, p.try("rotate", "portal").code, "it has no secret")
	})
	t.Run("no secret is anywhere it should not be", func(t *testing.T) {
		require.Greater(t, len(issued), 9)
		issued.requireNowhere(p)
	})
	t.Run("a rotator that fails is told of", func(t *testing.T) {
		p.breakRotator()
		p.later(95 * day)
		require.Equal(t, types.StateValueAlarm, p.alarm())
		o := p.try("credentials")
		require.Equal(t, exitDiffer, o.code, o.stdout)
		require.Contains(t, o.stdout, "rotation is overdue")
		require.Equal(t, http.StatusOK, p.get(deployed.URL, "/orders/export", p.read(arn).token(p)).status, "and yet nobody is cut off")
	})
	t.Run("down leaves neither secret nor credential", func(t *testing.T) {
		var destroyed down
		p.run(&destroyed, "sandbox", "down")
		require.Empty(t, destroyed.Left)
	})
}

// breakRotator takes away all that the rotation function may do.
func (p *project) breakRotator() {
	p.t.Helper()
	client := iam.NewFromConfig(p.aws())
	roles, err := client.ListRoles(p.t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/entragate/")})
	require.NoError(p.t, err)
	removed := 0
	for _, role := range roles.Roles {
		if !strings.Contains(aws.ToString(role.RoleName), "rotator") {
			continue
		}
		policies, err := client.ListRolePolicies(p.t.Context(), &iam.ListRolePoliciesInput{RoleName: role.RoleName})
		require.NoError(p.t, err)
		for _, name := range policies.PolicyNames {
			_, err := client.DeleteRolePolicy(p.t.Context(), &iam.DeleteRolePolicyInput{RoleName: role.RoleName, PolicyName: &name})
			require.NoError(p.t, err)
			removed++
		}
	}
	require.Positive(p.t, removed)
}

// alarm is the state of the alarm on rotations.
func (p *project) alarm() types.StateValue {
	p.t.Helper()
	alarms, err := cloudwatch.NewFromConfig(p.aws()).DescribeAlarms(p.t.Context(), &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String("orders-rotator-"),
	})
	require.NoError(p.t, err)
	require.Len(p.t, alarms.MetricAlarms, 1)
	return alarms.MetricAlarms[0].StateValue
}

// Prod has a key of its own, and a rotator with a secret of its own.
func TestProductionKeepsTheRules(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	var u up
	p.run(&u, "sandbox", "up", "--stack", "prod")
	var got struct{ Credentials []credential }
	p.run(&got, "credentials", "--stack", "prod")
	require.Len(t, got.Credentials, 3)
	manager, keys := secretsmanager.NewFromConfig(p.aws()), kms.NewFromConfig(p.aws())
	for _, c := range got.Credentials {
		require.Empty(t, c.Problems, c.Client)
		require.Greater(t, time.Until(*c.Expires), 200*day, "prowler calls what ends within 30 days expired")
		secret, err := manager.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &c.SecretARN})
		require.NoError(t, err)
		// AWS Security Hub SecretsManager.1, .2 and .4
		require.True(t, aws.ToBool(secret.RotationEnabled))
		require.NotNil(t, secret.LastRotatedDate)
		require.LessOrEqual(t, aws.ToInt64(secret.RotationRules.AutomaticallyAfterDays), int64(90))
		// secretsmanager-using-cmk, CKV_AWS_7
		require.NotEmpty(t, aws.ToString(secret.KmsKeyId))
		rotation, err := keys.GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: secret.KmsKeyId})
		require.NoError(t, err)
		require.True(t, rotation.KeyRotationEnabled)
		// secretsmanager_has_restrictive_resource_policy, secretsmanager_not_publicly_accessible
		document, err := manager.GetResourcePolicy(t.Context(), &secretsmanager.GetResourcePolicyInput{SecretId: &c.SecretARN})
		require.NoError(t, err)
		require.Contains(t, aws.ToString(document.ResourcePolicy), `"Effect":"Deny"`)
		require.NotContains(t, aws.ToString(document.ResourcePolicy), `"Effect":"Allow"`)
		if c.Client == "rotator" {
			continue
		}
		_, err = manager.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &c.SecretARN, SecretString: aws.String("mine")})
		require.ErrorContains(t, err, "AccessDenied", "who deploys cannot write it")
	}
	p.requireMonitoringRules(t)
}
