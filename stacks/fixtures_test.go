package stacks

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/recorder"
	"github.com/entragate/entragate/issuer"
)

const (
	tenantID = recorder.Tenant
	deployer = recorder.Caller
	alice    = "aaaaaaaa-0000-4000-8000-000000000002"
)

// settings are those of a committed stack, as the engine hands them to the
// program, with what a user sets: the tenant, the deployer, who is assigned.
// Functions are prebuilt, to spare building them.
func settings(t *testing.T, stack string) map[string]string {
	t.Helper()
	_, values, err := readValues("..", stack)
	require.NoError(t, err)
	all := map[string]string{
		"entragate:tenantId":   tenantID,
		"entragate:deployer":   deployer,
		"entragate:assignment": `{"users":["` + alice + `"]}`,
	}
	for key, value := range values {
		text, err := value.Value(config.NopDecrypter)
		require.NoError(t, err)
		if _, set := all[key.String()]; !set {
			all[key.String()] = text
		}
	}
	program := strconv.Quote(recorder.Program(t))
	all["entragate:authorizer"] = `{"binary":` + program + `}`
	var credentials map[string]any
	require.NoError(t, json.Unmarshal([]byte(all["entragate:credentials"]), &credentials))
	credentials["binary"] = strings.Trim(program, `"`)
	raw, err := json.Marshal(credentials)
	require.NoError(t, err)
	all["entragate:credentials"] = string(raw)
	all["entragate:functions"] = packageSetting.ReplaceAllString(all["entragate:functions"], `"binary":`+program)
	return all
}

var packageSetting = regexp.MustCompile(`"package":"[^"]*"`)

// with is the settings with some of them replaced.
func with(settings, replaced map[string]string) map[string]string {
	all := maps.Clone(settings)
	maps.Copy(all, replaced)
	return all
}

func directory(t *testing.T) *http.Client {
	t.Helper()
	return recorder.Directory(t, issuer.Tenant{ID: tenantID}.Issuer())
}

func deploy(client *http.Client, stack string, settings map[string]string) (*recorder.Recorder, error) {
	return recorder.Run(DeployWith(client), recorder.WithStack(stack), recorder.WithConfig(settings))
}
