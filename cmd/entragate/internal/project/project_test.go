package project_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/project"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/stacks"
)

// write makes a project with one stack file.
func write(t *testing.T, stackFile string) project.Project {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\nruntime: go\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(stackFile), 0o600))
	p, err := project.Find(dir)
	require.NoError(t, err)
	return p
}

// copied is the configuration that Copy made, read back.
func copied(t *testing.T, dir string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	var file map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &file))
	return file
}

func TestAProjectIsFoundFromWithin(t *testing.T) {
	p := write(t, "")
	below := filepath.Join(p.Dir, "a", "b")
	require.NoError(t, os.MkdirAll(below, 0o700))
	t.Chdir(below)
	found, err := project.Find("")
	require.NoError(t, err)
	require.Equal(t, "shop", found.Name)

	t.Chdir(t.TempDir())
	_, err = project.Find("")
	require.ErrorContains(t, err, "say --dir")
}

func TestWhatIsNoProjectIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"no name":  {"runtime: go\n", "name: got nothing"},
		"not YAML": {"name: [", "Pulumi.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte(tc.content), 0o600))
			_, err := project.Find(dir)
			require.ErrorContains(t, err, tc.want)
		})
	}
	_, err := project.Find(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAStackNameThatIsAPathIsRefused(t *testing.T) {
	t.Parallel()
	p := write(t, "")
	for _, stack := range []string{"", "../dev", "a/b", ".dev", "dev;rm"} {
		_, err := p.StackFile(stack)
		require.ErrorContains(t, err, "want letters", stack)
	}
	_, err := p.StackFile("prod")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, `stack: got "prod", want one of dev:`)
	_, err = p.StackFile("dev")
	require.NoError(t, err)
}

var here = project.Sandbox{
	Region: "eu-west-1", LoginHost: "localhost:1", TenantID: "t", Deployer: "d", User: "u", Group: "g", Backend: "http://127.0.0.1:2",
	Architecture: functions.X8664, Reader: "arn:aws:iam::111122223333:user/here", OutboundIssuer: "https://here.example",
}

