package components_test

import (
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
)

const (
	certificateType = "azuread:index/applicationCertificate:ApplicationCertificate"
	keyType         = "aws:kms/key:Key"
	targetType      = "aws:cloudwatch/eventTarget:EventTarget"
	roleOfJob       = "arn:aws:iam::123456789012:role/jobs/nightly"
)

// allKinds has a client of every kind of credential: two with a secret, one with
// a certificate, three that are federated, and one that has none.
func allKinds(t *testing.T, certificate access.Credential) *components.ProtectedApiArgs {
	args := ordersArgs(t)
	daemon := func(name string, c access.Credential) access.Client {
		return access.Client{Name: name, Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}, Credential: &c}
	}
	args.Clients = append(args.Clients[:1:1],
		access.Client{
			Name: "backoffice", Kind: access.ClientWeb, RedirectURIs: []string{"https://backoffice.example.com/in"},
			Scopes: []string{"Orders.Write"}, Credential: &access.Credential{Readers: []string{exportARN}},
		},
		daemon("export", access.Credential{Kind: access.CredentialSecret, Readers: []string{exportARN, alertsARN}}),
		daemon("partner", certificate),
		daemon("nightly", access.Credential{AWSRole: roleOfJob}),
		daemon("ci", access.Credential{GitHub: &access.GitHub{Repository: "contoso/orders", Environment: "prod"}}),
		daemon("pod", access.Credential{Kubernetes: &access.Kubernetes{
			Issuer: "https://oidc.example.com/id/1", Namespace: "jobs", ServiceAccount: "import",
		}}),
	)
	return args
}

// The certificate is good for a hundred years, and nobody has its key.
func TestProtectedApiWithCredentials(t *testing.T) {
	t.Parallel()
	r, err := protect(t, allKinds(t, access.Credential{File: "testdata/partner.pem"}))
	require.NoError(t, err)
	r.Golden(t, "credentials")
}

func TestProtectedApiWithEveryKindOfCredential(t *testing.T) {
	t.Parallel()
	until := time.Now().Add(100 * 24 * time.Hour).UTC().Truncate(time.Second)
	certificate := components.Certificate(t, time.Now().Add(-time.Hour), until)
	file := filepath.Join(t.TempDir(), "partner.pem")
	require.NoError(t, os.WriteFile(file, []byte(certificate), 0o600))
	for name, c := range map[string]access.Credential{"certificate in a file": {File: file}, "certificate as text": {PEM: certificate}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := protect(t, allKinds(t, c))
			require.NoError(t, err)
			require.Equal(t, map[string]any{
				"applicationId": "/applications/" + recorder.GUID(applicationType, "orders-partner"),
				"type":          "AsymmetricX509Cert", "encoding": "base64", "endDate": until.Format(time.RFC3339),
				"value": map[string]any{"secret": der(t, certificate)}, // the SDK takes it for one
			}, r.Find(t, certificateType, "orders-partner").Inputs)
			require.Equal(t, 1, count(r, certificateType))

			for name, want := range map[string][2]string{
				"orders-nightly": {outboundIssuer, roleOfJob},
				"orders-ci":      {"https://token.actions.githubusercontent.com", "repo:contoso/orders:environment:prod"},
				"orders-pod":     {"https://oidc.example.com/id/1", "system:serviceaccount:jobs:import"},
				"orders-rotator": {outboundIssuer, "arn:aws:iam::123456789012:role/orders-rotator-1234567"},
			} {
				require.Equal(t, map[string]any{
					"applicationId": "/applications/" + recorder.GUID(applicationType, name), "displayName": name,
					"issuer": want[0], "subject": want[1], "audiences": []any{"api://AzureADTokenExchange"},
				}, r.Find(t, federationType, name).Inputs)
			}
			require.Equal(t, 4, count(r, federationType))

			arn := func(name string) string {
				return "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" + name + "-AbCdEf"
			}
			id := func(name string) string { return recorder.GUID("client", name) }
			require.Equal(t, map[string]map[string]string{
				"backoffice": {"kind": "secret", "clientId": id("orders-backoffice"), "secretArn": arn("orders-backoffice")},
				"export":     {"kind": "secret", "clientId": id("orders-export"), "secretArn": arn("orders-export")},
				"partner":    {"kind": "certificate", "clientId": id("orders-partner")},
				"nightly":    {"kind": "federated", "clientId": id("orders-nightly")},
				"ci":         {"kind": "federated", "clientId": id("orders-ci")},
				"pod":        {"kind": "federated", "clientId": id("orders-pod")},
				"rotator":    {"kind": "federated", "clientId": id("orders-rotator")},
			}, r.Exports()["credentials"])
			require.Equal(t, 2, count(r, secretType))
			require.Equal(t, 2, count(r, rotationType))
			require.JSONEq(t, `{"check": ["`+arn("orders-backoffice")+`", "`+arn("orders-export")+`"]}`,
				r.Find(t, targetType, "orders-rotator").Inputs["input"].(string))
		})
	}
}

