package sandbox

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/store"
)

// EnvironmentFile is where the sandbox in dir writes the environment that
// unmodified clients need: NAME=value lines without quotes, as `docker
// --env-file` and systemd read them, readable by the owner only.
func EnvironmentFile(dir string) string { return filepath.Join(dir, "sandbox.env") }

// variable is one line of the environment.
type variable struct{ name, value string }

// environment lists what AWS SDKs, azidentity, and Terraform's and Pulumi's
// azuread provider read, for clients that read nothing (MSAL, Graph SDKs) the
// authority and the Graph endpoint, and for programs the issuer of the account's
// web identity tokens, which AWS tells who turns on outbound identity federation.
//   - https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
//   - https://pkg.go.dev/github.com/Azure/azure-sdk-for-go/sdk/azidentity#readme-environment-variables
//   - https://www.pulumi.com/registry/packages/azuread/installation-configuration/
func environment(dir string, s Settings, deployerID, deployerSecret string) []variable {
	entra := net.JoinHostPort("localhost", port(s.EntraAddr))
	return []variable{
		{"AWS_ENDPOINT_URL", "http://" + s.AWSAddr},
		{"AWS_REGION", s.Region},
		{"AWS_DEFAULT_REGION", s.Region},
		{"AWS_ACCESS_KEY_ID", aws.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", aws.SecretAccessKey},
		{"AWS_OUTBOUND_ISSUER", s.OutboundIssuer()},
		{"ARM_METADATA_HOSTNAME", entra},
		{"ARM_TENANT_ID", s.TenantID},
		{"ARM_CLIENT_ID", deployerID},
		{"ARM_CLIENT_SECRET", deployerSecret},
		{"ARM_USE_CLI", "false"},
		{"AZURE_TENANT_ID", s.TenantID},
		{"AZURE_CLIENT_ID", deployerID},
		{"AZURE_CLIENT_SECRET", deployerSecret},
		{"AZURE_AUTHORITY_HOST", "https://" + entra + "/"},
		{"ENTRA_AUTHORITY", "https://" + entra + "/" + s.TenantID},
		{"GRAPH_ENDPOINT", "https://" + entra},
		{"SSL_CERT_FILE", authorityFile(dir)},
	}
}

// functionEnvironment is what functions need beside the variables of AWS: where
// the clouds are, and the authority of their certificates.
func functionEnvironment(dir string, s Settings) map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL": s.AWSURL(), "SSL_CERT_FILE": authorityFile(dir)}
}

func writeEnvironment(dir string, variables []variable) error {
	var b strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&b, "%s=%s\n", v.name, v.value)
	}
	if err := store.WriteFile(EnvironmentFile(dir), []byte(b.String())); err != nil {
		return fmt.Errorf("writing the sandbox's environment: %w", err)
	}
	return nil
}

// ReadEnvironment reads the environment file of the sandbox in dir. The error
// wraps [io/fs.ErrNotExist] when none was ever opened there.
func ReadEnvironment(dir string) (map[string]string, error) {
	raw, err := os.ReadFile(EnvironmentFile(dir))
	if err != nil {
		return nil, fmt.Errorf("reading the sandbox's environment: %w", err)
	}
	variables := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			return nil, fmt.Errorf("reading %s: a line without =, want NAME=value", EnvironmentFile(dir))
		}
		variables[name] = value
	}
	return variables, nil
}