func TestTheOverlayIsLaidOverACopy(t *testing.T) {
	t.Parallel()
	const committed = `# a comment
encryptionsalt: v1:theirs
config:
  aws:region: us-east-1
  shop:config:tenantId: real
  shop:throttle: {rate: 5, burst: 9}
`
	p := write(t, committed)
	work := filepath.Join(t.TempDir(), "work")
	overlay := here.Overlay("shop", stacks.Config{
		Functions: []components.BackendFunction{{Name: "orders", Package: "example.com/orders"}},
		Backends: []access.Backend{
			{Name: "main", URL: "https://main.example.com", TimeoutMillis: 900},
			{Name: "orders", Function: "orders"},
			{Name: "old", Function: "arn:aws:lambda:eu-west-1:123456789012:function:old"},
		},
		Authorizer: components.RoleAuthorizer{Binary: "/elsewhere/bootstrap", CacheSeconds: new(5)},
		Clients: []access.Client{
			{Name: "portal", Kind: access.ClientSPA},
			{Name: "export", Kind: access.ClientDaemon, Credential: &access.Credential{
				Kind: access.CredentialSecret, Readers: []string{"arn:aws:iam::444455556666:role/theirs"},
			}},
			{Name: "import", Kind: access.ClientDaemon, Credential: &access.Credential{AWSRole: "arn:aws:iam::444455556666:role/theirs"}},
		},
		Credentials: components.Credentials{
			OutboundIssuer: "https://theirs.example", KMSKey: "arn:aws:kms:eu-west-1:444455556666:key/k", Binary: "/elsewhere/rotate", RotationDays: 30,
		},
		AccessLog: components.AccessLogSettings{RetentionDays: 7, KMSKey: "arn:aws:kms:eu-west-1:444455556666:key/l"},
		Alarms: components.Alarms{
			Topic: "arn:aws:sns:eu-west-1:444455556666:theirs", Thresholds: components.Thresholds{RefusedPercent: 5},
		},
	})
	keys, err := p.Copy("dev", work, overlay)
	require.NoError(t, err)
	require.Contains(t, keys, "shop:tenantId")

	file := copied(t, work)
	require.NotContains(t, file, "encryptionsalt", "the sandbox cannot read secrets of the committed stack")
	config := file["config"].(map[string]any)
	require.Equal(t, "eu-west-1", config["aws:region"])
	require.Equal(t, "t", config["shop:tenantId"])
	require.NotContains(t, config, "shop:config:tenantId", "the longer form of a key would win or clash")
	require.Equal(t, map[string]any{"rate": 5, "burst": 9}, config["shop:throttle"], "the rest stays")
	require.Equal(t, []any{
		map[string]any{"name": "main", "url": "http://127.0.0.1:2", "timeoutMillis": 900},
		map[string]any{"name": "orders", "function": "orders"},
		map[string]any{"name": "old", "url": "http://127.0.0.1:2"},
	}, config["shop:backends"], "a function that is not deployed with the stack is not there")
	require.Equal(t, []any{
		map[string]any{"name": "portal", "kind": "spa"},
		map[string]any{"name": "export", "kind": "daemon", "credential": map[string]any{
			"kind": "secret", "readers": []any{"arn:aws:iam::111122223333:user/here"},
		}},
		map[string]any{"name": "import", "kind": "daemon", "credential": map[string]any{"awsRole": "arn:aws:iam::444455556666:role/theirs"}},
	}, config["shop:clients"], "who reads secrets elsewhere does not exist here")
	require.Equal(t, map[string]any{"outboundIssuer": "https://here.example", "createKey": true, "rotationDays": 30}, config["shop:credentials"])
	require.Equal(t, map[string]any{"retentionDays": 7, "createKey": true}, config["shop:accessLog"])
	require.Equal(t, map[string]any{"thresholds": map[string]any{"refusedPercent": 5}}, config["shop:alarms"], "a topic of another account is not there")
	require.Equal(t, "x86_64", config["shop:architecture"])
	require.Equal(t, map[string]any{"cacheSeconds": 5}, config["shop:authorizer"], "the program is built for this machine")
	require.Equal(t, map[string]any{"users": []any{"u"}, "groups": []any{"g"}}, config["shop:assignment"])

	now, err := os.ReadFile(filepath.Join(p.Dir, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	require.Equal(t, committed, string(now), "the committed file is not written")
	info, err := os.Stat(filepath.Join(work, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestTheSandboxsOwnEncryptionSurvivesTheNextCopy(t *testing.T) {
	t.Parallel()
	p := write(t, "config: {}\n")
	work := t.TempDir()
	_, err := p.Copy("dev", work, map[string]any{"aws:region": "x"})
	require.NoError(t, err)
	f, err := os.OpenFile(filepath.Join(work, "Pulumi.dev.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("encryptionsalt: v1:ours\n") // as the CLI does
	require.NoError(t, err)
	require.NoError(t, f.Close())

	_, err = p.Copy("dev", work, map[string]any{"aws:region": "y"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"config": map[string]any{"aws:region": "y"}, "encryptionsalt": "v1:ours"}, copied(t, work))
}

func TestAConfigurationThatCannotBeCopiedIsAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"not YAML":         {"config: [", "Pulumi.dev.yaml"},
		"config is a list": {"config: [a]\n", "config: got []interface {}, want settings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := write(t, tc.content).Copy("dev", t.TempDir(), nil)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestPeopleOfAnotherTenantAreReplaced(t *testing.T) {
	t.Parallel()
	no := false
	for name, tc := range map[string]struct{ declared, want access.Assignment }{
		"nobody, though required": {access.Assignment{}, access.Assignment{Users: []string{"u"}, Groups: []string{"g"}}},
		"nobody, not required":    {access.Assignment{Required: &no}, access.Assignment{Required: &no}},
		"users only":              {access.Assignment{Users: []string{"x", "y"}}, access.Assignment{Users: []string{"u"}}},
		"groups only":             {access.Assignment{Groups: []string{"x"}}, access.Assignment{Groups: []string{"g"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, here.Assign(tc.declared))
		})
	}
}