// der is the certificate of a PEM text, in base64.
func der(t *testing.T, text string) string {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	require.NotNil(t, block)
	require.Empty(t, rest)
	return base64.StdEncoding.EncodeToString(block.Bytes)
}

func TestRotatorOwnsClientsWithSecretsOnly(t *testing.T) {
	t.Parallel()
	certificate := components.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	r, err := protect(t, allKinds(t, access.Credential{PEM: certificate}))
	require.NoError(t, err)
	rotator := recorder.GUID(principalType, "orders-rotator")
	var owned []string
	for _, registration := range r.Registrations() {
		owners, _ := registration.Inputs["owners"].([]any)
		if slices.Contains(owners, any(rotator)) {
			owned = append(owned, registration.Type+" "+registration.Name)
		}
	}
	require.Equal(t, []string{applicationType + " orders-backoffice", applicationType + " orders-export"}, owned,
		"neither the others, nor the API, nor any service principal")
}

// Whoever may read the secrets may use their key, through Secrets Manager.
func TestKeyOfSecrets(t *testing.T) {
	t.Parallel()
	certificate := components.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	args := allKinds(t, access.Credential{PEM: certificate})
	r, err := protect(t, args)
	require.NoError(t, err)
	key := r.Find(t, keyType, "orders-secrets").Inputs
	require.Equal(t, true, key["enableKeyRotation"])
	require.Equal(t, []map[string]any{
		{
			"Sid": "Administer", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
			"Principal": map[string]any{"AWS": "arn:aws:iam::123456789012:root"},
		},
		{
			"Sid": "ReadThroughSecretsManager", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
			"Principal": map[string]any{"AWS": []any{exportARN, alertsARN}},
			"Condition": map[string]any{"StringEquals": map[string]any{"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}},
		},
	}, statementsOf(t, key["policy"]))
	made := "arn:aws:kms:eu-west-1:123456789012:key/" + recorder.GUID(keyType, "orders-secrets")
	require.Equal(t, made, r.Find(t, secretType, "orders-export").Inputs["kmsKeyId"])
	require.Equal(t, made, statements(t, r, "orders-export")[1]["Resource"])

	args.Credentials.CreateKey, args.Credentials.KMSKey = false, keyARN
	r, err = protect(t, args)
	require.NoError(t, err)
	require.Equal(t, 1, count(r, keyType), "that of logs and alarms")
	require.Equal(t, keyARN, r.Find(t, secretType, "orders-export").Inputs["kmsKeyId"])

	args.Credentials.CreateKey, args.Credentials.KMSKey = true, ""
	for i := range args.Clients {
		if c := args.Clients[i].Credential; c != nil && len(c.Readers) > 0 {
			args.Clients[i].Credential = &access.Credential{Kind: access.CredentialSecret}
		}
	}
	r, err = protect(t, args)
	require.NoError(t, err)
	require.Len(t, statementsOf(t, r.Find(t, keyType, "orders-secrets").Inputs["policy"]), 1, "a policy names no empty list")
}

func TestNothingRotatesWhereThereAreNoSecrets(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Clients = args.Clients[:3] // federated, or no credential at all
	r, err := protect(t, args)
	require.NoError(t, err)
	for _, kind := range []string{
		secretType, secretPolicyType, rotationType, targetType, "entragate:index:Rotator", "aws:cloudwatch/eventRule:EventRule",
	} {
		require.Zero(t, count(r, kind), kind)
	}
}

// The rotator's own secret is rotated, checked and guarded as the others are.
func TestProtectedApiWhoseRotatorHasASecret(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Credentials.OutboundIssuer = ""
	args.Clients[1].Credential = nil
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Equal(t, 3, count(r, rotationType))
	require.Zero(t, count(r, federationType))
	for _, name := range []string{"orders-backoffice", "orders-export", "orders-rotator"} {
		require.Contains(t, r.Find(t, targetType, "orders-rotator").Inputs["input"], ":secret:"+name+"-")
		require.Equal(t, "arn:aws:kms:eu-west-1:123456789012:key/"+recorder.GUID(keyType, "orders-secrets"),
			r.Find(t, secretType, name).Inputs["kmsKeyId"])
	}
	require.Equal(t, map[string]string{
		"kind": "secret", "clientId": recorder.GUID("client", "orders-rotator"),
		"secretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-rotator-AbCdEf",
	}, r.Exports()["credentials"].(map[string]map[string]string)["rotator"])
	requireGuardGoesFirst(t, r)
}

// Secrets Manager has the value by the rotator and nobody else: nothing that is
// registered holds one, or makes one.
func TestNoSecretPassesThroughTheProgram(t *testing.T) {
	t.Parallel()
	certificate := components.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	without := ordersArgs(t)
	without.Credentials.OutboundIssuer = ""
	without.Clients[1].Credential = nil
	for name, args := range map[string]*components.ProtectedApiArgs{
		"federated": allKinds(t, access.Credential{PEM: certificate}), "by its own secret": without,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := protect(t, args)
			require.NoError(t, err)
			for _, registration := range r.Registrations() {
				for _, kind := range []string{"SecretVersion", "Password", "aws:iam/accessKey", "aws:ssm/"} {
					require.NotContains(t, registration.Type, kind)
				}
				requireNoSecrets(t, registration.Type+" "+registration.Name, registration.Inputs)
			}
		})
	}
}

