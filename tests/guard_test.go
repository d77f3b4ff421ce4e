package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	awsapi "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/entragate/entragate/internal/toolchain"
	"github.com/entragate/entragate/stacks"
)

// guarded runs programs under the policy pack, as a user would who has the pulumi
// CLI and no language host: the pack is a plugin that the project names.
type guarded struct {
	p       *project
	tools   toolchain.Tools
	pack    string // its folder
	plugins string // the folder of its program
	env     map[string]string
}

func newGuarded(t *testing.T, p *project) *guarded {
	t.Helper()
	var opened preview
	p.run(&opened, "sandbox", "preview") // starts the clouds
	pack, err := filepath.Abs("../guard/pack")
	require.NoError(t, err)
	g := &guarded{p: p, pack: pack, plugins: t.TempDir()}
	build := exec.Command("go", "build", "-o", filepath.Join(g.plugins, "pulumi-analyzer-policy-go"), g.pack)
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	g.tools, err = toolchain.Ensure(t.Context(), toolchain.Options{Progress: func(line string) { t.Log(line) }})
	require.NoError(t, err)
	g.env = g.tools.Env()
	maps.Copy(g.env, p.environment())
	g.env["PULUMI_BACKEND_URL"] = "file://" + filepath.ToSlash(t.TempDir())
	g.env["PULUMI_CONFIG_PASSPHRASE_FILE"] = filepath.Join(p.dir, ".entragate", "state", "passphrase")
	return g
}

// stack makes a stack of the program whose Pulumi.yaml and configuration are in
// dir, a copy, and names the plugin in it.
func (g *guarded) stack(t *testing.T, dir string, program pulumi.RunFunc) auto.Stack {
	t.Helper()
	path := filepath.Join(dir, "Pulumi.yaml")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var settings map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &settings))
	settings["plugins"] = map[string]any{"analyzers": []any{map[string]any{"name": "policy-go", "path": g.plugins}}}
	raw, err = yaml.Marshal(settings)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	command, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: g.tools.Root})
	require.NoError(t, err)
	work, err := auto.NewLocalWorkspace(t.Context(), auto.WorkDir(dir), auto.Pulumi(command), auto.EnvVars(g.env), auto.Program(program))
	require.NoError(t, err)
	stack, err := auto.UpsertStack(t.Context(), "dev", work)
	require.NoError(t, err)
	return stack
}

// shop is a stack of a program that knows nothing of Entragate.
func (g *guarded) shop(t *testing.T, program pulumi.RunFunc) auto.Stack {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\nruntime: go\n"), 0o600))
	stack := g.stack(t, dir, program)
	require.NoError(t, stack.SetConfig(t.Context(), "aws:region", auto.ConfigValue{Value: g.env["AWS_REGION"]}))
	require.NoError(t, stack.SetConfig(t.Context(), "aws:skipMetadataApiCheck", auto.ConfigValue{Value: "true"}))
	return stack
}

// packConfig writes a configuration of the pack.
func packConfig(t *testing.T, rules map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(rules)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "guard.json")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	return path
}

// judged is what the pack said of a run.
type judged struct {
	violations []string // "level rule resource", sorted
	said       string   // by the CLI
	err        error
}

func judge(run func(stream chan<- events.EngineEvent, said *bytes.Buffer) error) judged {
	stream := make(chan events.EngineEvent, 1024)
	done := make(chan struct{})
	var j judged
	go func() {
		defer close(done)
		for e := range stream {
			if v := e.PolicyEvent; v != nil {
				name := resource.URN(v.ResourceURN).Name()
				j.violations = append(j.violations, fmt.Sprintf("%s %s %s", v.EnforcementLevel, v.PolicyName, name))
			}
		}
	}()
	var said bytes.Buffer
	j.err = run(stream, &said)
	<-done
	j.said = said.String()
	slices.Sort(j.violations)
	return j
}

func (g *guarded) preview(t *testing.T, stack auto.Stack, rules map[string]any) judged {
	t.Helper()
	return judge(func(stream chan<- events.EngineEvent, said *bytes.Buffer) error {
		_, err := stack.Preview(t.Context(), optpreview.PolicyPacks(g.pack), optpreview.PolicyPackConfigs(packConfig(t, rules)),
			optpreview.EventStreams(stream), optpreview.ProgressStreams(said), optpreview.ErrorProgressStreams(said))
		return err
	})
}

func (g *guarded) up(t *testing.T, stack auto.Stack) judged {
	t.Helper()
	return judge(func(stream chan<- events.EngineEvent, said *bytes.Buffer) error {
		_, err := stack.Up(t.Context(), optup.PolicyPacks(g.pack),
			optup.EventStreams(stream), optup.ProgressStreams(said), optup.ErrorProgressStreams(said))
		return err
	})
}

