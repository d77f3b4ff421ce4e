package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/toolchain"
)

const checkpoint = `{"version":3,"checkpoint":{"stack":"organization/shop/dev","latest":{
  "resources":[
    {"urn":"urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev","type":"pulumi:pulumi:Stack","outputs":{"url":"https://x"}},
    {"urn":"urn:pulumi:dev::shop::pulumi:providers:aws::p","custom":true,"id":"1","type":"pulumi:providers:aws"},
    {"urn":"urn:pulumi:dev::shop::aws:apigatewayv2/api:Api::a","custom":true,"id":"api1","type":"aws:apigatewayv2/api:Api","protect":true}],
  "pending_operations":[{"type":"creating","resource":{"urn":"u","type":"aws:apigatewayv2/route:Route","inputs":{"apiId":"api1"}}}]}}}`

func writeState(t *testing.T, content string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Dir(stateFile(dir, "shop", "dev")), 0o700))
	require.NoError(t, os.WriteFile(stateFile(dir, "shop", "dev"), []byte(content), 0o600))
	return dir
}

func TestTheStateIsReadFromItsFile(t *testing.T) {
	t.Parallel()
	dir := writeState(t, checkpoint)
	s, err := ReadState(dir, "shop", "dev")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"url": "https://x"}, s.Outputs())
	require.Len(t, s.Custom(), 1, "neither the stack nor providers")
	require.Equal(t, "api1", s.Custom()[0].ID)
	require.Len(t, s.Protected(), 1)
	require.Equal(t, "api1", s.Protected()[0].ID)
	require.Len(t, s.Pending, 1)
	require.Equal(t, apitype.OperationTypeCreating, s.Pending[0].Type)

	names, err := AllStacks(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"shop/dev"}, names)
}

func TestStacksAreFoundWhateverTheFolderIsCalled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a [b] *'?")
	for _, file := range []string{stateFile(dir, "shop", "dev"), stateFile(dir, "shop", "prod"), stateFile(dir, "shopping", "dev")} {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(checkpoint), 0o600))
	}
	names, err := Stacks(dir, "shop")
	require.NoError(t, err)
	require.Equal(t, []string{"dev", "prod"}, names)
	names, err = AllStacks(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"shop/dev", "shop/prod", "shopping/dev"}, names)
	names, err = AllStacks(t.TempDir())
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestTheStateMayBeInAFolderOfAnyName(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{
		"/clouds/state":    "file:///clouds/state?metadata=skip",
		"/my clouds/state": "file:///my%20clouds/state?metadata=skip",
		"/100% #?&/state":  "file:///100%25%20%23%3F&/state?metadata=skip",
	} {
		require.Equal(t, want, backendURL(dir))
	}
}

func TestAStackThatWasNeverDeployedHasNothing(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"no file":       t.TempDir(),
		"no deployment": writeState(t, `{"version":3,"checkpoint":{"stack":"organization/shop/dev"}}`),
	} {
		s, err := ReadState(dir, "shop", "dev")
		require.NoError(t, err, name)
		require.Nil(t, s.Outputs(), name)
		require.Empty(t, s.Resources, name)
	}
	_, err := ReadState(writeState(t, "{"), "shop", "dev")
	require.ErrorContains(t, err, "stack dev")
}

func TestAStateThatWasCutOffIsTakenFromItsBackup(t *testing.T) {
	t.Parallel()
	require.NoError(t, mendState(t.TempDir(), "shop", "dev"), "no state at all")

	whole := writeState(t, checkpoint)
	require.NoError(t, mendState(whole, "shop", "dev"))
	s, err := ReadState(whole, "shop", "dev")
	require.NoError(t, err)
	require.Len(t, s.Resources, 3)

	cut := writeState(t, checkpoint[:100])
	require.ErrorContains(t, mendState(cut, "shop", "dev"), "cut off, and so is its backup")
	require.NoError(t, os.WriteFile(stateFile(cut, "shop", "dev")+".bak", []byte("{"), 0o600))
	require.ErrorContains(t, mendState(cut, "shop", "dev"), "cut off, and so is its backup")
	require.NoError(t, os.WriteFile(stateFile(cut, "shop", "dev")+".bak", []byte(checkpoint), 0o600))
	require.NoError(t, mendState(cut, "shop", "dev"))
	s, err = ReadState(cut, "shop", "dev")
	require.NoError(t, err)
	require.Len(t, s.Resources, 3)
}

func TestTheEnvironmentOfTheCLIKnowsTheSandboxOnly(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_CA_BUNDLE", "HTTPS_PROXY", "ARM_CLIENT_CERTIFICATE_PATH", "PULUMI_ACCESS_TOKEN"} {
		t.Setenv(name, "theirs")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "theirs")
	dir := t.TempDir()
	env, err := environment(Options{
		StateDir: dir, Tools: toolchain.Tools{PulumiHome: "/home/pulumi"},
		Clouds: map[string]string{"AWS_ACCESS_KEY_ID": "sandbox"},
	})
	require.NoError(t, err)
	require.NotContains(t, strings.Join(env, "\n"), "theirs")
	require.Contains(t, env, "AWS_ACCESS_KEY_ID=sandbox")
	require.Contains(t, env, "PULUMI_HOME=/home/pulumi")
	require.Contains(t, env, "PULUMI_BACKEND_URL=file://"+dir+"?metadata=skip")
	require.Contains(t, env, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")
}

func TestThePassphraseIsMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	path, err := passphraseFile(dir)
	require.NoError(t, err)
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(first), 26, "128 bits")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	_, err = passphraseFile(dir)
	require.NoError(t, err)
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, first, again)
}

// exported is a state with a create and an update that were cut off.
const exported = `{"version":3,"deployment":{"manifest":{"magic":"m"},
  "resources":[{"urn":"stack","type":"pulumi:pulumi:Stack"}],
  "pending_operations":[
    {"type":"creating","resource":{"urn":"u1","custom":true,"type":"t","inputs":{"n":12345678901234567890},"outputs":{},"parent":"stack"}},
    {"type":"creating","resource":{"urn":"u2","custom":true,"type":"t"}},
    {"type":"updating","resource":{"urn":"u3","custom":true,"type":"t"}}]}}`

func TestAPendingCreateBecomesTheObjectThatItMade(t *testing.T) {
	t.Parallel()
	edited, err := adopt([]byte(exported), map[string]string{"u1": "api1/r1"})
	require.NoError(t, err)
	require.JSONEq(t, `{"version":3,"deployment":{"manifest":{"magic":"m"},
	  "resources":[{"urn":"stack","type":"pulumi:pulumi:Stack"},
	    {"urn":"u1","custom":true,"type":"t","id":"api1/r1","inputs":{"n":12345678901234567890},"parent":"stack"}],
	  "pending_operations":[
	    {"type":"creating","resource":{"urn":"u2","custom":true,"type":"t"}},
	    {"type":"updating","resource":{"urn":"u3","custom":true,"type":"t"}}]}}`, string(edited))
	require.Contains(t, string(edited), "12345678901234567890", "numbers keep all their digits")
}

func TestWhatWasNotBeingCreatedIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state string
		ids   map[string]string
		want  string
	}{
		"an unknown URN":     {exported, map[string]string{"u9": "x"}, "0 of 1"},
		"an update":          {exported, map[string]string{"u3": "x"}, "0 of 1"},
		"nothing is pending": {`{"deployment":{"resources":[]}}`, map[string]string{"u1": "x"}, "0 of 1"},
		"not JSON":           {`{`, nil, "unexpected end"},
		"no deployment":      {`{}`, nil, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := adopt([]byte(tc.state), tc.ids)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAdoptingEditsTheStateAndReadsWhatItAdded(t *testing.T) {
	t.Parallel()
	var calls []string
	err := AdoptWith(func(stdin []byte, args ...string) ([]byte, error) {
		calls = append(calls, strings.Join(args, " "))
		if args[1] == "import" {
			require.Contains(t, string(stdin), `"id":"i1"`)
		}
		return []byte(exported), nil
	}, map[string]string{"u1": "i1"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"stack export", "stack import",
		"refresh --yes --skip-preview --skip-pending-creates --suppress-outputs --target u1",
	}, calls)
}

// follow feeds events to a progress whose clock stands still.
func follow(list ...apitype.EngineEvent) (*progress, string) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.now = func() time.Time { return time.Time{} }
	stream := make(chan events.EngineEvent, len(list))
	for _, e := range list {
		stream <- events.EngineEvent{EngineEvent: e}
	}
	close(stream)
	p.follow(stream)
	return p, out.String()
}

func step(op apitype.OpType, custom bool, diffs ...string) apitype.StepEventMetadata {
	const urn = "urn:pulumi:dev::shop::aws:apigatewayv2/route:Route::GET /orders"
	return apitype.StepEventMetadata{
		Op: op, URN: urn, Type: "aws:apigatewayv2/route:Route", Diffs: diffs,
		New: &apitype.StepEventStateMetadata{Custom: custom, URN: urn},
	}
}

func TestProgressIsALineForEachResourceThatChanges(t *testing.T) {
	t.Parallel()
	p, out := follow(
		apitype.EngineEvent{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: step(apitype.OpUpdate, true, "authorizationScopes")}},
		apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: step(apitype.OpUpdate, true, "authorizationScopes")}},
		apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: step(apitype.OpSame, true)}},
		apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: step(apitype.OpDelete, true)}},
		apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: step(apitype.OpCreate, false)}},
		apitype.EngineEvent{ResOpFailedEvent: &apitype.ResOpFailedEvent{Metadata: step(apitype.OpDelete, true)}},
		apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "error", Message: "<{%reset%}>went wrong<{%reset%}>\n"}},
		apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "info", Message: "chatter"}},
		apitype.EngineEvent{SummaryEvent: &apitype.SummaryEvent{ResourceChanges: map[apitype.OpType]int{apitype.OpUpdate: 1, apitype.OpSame: 4}}},
	)
	require.Equal(t, "  ~ Route GET /orders (authorizationScopes) 0.0s\n  ! delete   Route GET /orders\n  error: went wrong\n", out)
	require.Equal(t, []string{"went wrong"}, p.problems)
	require.Equal(t, "update 1, 4 unchanged", p.changes.String())
	require.Equal(t, []Change{{
		Op: "update", Type: "aws:apigatewayv2/route:Route", Name: "GET /orders",
		URN: "urn:pulumi:dev::shop::aws:apigatewayv2/route:Route::GET /orders", Keys: []string{"authorizationScopes"},
	}}, p.changes.Resources)
}

func TestNoChangesIsSaidInSoManyWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no changes, 45 resources as they should be", Changes{Same: 45}.String())
	require.True(t, Changes{Same: 45}.None())
	require.False(t, Changes{Replace: 1}.None())
}