func requireNoSecrets(t *testing.T, where string, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			lower := strings.ToLower(key)
			for _, part := range []string{"secretstring", "secretbinary", "clientsecret", "password", "passphrase", "privatekey"} {
				require.NotContains(t, lower, part, where)
			}
			requireNoSecrets(t, where+"."+key, member)
		}
	case []any:
		for _, member := range value {
			requireNoSecrets(t, where, member)
		}
	case string:
		require.NotContains(t, value, "PRIVATE KEY", where)
	}
}

func TestCredentialsSettingsAccepted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]components.Credentials{
		"the least lifetime":     {RotationDays: 90, LifetimeDays: 211},
		"often":                  {RotationDays: 1, LifetimeDays: 33},
		"no recovery":            {RecoveryDays: new(0)},
		"the shortest recovery":  {RecoveryDays: new(7)},
		"the longest recovery":   {RecoveryDays: new(30)},
		"a key":                  {KMSKey: keyARN},
		"a multi-region key":     {KMSKey: "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"},
		"the longest a function": {Settings: components.FunctionSettings{TimeoutSeconds: 900}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := ordersArgs(t)
			c.OutboundIssuer = outboundIssuer
			args.Credentials = c
			require.NoError(t, args.Validate("orders"))
		})
	}
}

func TestCredentialsSettingsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*components.Credentials)
		want   string
	}{
		"a rotation in a season":  {func(c *components.Credentials) { c.RotationDays = 91 }, `credentials.rotationDays: interval out of range: got "91", want 1 to 90 days`},
		"a rotation in the past":  {func(c *components.Credentials) { c.RotationDays = -1 }, `credentials.rotationDays: interval out of range: got "-1"`},
		"a day too short a life":  {func(c *components.Credentials) { c.LifetimeDays = 210 }, `credentials.lifetimeDays: secrets would expire before they are replaced, or nearly: got "210", want at least 211 days: twice the interval and 31`},
		"a life for one interval": {func(c *components.Credentials) { c.RotationDays, c.LifetimeDays = 30, 90 }, `credentials.lifetimeDays: secrets would expire before they are replaced, or nearly: got "90", want at least 91 days`},
		"a short recovery":        {func(c *components.Credentials) { c.RecoveryDays = new(6) }, `credentials.recoveryDays: window out of range: got "6", want 0, or 7 to 30 days`},
		"a long recovery":         {func(c *components.Credentials) { c.RecoveryDays = new(31) }, `credentials.recoveryDays: window out of range: got "31"`},
		"a negative recovery":     {func(c *components.Credentials) { c.RecoveryDays = new(-1) }, `credentials.recoveryDays: window out of range: got "-1"`},
		"two keys":                {func(c *components.Credentials) { c.KMSKey, c.CreateKey = keyARN, true }, `credentials.kmsKey: a key is given and one is to be made: got "` + keyARN + `", want one of them`},
		"an alias":                {func(c *components.Credentials) { c.KMSKey = "arn:aws:kms:eu-west-1:123456789012:alias/orders" }, `credentials.kmsKey: malformed ARN of a key: got "arn:aws:kms:eu-west-1:123456789012:alias/orders", want "arn:aws:kms:`},
		"a key by its id":         {func(c *components.Credentials) { c.KMSKey = "11111111-2222-4333-8444-555555555555" }, "credentials.kmsKey: malformed ARN of a key"},
		"an issuer over http":     {func(c *components.Credentials) { c.OutboundIssuer = "http://1.tokens.sts.global.api.aws" }, `credentials.outboundIssuer: malformed issuer: got "http://1.tokens`},
		"an issuer of no host":    {func(c *components.Credentials) { c.OutboundIssuer = "https://" }, `credentials.outboundIssuer: malformed issuer: got "https://"`},
		"a function for too long": {func(c *components.Credentials) { c.Settings.TimeoutSeconds = 901 }, `credentials.settings.timeoutSeconds: timeout out of range: got "901", want 1 to 900 seconds`},
		"a missing binary":        {func(c *components.Credentials) { c.Binary = "nowhere/bootstrap" }, "credentials.binary: open nowhere/bootstrap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := ordersArgs(t)
			args.Credentials.CreateKey = false
			tt.change(&args.Credentials)
			r, err := protect(t, args)
			require.ErrorContains(t, err, tt.want)
			require.Len(t, paths(t, err), 1)
			require.Empty(t, r.Registrations())
		})
	}
}

func TestCredentialsReportEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Credentials = components.Credentials{
		OutboundIssuer: "sts", RotationDays: 30, LifetimeDays: 60, RecoveryDays: new(1), KMSKey: "key",
		Settings: components.FunctionSettings{MemoryMB: 1, LogRetentionDays: 31}, Binary: "nowhere/bootstrap",
	}
	args.Clients[3].Credential = &access.Credential{Readers: []string{"export"}}
	args.Clients = append(args.Clients,
		access.Client{Name: "partner", Kind: access.ClientDaemon, Credential: &access.Credential{PEM: components.PrivateKey(t)}},
		access.Client{Name: "other", Kind: access.ClientDaemon, Credential: &access.Credential{File: "nowhere.pem"}},
	)
	require.Equal(t, []string{
		"clients[3].credential.readers[0]",
		"credentials.outboundIssuer", "credentials.lifetimeDays", "credentials.recoveryDays", "credentials.kmsKey",
		"credentials.settings.memoryMB", "credentials.settings.logRetentionDays", "credentials.binary",
		"clients[5].credential.file", "clients[4].credential.pem",
	}, paths(t, args.Validate("orders")))
}

// An application may be made without [components.ProtectedApi] too.
func TestClientApplicationChecksItsCertificate(t *testing.T) {
	t.Parallel()
	client := func(c access.Credential) access.Client {
		return access.Client{DisplayName: "c", Kind: access.ClientDaemon, Credential: &c}
	}
	_, err := newClient(client(access.Credential{PEM: components.PrivateKey(t)}), nil)
	require.ErrorContains(t, err, "client.credential.pem: got a private key, want the public certificate alone")
	_, err = newClient(client(access.Credential{File: "nowhere.pem"}), nil)
	require.ErrorContains(t, err, "client.credential.file: open nowhere.pem")

	text := components.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	file := filepath.Join(t.TempDir(), "c.pem")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	r, err := newClient(client(access.Credential{File: file}), nil)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"secret": der(t, text)}, r.Find(t, certificateType, "client").Inputs["value"])
}

func TestNamesOfTheRotationAreTaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*components.ProtectedApiArgs)
		want   string
	}{
		"a client called rotator": {
			func(a *components.ProtectedApiArgs) { a.Clients[0].Name = "rotator" },
			`clients[0].name: name that the rotation of secrets takes for its own: got "rotator", want another name`,
		},
		"a client called secrets": {
			func(a *components.ProtectedApiArgs) { a.Clients[3].Name = "secrets" },
			`clients[3].name: name that the rotation of secrets takes for its own: got "secrets", want another name`,
		},
		"a client called rotator where none has a secret": {
			func(a *components.ProtectedApiArgs) { a.Clients = a.Clients[:1]; a.Clients[0].Name = "rotator" },
			`clients[0].name: name that the rotation of secrets takes for its own`,
		},
		"a function called rotator": {
			func(a *components.ProtectedApiArgs) {
				a.Functions[0].Name, a.Backends[2].Function = "rotator", "rotator"
			},
			`functions[0].name: name is declared twice: got "rotator", want another name than that of the rotator`,
		},
		"a function called secrets": {
			func(a *components.ProtectedApiArgs) {
				a.Functions[0].Name, a.Backends[2].Function = "secrets", "secrets"
			},
			`functions[0].name: name is declared twice: got "secrets", want another name than that of the key of secrets`,
		},
		"a client shown as the rotator": {
			func(a *components.ProtectedApiArgs) { a.Clients[1].DisplayName = "orders Rotator" },
			`clients[1].displayName: name is shown twice: got "orders Rotator", want another name than the rotator's`,
		},
		"an API whose rotator has too long a name": {
			func(a *components.ProtectedApiArgs) {
				a.DisplayName = strings.Repeat("o", 113)
				for i := range a.Clients {
					a.Clients[i].DisplayName = a.Clients[i].Name
				}
			},
			`displayName: name is too long: got "` + strings.Repeat("o", 100),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := ordersArgs(t)
			tt.change(args)
			r, err := protect(t, args)
			require.ErrorContains(t, err, tt.want)
			require.Len(t, paths(t, err), 1)
			require.Empty(t, r.Registrations())
		})
	}
	args := ordersArgs(t)
	args.Functions, args.Backends = nil, args.Backends[:1]
	for i := range args.Routes {
		args.Routes[i].Backend = "orders"
	}
	require.NoError(t, args.Validate(strings.Repeat("n", 56-len("-rotator"))))
	require.Equal(t, []string{"name"}, paths(t, args.Validate(strings.Repeat("n", 57-len("-rotator")))))
}

func TestBackendsMayBeCalledAsTheRotator(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Backends[0].Name = "rotator"
	for i := range args.Routes {
		if args.Routes[i].Backend == "orders" {
			args.Routes[i].Backend = "rotator"
		}
	}
	_, err := protect(t, args)
	require.NoError(t, err)
}