// careless is a program that an organisation may have: of each thing one that is as
// it should be, and one that is not.
func careless(ctx *pulumi.Context) error {
	api, err := apigatewayv2.NewApi(ctx, "shop", &apigatewayv2.ApiArgs{ProtocolType: pulumi.String("HTTP")})
	if err != nil {
		return err
	}
	authorizer, err := apigatewayv2.NewAuthorizer(ctx, "anyone", &apigatewayv2.AuthorizerArgs{
		ApiId: api.ID(), AuthorizerType: pulumi.String("JWT"),
		IdentitySources: pulumi.StringArray{pulumi.String("$request.header.Authorization")},
		JwtConfiguration: apigatewayv2.AuthorizerJwtConfigurationArgs{
			Issuer:    pulumi.String("https://login.microsoftonline.com/common/v2.0"),
			Audiences: pulumi.StringArray{pulumi.String("b4c4ee5c-0b2f-4b53-8c36-0e0f1ac3a1f1")},
		},
	})
	if err != nil {
		return err
	}
	for name, route := range map[string]apigatewayv2.RouteArgs{
		"closed":    {RouteKey: pulumi.String("GET /orders"), AuthorizationType: pulumi.String("JWT"), AuthorizationScopes: pulumi.StringArray{pulumi.String("Orders.Read")}},
		"forgotten": {RouteKey: pulumi.String("DELETE /orders/{id}")}, // an authorizer without a type
	} {
		route.ApiId, route.AuthorizerId = api.ID(), authorizer.ID()
		if _, err := apigatewayv2.NewRoute(ctx, name, &route); err != nil {
			return err
		}
	}
	if _, err := apigatewayv2.NewRoute(ctx, "health", &apigatewayv2.RouteArgs{ApiId: api.ID(), RouteKey: pulumi.String("GET /health")}); err != nil {
		return err
	}
	_, err = secretsmanager.NewSecret(ctx, "unturned", nil)
	return err
}

// late is a program whose mistake nobody can see before it is deployed.
func late(ctx *pulumi.Context) error {
	api, err := apigatewayv2.NewApi(ctx, "late", &apigatewayv2.ApiArgs{ProtocolType: pulumi.String("HTTP")})
	if err != nil {
		return err
	}
	none := api.ID().ApplyT(func(pulumi.ID) string { return "NONE" }).(pulumi.StringOutput)
	_, err = apigatewayv2.NewRoute(ctx, "late", &apigatewayv2.RouteArgs{
		ApiId: api.ID(), RouteKey: pulumi.String("GET /late"), AuthorizationType: none,
	})
	return err
}

func TestThePolicyPack(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	g := newGuarded(t, p)
	health := map[string]any{"allow": []any{map[string]any{"resource": "GET /health", "reason": "load balancers have no token"}}}

	t.Run("fails the preview of any program that breaks a rule", func(t *testing.T) {
		stack := g.shop(t, careless)
		found := g.preview(t, stack, nil)
		require.Error(t, found.err, found.said)
		require.ErrorContains(t, found.err, "exit status 1")
		require.Equal(t, []string{
			"advisory secret-rotation unturned",
			"mandatory jwt-issuer anyone",
			"mandatory route-authorization forgotten",
			"mandatory route-authorization health",
		}, found.violations, found.said)
		require.Contains(t, found.said, "anybody may call DELETE /orders/{id}, authorizationType: got \"NONE\"; its authorizerId changes nothing")
		require.Contains(t, found.said, "APIGateway.8")

		// What is advisory alone, or allowed, or told of only, stops nothing.
		found = g.preview(t, stack, map[string]any{
			"route-authorization": map[string]any{"allow": []any{
				map[string]any{"resource": "* /*", "reason": "every route is public here"},
			}},
			"jwt-issuer": "advisory",
		})
		require.NoError(t, found.err, found.said)
		require.Equal(t, []string{"advisory jwt-issuer anyone", "advisory secret-rotation unturned"}, found.violations, found.said)
	})

	t.Run("refuses a configuration with a mistake", func(t *testing.T) {
		stack := g.shop(t, careless)
		for want, rules := range map[string]map[string]any{
			"reason is required": {"route-authorization": map[string]any{"allow": []any{map[string]any{"resource": "GET /health"}}}},
			"no such rule":       {"route-authorisation": "disabled"},
			"unknown field":      {"jwt-issuer": map[string]any{"alow": []any{}}},
		} {
			found := g.preview(t, stack, rules)
			require.Error(t, found.err, found.said)
			require.Contains(t, found.said, want)
			require.Empty(t, found.violations)
		}
	})

	t.Run("stops a deployment at what a preview could not know", func(t *testing.T) {
		stack := g.shop(t, late)
		require.NoError(t, g.preview(t, stack, nil).err)
		found := g.up(t, stack)
		require.Error(t, found.err, found.said)
		require.Equal(t, []string{"mandatory route-authorization late"}, found.violations, found.said)
		apis := awsapi.NewFromConfig(p.aws())
		list, err := apis.GetApis(t.Context(), &awsapi.GetApisInput{})
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
		routes, err := apis.GetRoutes(t.Context(), &awsapi.GetRoutesInput{ApiId: list.Items[0].ApiId})
		require.NoError(t, err)
		require.Empty(t, routes.Items, "the API, which is harmless, was made; the route was not")
	})

	t.Run("lets the dev stack pass but for what is public", func(t *testing.T) {
		dir := t.TempDir()
		work := filepath.Join(p.dir, ".entragate", "stacks", "entragate", "dev", "work")
		require.NoError(t, os.CopyFS(dir, os.DirFS(work)))
		stack := g.stack(t, dir, stacks.DeployWith(p.http()))
		found := g.preview(t, stack, nil)
		require.Error(t, found.err, found.said)
		require.Equal(t, []string{"mandatory route-authorization orders-GET /health"}, found.violations, found.said)
		found = g.preview(t, stack, map[string]any{"route-authorization": health})
		require.NoError(t, found.err, found.said)
		require.Empty(t, found.violations, found.said)
	})
}
