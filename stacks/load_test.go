package stacks

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/esc"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
)

func TestReadFilesOfCommittedStacks(t *testing.T) {
	t.Parallel()
	dev, err := ReadFiles("..", "dev")
	require.NoError(t, err)
	prod, err := ReadFiles("..", "prod")
	require.NoError(t, err)

	require.Equal(t, dev.Scopes, prod.Scopes, "the catalogue is declared once, in Pulumi.yaml")
	require.Equal(t, dev.Roles, prod.Roles)
	require.Equal(t, 30, dev.AccessLog.RetentionDays)
	require.Equal(t, 365, prod.AccessLog.RetentionDays)
	require.Equal(t, access.Throttle{Rate: 50, Burst: 100}, dev.Throttle)
	require.Equal(t, access.Throttle{Rate: 500, Burst: 1000}, prod.Throttle)
	require.True(t, dev.AllowLocalhost)
	require.False(t, prod.AllowLocalhost)
	require.False(t, dev.Protect)
	require.True(t, prod.Protect)
	require.Equal(t, components.Credentials{RecoveryDays: new(0)}, dev.Credentials, "what is deleted is gone")
	require.Equal(t, components.Credentials{CreateKey: true}, prod.Credentials, "what is deleted can be restored for 30 days")
	require.Empty(t, dev.TenantID)
	require.True(t, dev.Model().Assignment.IsRequired())
	require.Equal(t, dev.Model().Matrix().Routes, prod.Model().Matrix().Routes)
}

func TestPathsOfCredentialsAreThoseOfTheProject(t *testing.T) {
	t.Parallel()
	given := Config{dir: "/project", Credentials: components.Credentials{Binary: "bin/rotate"}, Clients: []access.Client{
		{Name: "portal"},
		{Name: "export", Credential: &access.Credential{File: "export.pem"}},
		{Name: "partner", Credential: &access.Credential{File: "/etc/partner.pem"}},
	}}
	located := given.Located()
	require.Equal(t, "/project/bin/rotate", located.Credentials.Binary)
	require.Equal(t, "/project/export.pem", located.Clients[1].Credential.File)
	require.Equal(t, "/etc/partner.pem", located.Clients[2].Credential.File)
	require.Equal(t, "export.pem", given.Clients[1].Credential.File, "the configuration stays as it was written")
}

// The engine validates the stack's settings against the project's types, and
// fills in its defaults, by this function.
func TestCommittedFilesSatisfyTheEngine(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"dev", "prod"} {
		project, err := workspace.LoadProject("../Pulumi.yaml")
		require.NoError(t, err)
		file, err := workspace.LoadProjectStack(nil, project, "../Pulumi."+stack+".yaml")
		require.NoError(t, err)
		apply := func() error {
			return workspace.ValidateStackConfigAndApplyProjectConfig(context.Background(), stack, project, esc.Value{},
				file.Config, config.NopEncrypter, config.NopDecrypter)
		}
		require.ErrorContains(t, apply(), "missing configuration values 'deployer' and 'tenantId'", stack)
		for key, value := range map[string]string{"deployer": deployer, "tenantId": tenantID} {
			require.NoError(t, file.Config.Set(config.MustMakeKey("entragate", key), config.NewValue(value), false))
		}
		require.NoError(t, apply(), stack)
	}
}

// Every setting is described in Pulumi.yaml, and nothing else is.
func TestProjectDescribesEverySetting(t *testing.T) {
	t.Parallel()
	project, err := workspace.LoadProject("../Pulumi.yaml")
	require.NoError(t, err)
	described := map[string]int{}
	for name, setting := range project.Config {
		require.NotEmpty(t, setting.Description, name)
		described[name] = 0
	}
	for name := range jsonFields(typeOfConfig) {
		require.Contains(t, described, name)
		delete(described, name)
	}
	require.Empty(t, described)
}

