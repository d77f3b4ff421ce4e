package signin

import (
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

// discoveryDocument is the OpenID provider metadata as Entra publishes it.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
type discoveryDocument struct {
	TokenEndpoint                string   `json:"token_endpoint"`
	TokenEndpointAuthMethods     []string `json:"token_endpoint_auth_methods_supported"`
	JWKSURI                      string   `json:"jwks_uri"`
	ResponseModes                []string `json:"response_modes_supported"`
	SubjectTypes                 []string `json:"subject_types_supported"`
	IDTokenSigningAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes                []string `json:"response_types_supported"`
	Scopes                       []string `json:"scopes_supported"`
	Issuer                       string   `json:"issuer"`
	RequestURIParameterSupported bool     `json:"request_uri_parameter_supported"`
	UserinfoEndpoint             string   `json:"userinfo_endpoint"`
	AuthorizationEndpoint        string   `json:"authorization_endpoint"`
	DeviceAuthorizationEndpoint  string   `json:"device_authorization_endpoint"`
	HTTPLogoutSupported          bool     `json:"http_logout_supported"`
	FrontchannelLogoutSupported  bool     `json:"frontchannel_logout_supported"`
	EndSessionEndpoint           string   `json:"end_session_endpoint"`
	Claims                       []string `json:"claims_supported"`
	TenantRegionScope            *string  `json:"tenant_region_scope"`
	CloudInstanceName            string   `json:"cloud_instance_name"`
	CloudGraphHostName           string   `json:"cloud_graph_host_name"`
	MSGraphHost                  string   `json:"msgraph_host"`
}

func (s *Server) discoveryV1(w http.ResponseWriter, r *http.Request, at realm) {
	// The tokens of "common" name whichever tenant the user is of.
	doc := s.discovery(at, token.Issuer(s.baseURL, tenantOrPlaceholder(at), 1), "")
	doc.Scopes = []string{"openid"}
	doc.JWKSURI = withAppID(s.baseURL+"/"+at.name+"/discovery/keys", r)
	writeJSON(w, http.StatusOK, doc)
}

func (s *Server) discoveryV2(w http.ResponseWriter, r *http.Request, at realm) {
	doc := s.discovery(at, token.Issuer(s.baseURL, tenantOrPlaceholder(at), 2), "/v2.0")
	doc.JWKSURI = withAppID(s.baseURL+"/"+at.name+"/discovery/v2.0/keys", r)
	writeJSON(w, http.StatusOK, doc)
}

// tenantOrPlaceholder is the tenant's id, or the literal "{tenantid}" where no
// one tenant is meant. No token names that issuer, which is why common and
// organizations cannot serve a verifier that compares issuers.
func tenantOrPlaceholder(at realm) string {
	if at.tenant == nil {
		return "{tenantid}"
	}
	return at.tenant.id
}

// withAppID keeps ?appid=, by which an application with keys of its own is
// asked for. No application here has any, so the keys are the tenant's.
func withAppID(address string, r *http.Request) string {
	if id := r.URL.Query().Get("appid"); id != "" {
		return address + "?appid=" + url.QueryEscape(id)
	}
	return address
}

func (s *Server) discovery(at realm, issuer, version string) discoveryDocument {
	oauth := s.baseURL + "/" + at.name + "/oauth2" + version
	host := strings.TrimPrefix(strings.TrimPrefix(s.baseURL, "https://"), "http://")
	doc := discoveryDocument{
		TokenEndpoint:               oauth + "/token",
		TokenEndpointAuthMethods:    []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		ResponseModes:               []string{"query", "fragment", "form_post"},
		SubjectTypes:                []string{"pairwise"},
		IDTokenSigningAlgorithms:    []string{"RS256"},
		ResponseTypes:               []string{"code", "id_token", "code id_token"},
		Scopes:                      []string{"openid", "profile", "email", "offline_access"},
		Issuer:                      issuer,
		UserinfoEndpoint:            s.baseURL + "/oidc/userinfo",
		AuthorizationEndpoint:       oauth + "/authorize",
		DeviceAuthorizationEndpoint: oauth + "/devicecode",
		HTTPLogoutSupported:         true,
		EndSessionEndpoint:          oauth + "/logout",
		Claims: []string{
			"sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username",
			"name", "tid", "ver", "c_hash", "email", "oid", "roles",
		},
		CloudInstanceName:  "sandbox",
		CloudGraphHostName: host,
		MSGraphHost:        host,
	}
	if at.tenant != nil {
		region := "SBX"
		doc.TenantRegionScope = &region
	}
	return doc
}

// jsonWebKey is one key. Entra's sample has no alg, so verifiers must not need it.
// https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signature
type jsonWebKey struct {
	KeyType    string   `json:"kty"`
	Use        string   `json:"use"`
	KeyID      string   `json:"kid"`
	Thumbprint string   `json:"x5t"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	Chain      []string `json:"x5c"`
	Issuer     string   `json:"issuer"`
}

// keys answers the key set. As in the public cloud it is the same for every
// tenant: what keeps tenants apart is the issuer claim, not the keys, and a
// verifier that skips the issuer takes every tenant's tokens.
func (s *Server) keys(w http.ResponseWriter, _ *http.Request, at realm) {
	set := struct {
		Keys []jsonWebKey `json:"keys"`
	}{Keys: []jsonWebKey{}}
	for _, k := range s.publishedKeys() {
		public, err := token.PublicKey(&k.key)
		if err != nil {
			http.Error(w, "key set: "+err.Error(), http.StatusInternalServerError)
			return
		}
		set.Keys = append(set.Keys, jsonWebKey{
			KeyType: "RSA", Use: "sig", KeyID: k.key.KID, Thumbprint: token.Thumbprint(k.key.Certificate),
			N:      base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
			E:      base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
			Chain:  []string{base64.StdEncoding.EncodeToString(k.key.Certificate)},
			Issuer: token.Issuer(s.baseURL, tenantOrPlaceholder(at), 2),
		})
	}
	w.Header().Set("Cache-Control", "max-age=86400, private")
	writeJSON(w, http.StatusOK, set)
}

type tenantKey struct {
	tenant *tenant
	key    directory.SigningKey
}

func (s *Server) publishedKeys() []tenantKey {
	var found []tenantKey
	for i := range s.tenants {
		t := &s.tenants[i]
		t.dir.View(func(st *directory.State) {
			for _, k := range st.SigningKeys {
				if k.Published {
					found = append(found, tenantKey{t, *k})
				}
			}
		})
	}
	return found
}

// instanceDiscovery tells a client that this host is a sign-in service, and
// under which names it is known, so that MSAL accepts it as an authority.
// https://learn.microsoft.com/entra/identity-platform/msal-client-application-configuration
func (s *Server) instanceDiscovery(w http.ResponseWriter, r *http.Request) {
	endpoint := r.URL.Query().Get("authorization_endpoint")
	if endpoint == "" {
		s.writeError(w, r, missing("authorization_endpoint"))
		return
	}
	asked, err := url.Parse(endpoint)
	base, _ := url.Parse(s.baseURL) // parsed before, in New
	if err != nil || !slices.Contains(s.hosts(base.Host), strings.ToLower(asked.Host)) {
		s.writeError(w, r, refuse(50049, "Unknown or invalid instance."))
		return
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(asked.Path, "/"), "/")
	at, refusal := s.realmOf(name)
	if refusal != nil {
		s.writeError(w, r, refusal)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": s.baseURL + "/" + at.name + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": base.Host, "preferred_cache": base.Host, "aliases": s.hosts(base.Host),
		}},
	})
}

// hosts are the names of this service: its own and the one it stands for.
func (s *Server) hosts(own string) []string {
	return []string{strings.ToLower(own), "login.microsoftonline.com", "login.windows.net", "sts.windows.net"}
}

// anyOrigin lets pages of any origin read an answer, as Entra does for
// discovery and keys.
func (s *Server) anyOrigin(next func(http.ResponseWriter, *http.Request, realm)) func(http.ResponseWriter, *http.Request, realm) {
	return func(w http.ResponseWriter, r *http.Request, at realm) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Methods", "GET, OPTIONS")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			next(w, r, at)
		case http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		default:
			s.writeError(w, r, wrongMethod("GET, OPTIONS", r.Method))
		}
	}
}
