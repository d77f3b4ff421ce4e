package issuer

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testTenant  = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	otherTenant = "11111111-2222-4333-8444-555555555555"
	testKey     = `{"kty":"RSA","use":"sig","kid":"k1","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw","e":"AQAB"}`
)

// directory is a login host whose two documents a test may change.
type directory struct {
	discovery map[string]any // nil: the right one
	keys      string         // default: one good key
	handle    http.HandlerFunc
}

// start serves the directory and returns its tenant and a client that trusts
// it.
func (d directory) start(t *testing.T) (Tenant, *http.Client) {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := Tenant{ID: testTenant, LoginHost: strings.TrimPrefix(server.URL, "https://")}
		keysPath := "/" + testTenant + "/discovery/v2.0/keys"
		switch {
		case d.handle != nil:
			d.handle(w, r)
		case r.URL.Path == keysPath:
			keys := d.keys
			if keys == "" {
				keys = `{"keys":[{"kty":"EC","kid":"ec"},` + testKey + `]}`
			}
			_, _ = io.WriteString(w, keys)
		case "https://"+tenant.LoginHost+r.URL.Path == tenant.DiscoveryURL():
			doc := map[string]any{
				"issuer":                                tenant.Issuer(),
				"jwks_uri":                              server.URL + keysPath,
				"id_token_signing_alg_values_supported": []string{"RS256"},
			}
			maps.Copy(doc, d.discovery)
			_ = json.NewEncoder(w).Encode(doc)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return Tenant{ID: strings.ToUpper(testTenant), LoginHost: strings.TrimPrefix(server.URL, "https://")}, server.Client()
}

func TestCheckAcceptsTheTenantsOwnDocuments(t *testing.T) {
	t.Parallel()
	tenant, client := directory{}.start(t)
	report, err := tenant.Check(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, tenant.Issuer(), report.Issuer)
	require.Equal(t, tenant.Authority()+"/discovery/v2.0/keys", report.KeySetURL)
	require.Equal(t, []string{"k1"}, report.KeyIDs)
	require.Empty(t, report.Warnings)
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		directory directory
		want      []string
	}{
		"another tenant's issuer": {
			directory{discovery: map[string]any{"issuer": "https://{host}/" + otherTenant + "/v2.0"}},
			[]string{otherTenant, "want \"https://", "byte for byte", "another tenant"},
		},
		"the template that common answers": {
			directory{discovery: map[string]any{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}},
			[]string{"{tenantid}", "all tenants at once"},
		},
		"the issuer of v1 tokens": {
			directory{discovery: map[string]any{"issuer": "https://sts.windows.net/" + testTenant + "/"}},
			[]string{"sts.windows.net", "v1 tokens"},
		},
		"the issuer of another cloud": {
			directory{discovery: map[string]any{"issuer": "https://login.microsoftonline.us/" + testTenant + "/v2.0"}},
			[]string{"login.microsoftonline.us", "cloud setting"},
		},
		"a trailing slash": {
			directory{discovery: map[string]any{"issuer": "https://{host}/" + testTenant + "/v2.0/"}},
			[]string{"byte for byte"},
		},
		"no issuer": {
			directory{discovery: map[string]any{"issuer": ""}},
			[]string{`got issuer ""`},
		},
		"elliptic curves only": {
			directory{discovery: map[string]any{"id_token_signing_alg_values_supported": []string{"ES256"}}},
			[]string{`got signing algorithms ["ES256"]`, "RS256"},
		},
		"keys over plain http": {
			directory{discovery: map[string]any{"jwks_uri": "http://example.com/keys"}},
			[]string{`got jwks_uri "http://example.com/keys"`, "https"},
		},
		"keys without an id": {
			directory{keys: `{"keys":[` + strings.Replace(testKey, `"kid":"k1",`, "", 1) + `]}`},
			[]string{"/keys: got 1 keys", "RSA signing key with a kid"},
		},
		"encryption keys only": {
			directory{keys: `{"keys":[` + strings.Replace(testKey, `"sig"`, `"enc"`, 1) + `]}`},
			[]string{"RSA signing key with a kid"},
		},
		"a key without a modulus": {
			directory{keys: `{"keys":[{"kty":"RSA","kid":"k1","e":"AQAB"}]}`},
			[]string{"RSA signing key with a kid"},
		},
		"keys that are not JSON": {
			directory{keys: `<html>`},
			[]string{"not a JSON key set"},
		},
		"a key set above API Gateway's limit": {
			directory{keys: `{"keys":[` + testKey + `],"x":"` + strings.Repeat("a", MaxKeySetBytes) + `"}`},
			[]string{"more than 150000 bytes"},
		},
		"a page of a proxy": {
			directory{handle: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>sign in") }},
			[]string{"not a JSON document", "proxy"},
		},
		"an unknown tenant": {
			directory{handle: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant not found."}`)
			}},
			[]string{"AADSTS90002", "check the tenant id and the cloud"},
		},
		"an error of a proxy": {
			directory{handle: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }},
			[]string{"502 Bad Gateway", "proxy"},
		},
		"a redirect to another host": {
			directory{handle: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
			}},
			[]string{"redirect to https://login.example.com", "want an answer from"},
		},
		"a redirect to plain http": {
			directory{handle: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
			}},
			[]string{"redirect to http://"},
		},
		"redirects without end": {
			directory{handle: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }},
			[]string{"more than 5 redirects"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, client := tt.directory.start(t)
			if issuer, ok := tt.directory.discovery["issuer"].(string); ok {
				tt.directory.discovery["issuer"] = strings.ReplaceAll(issuer, "{host}", tenant.LoginHost)
			}
			report, err := tenant.Check(t.Context(), client)
			require.Error(t, err)
			require.Zero(t, report)
			for _, want := range append(tt.want, "https://"+tenant.LoginHost) {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestCheckRefusesATenantBeforeItAsks(t *testing.T) {
	t.Parallel()
	_, err := Tenant{ID: "common"}.Check(t.Context(), &http.Client{Transport: refuseAll{t}})
	require.ErrorContains(t, err, "names no issuer")
}

type refuseAll struct{ t *testing.T }

func (r refuseAll) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("asked %s", req.URL)
	return nil, context.Canceled
}

func TestCheckSaysWhereItCouldNotConnect(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Close()
	tenant := Tenant{ID: testTenant, LoginHost: strings.TrimPrefix(server.URL, "https://")}
	_, err := tenant.Check(t.Context(), nil)
	require.ErrorContains(t, err, tenant.DiscoveryURL())
	require.ErrorContains(t, err, "check the network, any proxy")
	require.Equal(t, 1, strings.Count(err.Error(), tenant.DiscoveryURL()), err)
}

func TestCheckTrustsNoUnknownCertificate(t *testing.T) {
	t.Parallel()
	tenant, _ := directory{}.start(t)
	_, err := tenant.Check(t.Context(), &http.Client{})
	require.ErrorContains(t, err, "certificate")
}

func TestCheckWarnsOfAnAnswerTooSlowForAPIGateway(t *testing.T) {
	t.Parallel()
	tenant, client := directory{}.start(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	calls := 0
	clock := func() time.Time { // the key set takes 2 s, the discovery document none
		if calls++; calls > 3 {
			return now.Add(2 * time.Second)
		}
		return now
	}
	report, err := tenant.check(t.Context(), fetcher{client: client, now: clock})
	require.NoError(t, err)
	require.Len(t, report.Warnings, 1)
	require.Contains(t, report.Warnings[0], "/discovery/v2.0/keys: answered after 2s; API Gateway waits 1.5s")
}

func TestCheckStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	tenant, client := directory{}.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := tenant.Check(ctx, client)
	require.ErrorIs(t, err, context.Canceled)
}
