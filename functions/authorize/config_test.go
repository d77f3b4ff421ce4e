package authorize

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/policy"
)

const goodPolicy = `{"routes":{"GET /roles":{"roles":["Orders.Export"]}}}`

func TestReadConfig(t *testing.T) {
	t.Parallel()
	const wrongIssuer, wrongAudience, wrongTenant = "ISSUER: got", "AUDIENCE: got", "TENANT_ID: got"
	good := map[string]string{IssuerVariable: issuer, AudienceVariable: api, TenantVariable: tenant}
	for name, tt := range map[string]struct {
		change map[string]string
		policy string
		want   []string // none means that it is right
	}{
		"right":                      {nil, goodPolicy, nil},
		"right on a port":            {map[string]string{IssuerVariable: "https://localhost:8443/" + tenant + "/v2.0"}, goodPolicy, nil},
		"no issuer":                  {map[string]string{IssuerVariable: ""}, goodPolicy, []string{wrongIssuer + ` ""`}},
		"issuer without TLS":         {map[string]string{IssuerVariable: "http://login.example.com/" + tenant + "/v2.0"}, goodPolicy, []string{wrongIssuer}},
		"issuer with a slash":        {map[string]string{IssuerVariable: issuer + "/"}, goodPolicy, []string{wrongIssuer}},
		"issuer with a query":        {map[string]string{IssuerVariable: issuer + "?appid=x"}, goodPolicy, []string{wrongIssuer}},
		"issuer with a user":         {map[string]string{IssuerVariable: "https://x@login.example.com/" + tenant + "/v2.0"}, goodPolicy, []string{wrongIssuer}},
		"issuer of v1":               {map[string]string{IssuerVariable: "https://sts.windows.net/" + tenant + "/"}, goodPolicy, []string{wrongIssuer}},
		"issuer of all tenants":      {map[string]string{IssuerVariable: "https://login.example.com/common/v2.0"}, goodPolicy, []string{wrongIssuer}},
		"issuer of no address":       {map[string]string{IssuerVariable: "https:// /"}, goodPolicy, []string{wrongIssuer}},
		"no audience":                {map[string]string{AudienceVariable: ""}, goodPolicy, []string{wrongAudience}},
		"audience is a URI":          {map[string]string{AudienceVariable: "api://" + api}, goodPolicy, []string{wrongAudience}},
		"audience in upper case":     {map[string]string{AudienceVariable: "AAAAAAAA-2222-4222-8222-222222222222"}, goodPolicy, []string{wrongAudience}},
		"no tenant":                  {map[string]string{TenantVariable: ""}, goodPolicy, []string{wrongIssuer, wrongTenant}},
		"another tenant":             {map[string]string{TenantVariable: alice}, goodPolicy, []string{wrongIssuer}},
		"a tenant's name":            {map[string]string{TenantVariable: "contoso.com", IssuerVariable: "https://login.example.com/contoso.com/v2.0"}, goodPolicy, []string{wrongTenant}},
		"no policy":                  {nil, "", []string{"read the policy: ", policy.FileName}},
		"policy is no JSON":          {nil, "{", []string{policy.FileName}},
		"policy with a word unknown": {nil, `{"routes":{"GET /":{"role":["x"]}}}`, []string{`unknown field "role"`}},
		"policy with an open route":  {nil, `{"routes":{"GET /":{}}}`, []string{"got neither scopes nor roles"}},
		"policy without routes":      {nil, `{"routes":{}}`, []string{"got no routes"}},
		"policy is null":             {nil, `null`, []string{"got no routes"}},
		"all wrong at once": {
			map[string]string{IssuerVariable: "", AudienceVariable: "", TenantVariable: ""},
			`{`,
			[]string{wrongIssuer, wrongAudience, wrongTenant, policy.FileName},
		},
		"all missing at once": {
			map[string]string{IssuerVariable: "", AudienceVariable: "", TenantVariable: ""},
			"",
			[]string{wrongIssuer, wrongAudience, wrongTenant, "read the policy: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if tt.policy != "" {
				require.NoError(t, os.WriteFile(filepath.Join(folder, policy.FileName), []byte(tt.policy), 0o600))
			}
			config, err := ReadConfig(func(name string) string {
				if value, ok := tt.change[name]; ok {
					return value
				}
				return good[name]
			}, folder)
			if tt.want == nil {
				require.NoError(t, err)
				require.Equal(t, []string{"Orders.Export"}, config.Policy.Routes["GET /roles"].Roles)
				return
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestNewRefusesWhatReadConfigRefuses(t *testing.T) {
	t.Parallel()
	_, err := New(Config{}, Options{})
	for _, want := range []string{"ISSUER", "AUDIENCE", "TENANT_ID", "no routes"} {
		require.ErrorContains(t, err, want)
	}
}
