package entra

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
	"github.com/entragate/entragate/sandbox/entra/token"
)

// TokenRequest asks the control surface, POST /_sandbox/token, for a token of
// any shape, also one that the sign-in service would never issue. The answer
// is a [TokenAnswer].
type TokenRequest struct {
	// Tenant is the id of the tenant that signs.
	Tenant string `json:"tenant"`
	// Client is the client id of the application the token is issued to.
	Client string `json:"client"`
	// User is a user principal name or object id. Without one an access token
	// is app-only; an ID token needs one.
	User string `json:"user,omitempty"`
	// Resource is the aud claim of an access token. An ID token's is Client.
	Resource string `json:"resource,omitempty"`
	// Kind is "access", the default, or "id".
	Kind string `json:"kind,omitempty"`
	// Version is 1 or 2, the default.
	Version int `json:"version,omitempty"`
	// IssuedAt is when it was issued relative to now, as a Go duration, e.g.
	// "-3h". Default: now.
	IssuedAt string `json:"issuedAt,omitempty"`
	// Lifetime is a Go duration. Default: "1h".
	Lifetime string `json:"lifetime,omitempty"`
	// Scopes and Roles are the values of scp and roles, granted or not.
	Scopes []string `json:"scopes,omitempty"`
	Roles  []string `json:"roles,omitempty"`
}

// TokenAnswer is the answer to a [TokenRequest].
type TokenAnswer struct {
	Token string `json:"token"`
}

// KeyRoll asks the control surface, POST /_sandbox/keys/roll, to roll signing
// keys.
type KeyRoll struct {
	// Tenant is a tenant's id. Default: all tenants.
	Tenant string `json:"tenant,omitempty"`
	// Emergency takes the current key out of the key set at once.
	Emergency bool `json:"emergency,omitempty"`
}

// Lag asks the control surface, POST /_sandbox/lag, to simulate replication.
type Lag struct {
	// Duration is how long what was created is not found, as a Go duration;
	// "0s" switches the lag off.
	Duration string `json:"duration"`
}

// Status is the answer to GET /_sandbox/state.
type Status struct {
	Clock   ClockStatus    `json:"clock"`
	Tenants []TenantStatus `json:"tenants"`
	Memory  signin.Counts  `json:"memory"`
	// Lag is the simulated replication lag, as a Go duration.
	Lag string `json:"lag"`
}

// TenantStatus counts what a tenant holds.
type TenantStatus struct {
	ID                  string `json:"id"`
	DisplayName         string `json:"displayName"`
	InitialDomain       string `json:"initialDomain"`
	Users               int    `json:"users"`
	Groups              int    `json:"groups"`
	Applications        int    `json:"applications"`
	ServicePrincipals   int    `json:"servicePrincipals"`
	Grants              int    `json:"grants"`
	Assignments         int    `json:"assignments"`
	DeletedApplications int    `json:"deletedApplications"`
	SigningKeys         int    `json:"signingKeys"`
}

func (c *cloud) routeControl() {
	c.control = http.NewServeMux()
	if c.clock != nil {
		c.control.HandleFunc("POST /_sandbox/clock", control(c.moveClock))
		c.control.HandleFunc("GET /_sandbox/clock", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.clockStatus()) })
	}
	if c.faults != nil {
		c.control.HandleFunc("POST /_sandbox/faults", control(c.setFaults))
		c.control.HandleFunc("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.faults.Reports()) })
	}
	c.control.HandleFunc("POST /_sandbox/token", control(c.mint))
	c.control.HandleFunc("POST /_sandbox/keys/roll", control(c.rollKeys))
	c.control.HandleFunc("POST /_sandbox/lag", control(c.setLag))
	c.control.HandleFunc("GET /_sandbox/state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.status()) })
}

// serveControl lets in who has the key. The comparison takes the same time
// whatever the difference.
func (c *cloud) serveControl(w http.ResponseWriter, r *http.Request) {
	_, given, _ := strings.Cut(r.Header.Get("Authorization"), "Bearer ")
	want, got := sha256.Sum256([]byte(c.controlKey)), sha256.Sum256([]byte(given))
	if c.controlKey == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox control"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "the control surface needs the sandbox's control key as a bearer token"})
		return
	}
	c.control.ServeHTTP(w, r)
}

// maxControlBody bounds a request to the control surface, in bytes.
const maxControlBody = 1 << 16

// control decodes a request strictly and answers with what fn returns, or 400
// with its error.
func control[In, Out any](fn func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "request body: " + err.Error()})
			return
		}
		out, err := fn(r.Context(), in)
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, out)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "encoding answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client may have gone
}

// validate names every problem of a request for a token.
func (q TokenRequest) validate() error {
	var errs []error
	if q.Client == "" {
		errs = append(errs, errors.New("client: got none, want a client id"))
	}
	switch {
	case q.Kind == "access" && q.Resource == "":
		errs = append(errs, errors.New("resource: got none, want the audience of the access token"))
	case q.Kind == "id" && (q.User == "" || q.Resource != "" || len(q.Scopes) > 0):
		errs = append(errs, errors.New("kind: an ID token has a user, and neither resource nor scopes"))
	case q.Kind != "access" && q.Kind != "id":
		errs = append(errs, fmt.Errorf("kind: got %q, want \"access\" or \"id\"", q.Kind))
	}
	if q.User == "" && len(q.Scopes) > 0 {
		errs = append(errs, errors.New("scopes: an app-only token has none, want a user beside them"))
	}
	if q.Version != 1 && q.Version != 2 {
		errs = append(errs, fmt.Errorf("version: got %d, want 1 or 2", q.Version))
	}
	return errors.Join(errs...)
}

