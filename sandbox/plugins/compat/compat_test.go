// Package compat tests that the plugins are what the published Go SDKs expect: that they have every token, and that each
// takes the same inputs of the same kinds, the same ones of them required.
package compat

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/stretchr/testify/require"

	"github.com/terraform-providers/terraform-provider-random/shim/awsbridge"
	"github.com/terraform-providers/terraform-provider-random/shim/azureadbridge"
	"github.com/terraform-providers/terraform-provider-random/shim/randombridge"
)

// newer is what the SDK has and the provider does not, since pulumi-aws was made from a newer version of Terraform's
// provider than the last one that is published as a module that others can build.
var newer = []string{
	"aws:apigatewayv2/api:Api.ipAddressType",
	"aws:apigatewayv2/domainName:DomainName.domainNameConfiguration.ipAddressType",
	"aws:cloudwatch/eventBus:EventBus.deadLetterConfig",
	"aws:cloudwatch/eventConnection:EventConnection.invocationConnectivityParameters",
	"aws:cloudwatch/eventConnection:EventConnection.kmsKeyIdentifier",
	"aws:kms/customKeyStore:CustomKeyStore",
	"aws:route53/healthCheck:HealthCheck.triggers",
	"aws:route53/trafficPolicy:TrafficPolicy.arn",
	"aws:route53/trafficPolicyInstance:TrafficPolicyInstance.arn",
	"aws:sns/topic:Topic.fifoThroughputScope",
	"aws:cloudwatch/getLogDataProtectionPolicyDocument:getLogDataProtectionPolicyDocument.configuration",
}

func TestAWS(t *testing.T) {
	info, err := awsbridge.Provider(t.Context(), "0.0.0")
	require.NoError(t, err)
	compare(t, info, sdkDir(t, "github.com/pulumi/pulumi-aws/sdk/v6", "go/aws"), newer)
}

func TestAzureAD(t *testing.T) {
	info, err := azureadbridge.Provider(t.Context(), "0.0.0")
	require.NoError(t, err)
	compare(t, info, sdkDir(t, "github.com/pulumi/pulumi-azuread/sdk/v5", "go/azuread"), nil)
}

func TestRandom(t *testing.T) {
	info, err := randombridge.Provider(t.Context(), "0.0.0")
	require.NoError(t, err)
	compare(t, info, sdkDir(t, "github.com/pulumi/pulumi-random/sdk/v4", "go/random"), nil)
}

// sdkDir is where the SDK lies that the programs of the main module import.
func sdkDir(t *testing.T, module, folder string) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
	cmd.Dir = "../../.."
	out, err := cmd.Output()
	require.NoError(t, err, "find module %s", module)
	return filepath.Join(strings.TrimSpace(string(out)), folder)
}

// compare fails for each difference of provider and SDK that does not begin with an exception, and for each exception
// that is none any more.
func compare(t *testing.T, info tfbridge.ProviderInfo, dir string, exceptions []string) {
	t.Helper()
	sdk := sdk{dir: dir, packages: make(map[string]*goPackage)}
	diffs := append(sdk.resourceDiffs(t, info), sdk.functionDiffs(t, info)...)
	used := make(map[string]bool)
	for _, diff := range diffs {
		i := slices.IndexFunc(exceptions, func(e string) bool {
			return strings.HasPrefix(diff, e+":") || strings.HasPrefix(diff, e+".")
		})
		if i < 0 {
			t.Error(diff)
		} else {
			used[exceptions[i]] = true
		}
	}
	for _, exception := range exceptions {
		if !used[exception] {
			t.Errorf("%s: is no exception any more, take it out", exception)
		}
	}
	t.Logf("compared %d resources and %d functions", len(info.Resources), len(info.DataSources))
}

func (s sdk) resourceDiffs(t *testing.T, info tfbridge.ProviderInfo) []string {
	t.Helper()
	var diffs []string
	for _, tfToken := range slices.Sorted(maps.Keys(info.Resources)) {
		resource := info.Resources[tfToken]
		schema := info.P.ResourcesMap().Get(tfToken).Schema()
		token := string(resource.Tok)
		p := s.packageOf(t, token)
		decl, ok := p.resources[token]
		if !ok {
			diffs = append(diffs, token+": not in the SDK")
			continue
		}
		diffs = append(diffs, fieldDifferences(token, inputsOf(schema, resource.Fields), p.inputs(decl))...)
		diffs = append(diffs, fieldDifferences(token, stateOf(schema, resource.Fields), p.state(decl))...)
	}
	return diffs
}

func (s sdk) functionDiffs(t *testing.T, info tfbridge.ProviderInfo) []string {
	t.Helper()
	var diffs []string
	for _, tfToken := range slices.Sorted(maps.Keys(info.DataSources)) {
		source := info.DataSources[tfToken]
		schema := info.P.DataSourcesMap().Get(tfToken).Schema()
		token := string(source.Tok)
		p := s.packageOf(t, token)
		function, ok := p.functions[token]
		if !ok {
			diffs = append(diffs, token+": not in the SDK")
			continue
		}
		diffs = append(diffs, fieldDifferences(token, inputsOf(schema, source.Fields), p.functionInputs(function))...)
	}
	return diffs
}

// An sdk parses its packages when they are asked for.
type sdk struct {
	dir      string
	packages map[string]*goPackage
}

// packageOf returns the package that declares a token, `aws:apigatewayv2/route:Route` for one.
func (s sdk) packageOf(t *testing.T, token string) *goPackage {
	t.Helper()
	module, _, _ := strings.Cut(strings.Split(token, ":")[1], "/")
	if module == "index" {
		module = ""
	}
	if s.packages[module] == nil {
		p, err := parsePackage(filepath.Join(s.dir, module))
		require.NoError(t, err)
		s.packages[module] = p
	}
	return s.packages[module]
}
