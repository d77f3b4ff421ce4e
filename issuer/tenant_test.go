package issuer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/issuer"
)

const tenantID = "72f988bf-86f1-41af-91ab-2d7cd011db47"

func TestTenantDerivesItsAddresses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tenant                                     issuer.Tenant
		authority, issuer, discovery, token, graph string
	}{
		"public cloud by default": {
			issuer.Tenant{ID: tenantID},
			"https://login.microsoftonline.com/" + tenantID,
			"https://login.microsoftonline.com/" + tenantID + "/v2.0",
			"https://login.microsoftonline.com/" + tenantID + "/v2.0/.well-known/openid-configuration",
			"https://login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token",
			"https://graph.microsoft.com",
		},
		"US Government": {
			issuer.Tenant{ID: tenantID, Cloud: issuer.CloudUSGovernment},
			"https://login.microsoftonline.us/" + tenantID,
			"https://login.microsoftonline.us/" + tenantID + "/v2.0",
			"https://login.microsoftonline.us/" + tenantID + "/v2.0/.well-known/openid-configuration",
			"https://login.microsoftonline.us/" + tenantID + "/oauth2/v2.0/token",
			"https://graph.microsoft.us",
		},
		"China": {
			issuer.Tenant{ID: tenantID, Cloud: issuer.CloudChina},
			"https://login.partner.microsoftonline.cn/" + tenantID,
			"https://login.partner.microsoftonline.cn/" + tenantID + "/v2.0",
			"https://login.partner.microsoftonline.cn/" + tenantID + "/v2.0/.well-known/openid-configuration",
			"https://login.partner.microsoftonline.cn/" + tenantID + "/oauth2/v2.0/token",
			"https://microsoftgraph.chinacloudapi.cn",
		},
		"upper case, local hosts": {
			issuer.Tenant{ID: "72F988BF-86F1-41AF-91AB-2D7CD011DB47", LoginHost: "localhost:8443", GraphHost: "localhost:8443"},
			"https://localhost:8443/" + tenantID,
			"https://localhost:8443/" + tenantID + "/v2.0",
			"https://localhost:8443/" + tenantID + "/v2.0/.well-known/openid-configuration",
			"https://localhost:8443/" + tenantID + "/oauth2/v2.0/token",
			"https://localhost:8443",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, tt.tenant.Validate())
			require.Equal(t, tt.authority, tt.tenant.Authority())
			require.Equal(t, tt.issuer, tt.tenant.Issuer())
			require.Equal(t, tt.discovery, tt.tenant.DiscoveryURL())
			require.Equal(t, tt.token, tt.tenant.TokenEndpoint())
			require.Equal(t, tt.graph, tt.tenant.GraphURL())
		})
	}
}

func TestTenantIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tenant issuer.Tenant
		want   []string
	}{
		"no id":                 {issuer.Tenant{}, []string{"tenant id: missing", "GUID"}},
		"common":                {issuer.Tenant{ID: "common"}, []string{`got "common"`, "names no issuer that a token could match"}},
		"organizations":         {issuer.Tenant{ID: "Organizations"}, []string{`got "Organizations"`, "names no issuer that a token could match"}},
		"consumers":             {issuer.Tenant{ID: "consumers"}, []string{`got "consumers"`, "names no issuer that a token could match"}},
		"domain name":           {issuer.Tenant{ID: "contoso.onmicrosoft.com"}, []string{`domain name "contoso.onmicrosoft.com"`, "GUID"}},
		"GUID in braces":        {issuer.Tenant{ID: "{" + tenantID + "}"}, []string{"tenant id: got", "GUID"}},
		"GUID with a path":      {issuer.Tenant{ID: tenantID + "/v2.0"}, []string{"tenant id: got", "GUID"}},
		"GUID of zeros":         {issuer.Tenant{ID: "00000000-0000-0000-0000-000000000000"}, []string{"tenant id: got", "GUID"}},
		"misspelt cloud":        {issuer.Tenant{ID: tenantID, Cloud: "usgoverment"}, []string{`cloud: got "usgoverment"`, `nearest is "usgovernment"`}},
		"login host as URL":     {issuer.Tenant{ID: tenantID, LoginHost: "https://localhost:8443"}, []string{"login host: got", "without a scheme or path"}},
		"login host with path":  {issuer.Tenant{ID: tenantID, LoginHost: "localhost/x"}, []string{"login host: got"}},
		"login host, user name": {issuer.Tenant{ID: tenantID, LoginHost: "a@localhost"}, []string{"login host: got"}},
		"login host, bad port":  {issuer.Tenant{ID: tenantID, LoginHost: "localhost:99999"}, []string{"login host: got"}},
		"graph host with query": {issuer.Tenant{ID: tenantID, GraphHost: "localhost?x"}, []string{"graph host: got"}},
		"everything at once": {
			issuer.Tenant{ID: "common", Cloud: "chine", LoginHost: "a b"},
			[]string{"tenant id: ", `nearest is "china"`, "login host: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.tenant.Validate()
			require.Error(t, err)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}