func (c *cloud) mint(_ context.Context, q TokenRequest) (TokenAnswer, error) {
	if q.Kind == "" {
		q.Kind = "access"
	}
	if q.Version == 0 {
		q.Version = 2
	}
	err := q.validate()
	dir := c.tenants[strings.ToLower(q.Tenant)]
	if dir == nil {
		err = errors.Join(err, fmt.Errorf("tenant: got %q, want the id of a tenant of this sandbox", q.Tenant))
	}
	issuedAt, issuedErr := duration("issuedAt", q.IssuedAt, 0)
	lifetime, lifetimeErr := duration("lifetime", q.Lifetime, time.Hour)
	if err := errors.Join(err, issuedErr, lifetimeErr); err != nil {
		return TokenAnswer{}, fmt.Errorf("minting token: %w", err)
	}
	var claims token.Claims
	var key directory.SigningKey
	dir.View(func(st *directory.State) {
		if k := st.SigningKey(); k != nil {
			key = *k
		}
		claims, err = c.claims(st, q, c.now().Add(issuedAt), lifetime)
	})
	if err != nil {
		return TokenAnswer{}, fmt.Errorf("minting token: %w", err)
	}
	raw, err := token.Sign(&key, claims)
	return TokenAnswer{raw}, err
}

func (c *cloud) claims(st *directory.State, q TokenRequest, issuedAt time.Time, lifetime time.Duration) (token.Claims, error) {
	var user *directory.User
	if q.User != "" {
		found := st.UserByName(q.User)
		if found == nil {
			return nil, fmt.Errorf("user: got %q, want a user of tenant %s", q.User, st.Tenant.ID)
		}
		copied := *found
		user = &copied
	}
	if q.Kind == "id" {
		return token.ID{
			BaseURL: c.baseURL, TenantID: st.Tenant.ID, Version: q.Version, ClientAppID: q.Client, User: user,
			Profile: true, Roles: q.Roles, IssuedAt: issuedAt, Lifetime: lifetime,
		}.Claims(), nil
	}
	a := token.Access{
		BaseURL: c.baseURL, TenantID: st.Tenant.ID, Version: q.Version, Audience: q.Resource, ResourceAppID: q.Resource,
		ClientAppID: q.Client, ClientAuth: token.BySecret, User: user, Profile: true,
		Scopes: q.Scopes, Roles: q.Roles, IssuedAt: issuedAt, Lifetime: lifetime,
	}
	if p := st.ServicePrincipalByAppID(q.Client); p != nil {
		a.ClientObjectID = p.ID
	} else {
		a.ClientObjectID = uuid.NewString()
	}
	if api := st.ApplicationByAppID(q.Resource); api != nil && api.OptionalClaims != nil {
		a.Optional = slices.Clone(api.OptionalClaims.AccessToken)
	}
	return a.Claims(), nil
}

func duration(name, text string, byDefault time.Duration) (time.Duration, error) {
	if text == "" {
		return byDefault, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s: got %q, want a duration such as \"-3h\" or \"90m\"", name, text)
	}
	return d, nil
}

func (c *cloud) rollKeys(_ context.Context, q KeyRoll) (Status, error) {
	if q.Tenant != "" && c.tenants[strings.ToLower(q.Tenant)] == nil {
		return Status{}, fmt.Errorf("rolling keys: tenant: got %q, want the id of a tenant of this sandbox", q.Tenant)
	}
	roll := directory.RollKeys
	if q.Emergency {
		roll = directory.RevokeSigningKey
	}
	for id, dir := range c.tenants {
		if q.Tenant != "" && !strings.EqualFold(id, q.Tenant) {
			continue
		}
		if err := dir.Update(func(st *directory.State) error { return roll(st, c.now()) }); err != nil {
			return Status{}, fmt.Errorf("rolling keys of %s: %w", id, err)
		}
	}
	return c.status(), nil
}

// maxLag bounds the simulated lag: azuread gives up after some minutes.
const maxLag = 10 * time.Minute

func (c *cloud) setLag(_ context.Context, q Lag) (Status, error) {
	d, err := time.ParseDuration(q.Duration)
	if err != nil || d < 0 || d > maxLag {
		return Status{}, fmt.Errorf("setting lag: duration: got %q, want 0s to %s", q.Duration, maxLag)
	}
	c.lag.Store(int64(d))
	return c.status(), nil
}

func (c *cloud) status() Status {
	s := Status{Clock: c.clockStatus(), Memory: c.signin.Counts(), Lag: time.Duration(c.lag.Load()).String(), Tenants: []TenantStatus{}}
	for _, dir := range c.tenants {
		dir.View(func(st *directory.State) {
			s.Tenants = append(s.Tenants, TenantStatus{
				ID: st.Tenant.ID, DisplayName: st.Tenant.DisplayName, InitialDomain: st.Tenant.InitialDomain,
				Users: len(st.Users), Groups: len(st.Groups), Applications: len(st.Applications),
				ServicePrincipals: len(st.ServicePrincipals), Grants: len(st.Grants), Assignments: len(st.Assignments),
				DeletedApplications: len(st.Deleted), SigningKeys: len(st.SigningKeys),
			})
		})
	}
	slices.SortFunc(s.Tenants, func(a, b TenantStatus) int { return strings.Compare(a.ID, b.ID) })
	return s
}
