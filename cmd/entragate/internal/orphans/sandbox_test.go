package orphans

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/entra"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/store"
)

const (
	region   = "eu-west-1"
	tenantID = "6f3c1c4e-0a55-4c1c-9a39-0d7a5b8a3c11"
)

// stack is whose objects the tests look for; stackTags are its tags, and
// otherTags those of another one of the same project.
var (
	stack     = Stack{Project: "shop", Name: "dev"}
	stackTags = map[string]string{components.TagProject: stack.Project, components.TagStack: stack.Name}
	otherTags = map[string]string{components.TagProject: stack.Project, components.TagStack: "prod"}
)

// newClouds serves both clouds and makes clients of them.
func newClouds(t *testing.T) *clouds.Clouds {
	t.Helper()
	cloud, err := aws.New(aws.Options{
		Region:      region,
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(apiID string) string { return "https://" + apiID + ".localhost" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	account := httptest.NewServer(cloud)
	t.Cleanup(account.Close)

	tenant := httptest.NewUnstartedServer(nil)
	address := "https://" + tenant.Listener.Addr().String()
	state, secrets, err := directory.Seed(directory.SeedOptions{TenantID: tenantID, GraphURL: address})
	require.NoError(t, err)
	dir, err := store.Open("", state)
	require.NoError(t, err)
	tenant.Config.Handler, err = entra.New(entra.Options{BaseURL: address, Tenants: []*directory.Directory{dir}})
	require.NoError(t, err)
	tenant.StartTLS()
	t.Cleanup(tenant.Close)

	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tenant.Certificate().Raw}), 0o600))
	c, err := clouds.Sandbox(map[string]string{
		"SSL_CERT_FILE": authority, "GRAPH_ENDPOINT": address, "AZURE_AUTHORITY_HOST": address + "/", "AZURE_TENANT_ID": tenantID,
		"AZURE_CLIENT_ID": secrets.DeployerAppID, "AZURE_CLIENT_SECRET": secrets.DeployerSecret,
		"AWS_REGION": region, "AWS_ENDPOINT_URL": account.URL,
		"AWS_ACCESS_KEY_ID": aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY": aws.SecretAccessKey,
	})
	require.NoError(t, err)
	return c
}

// found are the types and ids of objects.
func found(objects []Object) [][2]string {
	all := [][2]string{}
	for _, o := range objects {
		all = append(all, [2]string{o.Type, o.ID})
	}
	return all
}
