// Package signin simulates the sign-in service of Microsoft Entra ID, what is
// served at https://login.microsoftonline.com: discovery, signing keys, the
// token, authorize and device code endpoints of OAuth 2.0 and OpenID Connect,
// and the pages on which people sign in and consent. Nobody has a password
// here: a person signs in by choosing who they are.
//
// Authorization codes, device codes, refresh tokens and browser sessions are
// kept in memory only, so a restart of the sandbox ends them, as an
// administrator who revokes sessions does. Everything else is in the directory.
package signin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

// Options configure a [Server].
type Options struct {
	// Tenants are the directories served, at least one.
	Tenants []*directory.Directory
	// BaseURL is the address clients use, without a final slash, e.g.
	// "https://localhost:8443". It is the host of v2 issuers.
	BaseURL string
	// Now defaults to time.Now.
	Now func() time.Time
	// HTTPClient fetches the keys of the external issuers that federated
	// credentials trust. Default: a client with a timeout of 10 seconds.
	HTTPClient *http.Client
	// Lifetime is how long a token lives. Default: [token.RandomLifetime].
	Lifetime func() time.Duration
	// Lag is how long a new client secret goes unrecognized, as replication
	// makes it. Default: none.
	Lag func() time.Duration
	// DeviceInterval is how often a device may poll. Default: 5 seconds.
	DeviceInterval time.Duration
}

// Server is the sign-in service.
type Server struct {
	tenants        []tenant
	baseURL        string
	now            func() time.Time
	lifetime       func() time.Duration
	lag            func() time.Duration
	deviceInterval time.Duration
	memory         *memory
	issuers        *externalIssuers
	mux            *http.ServeMux
}

// tenant is a directory with its id, which never changes.
type tenant struct {
	id  string
	dir *directory.Directory
}

// New makes the service. It fails when a base URL or tenant cannot be served.
func New(o Options) (*Server, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || base.Path != "" || base.RawQuery != "" {
		return nil, fmt.Errorf("sign-in service: base URL: got %q, want scheme and host only", o.BaseURL)
	}
	if len(o.Tenants) == 0 {
		return nil, errors.New("sign-in service: tenants: got none, want at least one")
	}
	s := &Server{
		baseURL: o.BaseURL, now: o.Now, lifetime: o.Lifetime, lag: o.Lag,
		deviceInterval: o.DeviceInterval, memory: newMemory(), mux: http.NewServeMux(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.lifetime == nil {
		s.lifetime = token.RandomLifetime
	}
	if s.lag == nil {
		s.lag = func() time.Duration { return 0 }
	}
	if s.deviceInterval == 0 {
		s.deviceInterval = 5 * time.Second
	}
	client := o.HTTPClient
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	s.issuers = &externalIssuers{client: client, now: s.now}
	for _, dir := range o.Tenants {
		var id string
		dir.View(func(st *directory.State) { id = st.Tenant.ID })
		if _, err := uuid.Parse(id); err != nil {
			return nil, fmt.Errorf("sign-in service: tenant id: got %q, want a GUID", id)
		}
		if s.tenantByID(id) != nil {
			return nil, fmt.Errorf("sign-in service: tenant %s is there twice", id)
		}
		s.tenants = append(s.tenants, tenant{id, dir})
	}
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	handle := func(pattern string, h http.HandlerFunc) { s.mux.HandleFunc(pattern, h) }
	handle("/{tenant}/.well-known/openid-configuration", s.inTenant(s.anyOrigin(s.discoveryV1)))
	handle("/{tenant}/v2.0/.well-known/openid-configuration", s.inTenant(s.anyOrigin(s.discoveryV2)))
	handle("/{tenant}/discovery/keys", s.inTenant(s.anyOrigin(s.keys)))
	handle("/{tenant}/discovery/v2.0/keys", s.inTenant(s.anyOrigin(s.keys)))
	handle("/{tenant}/discovery/instance", s.instanceDiscovery)
	handle("/{tenant}/oauth2/v2.0/token", s.inTenant(s.tokenV2))
	handle("/{tenant}/oauth2/token", s.inTenant(s.tokenV1))
	handle("/{tenant}/oauth2/v2.0/authorize", s.inTenant(s.authorize))
	handle("/{tenant}/oauth2/v2.0/devicecode", s.inTenant(s.deviceCode))
	handle("/{tenant}/oauth2/deviceauth", s.inTenant(s.devicePage))
	handle("POST /{tenant}/login", s.inTenant(s.login))
	handle("POST /{tenant}/consent", s.inTenant(s.consentDecision))
	handle("/{tenant}/oauth2/v2.0/logout", s.inTenant(s.logout))
	handle("/oidc/userinfo", s.userinfo)
	handle("/", func(w http.ResponseWriter, r *http.Request) {
		s.writeError(w, r, &Error{
			OAuth: "invalid_request", Status: http.StatusNotFound,
			Message: "there is nothing at " + r.URL.Path + " in this sandbox",
		})
	})
}

// maxBody bounds what a form may hold.
const maxBody = 1 << 20

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.mux.ServeHTTP(w, r)
}

// realm is what the first segment of a path names: one tenant, or all of them.
type realm struct {
	// name is the segment for links: the tenant's id, "common" or
	// "organizations".
	name string
	// tenant is nil for common and organizations.
	tenant *tenant
}

// inTenant resolves the tenant of a path, by id or by domain name.
func (s *Server) inTenant(next func(http.ResponseWriter, *http.Request, realm)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, refusal := s.realmOf(r.PathValue("tenant"))
		switch {
		case refusal == nil:
			next(w, r, at)
		case strings.Contains(r.Header.Get("Accept"), "text/html"):
			s.errorPage(w, r, refusal)
		default:
			s.writeError(w, r, refusal)
		}
	}
}

func (s *Server) realmOf(name string) (realm, *Error) {
	lower := strings.ToLower(name)
	if lower == "common" || lower == "organizations" {
		return realm{name: lower}, nil
	}
	if t := s.tenantByID(name); t != nil {
		return realm{name: t.id, tenant: t}, nil
	}
	for i, t := range s.tenants {
		var owns bool
		t.dir.View(func(st *directory.State) {
			owns = slices.Contains(st.Tenant.VerifiedDomains, lower) || strings.EqualFold(st.Tenant.InitialDomain, lower)
		})
		if owns {
			return realm{name: t.id, tenant: &s.tenants[i]}, nil
		}
	}
	if _, err := uuid.Parse(name); err != nil && !strings.Contains(name, ".") {
		return realm{}, refuse(900023, "Specified tenant identifier '%s' is neither a valid DNS name, nor a valid external domain.", name)
	}
	return realm{}, refuse(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", name)
}

func (s *Server) tenantByID(id string) *tenant {
	for i, t := range s.tenants {
		if strings.EqualFold(t.id, id) {
			return &s.tenants[i]
		}
	}
	return nil
}

// Key finds a published signing key of any tenant, or nil.
func (s *Server) Key(kid string) *directory.SigningKey {
	for _, k := range s.publishedKeys() {
		if k.key.KID == kid {
			return &k.key
		}
	}
	return nil
}

// sign signs with the tenant's current key.
func (t *tenant) sign(claims token.Claims) (string, error) {
	var key *directory.SigningKey
	t.dir.View(func(st *directory.State) {
		if k := st.SigningKey(); k != nil {
			copied := *k
			key = &copied
		}
	})
	if key == nil {
		return "", fmt.Errorf("signing for tenant %s: it has no signing key", t.id)
	}
	return token.Sign(key, claims)
}