func TestReadFilesRefuses(t *testing.T) {
	t.Parallel()
	const project = "name: entragate\nruntime: go\n"
	tests := map[string]struct{ stack, want string }{
		"an unknown setting": {
			"config:\n  entragate:route: []\n", `entragate:route: unknown setting: got "route", want "entragate:routes"`,
		},
		"an unknown setting that is near none": {
			"config:\n  entragate:somethingElse: 1\n", "want one of accessLog, acknowledged, alarms, allowLocalhost, api,",
		},
		"an unknown key in a list": {
			"config:\n  entragate:clients:\n    - {name: a, kind: spa, redirectUri: []}\n",
			`entragate:clients[0].redirectUri: unknown setting: got "redirectUri", want "redirectUris"`,
		},
		"a misspelt namespace": {
			"config:\n  entragat:routes: []\n",
			`entragat:routes: namespace that is not the project's: got "entragat", want "entragate:routes"`,
		},
		"a misspelt namespace and setting": {
			"config:\n  entragates:Route: []\n",
			`entragates:Route: namespace that is not the project's: got "entragates", want "entragate:routes"`,
		},
		"a namespace in another case": {
			"config:\n  Entragate:protect: true\n",
			`Entragate:protect: namespace that is not the project's: got "Entragate", want "entragate:protect"`,
		},
		"a misspelt namespace of no setting": {
			"config:\n  entergate:somethingElse: 1\n",
			`entergate:somethingElse: namespace that is not the project's: got "entergate", want one of accessLog,`,
		},
		"an encrypted value in a misspelt namespace": {
			"config:\n  entragat:deployer:\n    secure: AAABAKxQ\n",
			`got "entragat", want "entragate:deployer"`,
		},
		"a text for a truth value": {
			"config:\n  entragate:protect: \"yes\"\n", `entragate:protect: wrong type: got "yes", want true or false`,
		},
		"a fraction for a whole number": {
			"config:\n  entragate:throttle: {rate: 1, burst: 1.5}\n", `entragate:throttle.burst: wrong type: got "1.5", want a whole number`,
		},
		"an object for a list": {
			"config:\n  entragate:routes: {route: GET /}\n", "entragate:routes: wrong type:",
		},
		"nothing where a text belongs": {
			"config:\n  entragate:routes:\n    - {route: GET /, public: }\n",
			`entragate:routes[0].public: wrong type: got "null", want a text`,
		},
		"a number for a tag": {
			"config:\n  entragate:tags: {cost: 7}\n", `entragate:tags.cost: wrong type: got "7", want a text`,
		},
		"an encrypted value": {
			"config:\n  entragate:deployer:\n    secure: AAABAKxQ\n", "entragate:deployer: the value is encrypted, want plain text",
		},
		"an encrypted value inside a setting": {
			"config:\n  entragate:api:\n    name:\n      secure: AAABAKxQ\n", "entragate:api: the value is encrypted, want plain text",
		},
		"what the model refuses": {
			"config:\n  entragate:api: {name: a}\n  entragate:throttle: {rate: 1, burst: 1}\n", "entragate:routes: no routes",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte(project), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.test.yaml"), []byte(test.stack), 0o600))
			_, err := ReadFiles(dir, "test")
			require.ErrorContains(t, err, test.want)
		})
	}
}

// What is misspelt is told together with what is refused, unless a wrong type
// leaves the configuration unknown.
func TestReadFilesReportsUnknownSettingsAndTheModelTogether(t *testing.T) {
	t.Parallel()
	const stack = "config:\n  entragate:api: {name: A, displayNam: B}\n  entragate:thrttle: {}\n" +
		"  entragate:throttle: {rate: 1, burst: 0}\n"
	require.Equal(t, []string{
		"entragate:api.displayNam", "entragate:thrttle", "entragate:api.name",
		"entragate:routes", "entragate:throttle.burst",
	}, refused(t, stack))
	require.Equal(t, []string{"entragate:api.displayNam", "entragate:protect", "entragate:thrttle"},
		refused(t, stack+"  entragate:protect: perhaps\n"))
}

func TestNamespacesOfProvidersAreNotMistakenForTheProject(t *testing.T) {
	t.Parallel()
	for project, keys := range map[string][]string{
		"entragate": {"entragate:routes", "aws:region", "azuread:tenantId", "random:a", "pulumi:tags", "cloudflare:apiToken"},
		"awsx":      {"aws:region"},
		"azure":     {"azuread:tenantId"},
		"ab":        {"k8:context", "gcp:project"},
	} {
		var d decoder
		d.strays(project, keys)
		require.Empty(t, d.problems, project)
	}
}

// refused returns the paths of what is wrong with a stack of a project of no
// defaults.
func refused(t *testing.T, stack string) []string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: entragate\nruntime: go\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.test.yaml"), []byte(stack), 0o600))
	_, err := ReadFiles(dir, "test")
	var found access.Problems
	require.ErrorAs(t, err, &found)
	var paths []string
	for _, problem := range found {
		paths = append(paths, problem.Path)
	}
	return paths
}

func TestReadFilesOfAMissingStack(t *testing.T) {
	t.Parallel()
	_, err := ReadFiles("..", "staging")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, `stack "staging"`)
	_, err = ReadFiles(t.TempDir(), "dev")
	require.ErrorContains(t, err, "Pulumi.yaml")
}
