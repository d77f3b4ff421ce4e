// Package entra serves a cloud of Microsoft Entra tenants at one address: the
// sign-in service, Microsoft Graph, the metadata document by which Azure
// clients find both, and a control surface for what a real cloud does by
// itself, such as rolling keys.
package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/graph"
	"github.com/entragate/entragate/sandbox/entra/signin"
	"github.com/entragate/entragate/sandbox/entra/token"
	"github.com/entragate/entragate/sandbox/faults"
)

// Options configure [New].
type Options struct {
	// Tenants are the directories served, at least one.
	Tenants []*directory.Directory
	// BaseURL is the address clients use, without a final slash, e.g.
	// "https://localhost:8443". For tokens of Microsoft Graph to be asked for
	// under it, the tenants are seeded with it as their GraphURL.
	BaseURL string
	// ControlKey opens the control surface under /_sandbox/ as a bearer token.
	// Without one there is no control surface.
	ControlKey string
	// Now defaults to time.Now.
	Now func() time.Time
	// Clock is what the control surface moves, and Now with it. Without one there
	// is nothing to move.
	Clock Clock
	// Faults are what the control surface makes fail. Without it there is nothing
	// to fail.
	Faults *faults.Faults
	// HTTPClient fetches the keys of the external issuers that federated
	// credentials trust. Default: a client with a timeout of 10 seconds.
	HTTPClient *http.Client
	// Lifetime is how long tokens live. Default: 60 to 90 minutes at random.
	Lifetime func() time.Duration
	// DeviceInterval is how often a device may poll. Default: 5 seconds.
	DeviceInterval time.Duration
}

// cloud is the handler that New makes.
type cloud struct {
	baseURL    string
	now        func() time.Time
	clock      Clock
	faults     *faults.Faults
	controlKey string
	tenants    map[string]*directory.Directory
	first      string // the tenant that answers requests without a valid token
	signin     *signin.Server
	graph      map[string]http.Handler
	lag        atomic.Int64 // nanoseconds
	control    *http.ServeMux
}

// New makes the handler. It fails when a base URL or tenant cannot be served.
func New(o Options) (http.Handler, error) {
	c := &cloud{
		baseURL: o.BaseURL, now: o.Now, clock: o.Clock, faults: o.Faults, controlKey: o.ControlKey,
		tenants: map[string]*directory.Directory{}, graph: map[string]http.Handler{},
	}
	if c.now == nil {
		c.now = time.Now
	}
	lag := func() time.Duration { return time.Duration(c.lag.Load()) }
	var err error
	c.signin, err = signin.New(signin.Options{
		Tenants: o.Tenants, BaseURL: o.BaseURL, Now: c.now, HTTPClient: o.HTTPClient,
		Lifetime: o.Lifetime, Lag: lag, DeviceInterval: o.DeviceInterval,
	})
	if err != nil {
		return nil, fmt.Errorf("entra: %w", err)
	}
	for _, dir := range o.Tenants {
		var id string
		dir.View(func(st *directory.State) { id = st.Tenant.ID })
		if c.first == "" {
			c.first = id
		}
		c.tenants[id] = dir
		c.graph[id] = graph.New(graph.Options{Directory: dir, Now: c.now, Authenticate: authenticated, Lag: lag})
	}
	c.routeControl()
	return c, nil
}

// ServeHTTP implements http.Handler. The first segment of a path tells whose
// it is; what is nobody else's is a tenant's.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "v1.0", "beta":
		c.serveGraph(w, r)
	case "metadata":
		c.metadata(w, r)
	case "_sandbox":
		c.serveControl(w, r)
	default:
		c.signin.ServeHTTP(w, r)
	}
}

// identity is what a request's token was found to be.
type identity struct {
	caller graph.Caller
	err    error
}

type identityKey struct{}

// serveGraph hands a request to the Microsoft Graph of the tenant that issued
// its token.
func (c *cloud) serveGraph(w http.ResponseWriter, r *http.Request) {
	who := c.identify(r)
	handler := c.graph[who.caller.TenantID]
	if handler == nil {
		handler = c.graph[c.first]
	}
	handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, who)))
}

func authenticated(r *http.Request) (graph.Caller, error) {
	who, ok := r.Context().Value(identityKey{}).(identity)
	if !ok {
		return graph.Caller{}, errors.New("Access token is empty.") //nolint:staticcheck // Graph's own words
	}
	return who.caller, who.err
}

// identify checks a request's access token for Microsoft Graph.
func (c *cloud) identify(r *http.Request) identity {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return identity{err: errors.New("Access token is empty.")} //nolint:staticcheck // Graph's own words
	}
	claims, err := c.signin.Verifier().Verify(raw)
	if err != nil {
		return identity{err: fmt.Errorf("Access token validation failure. %w", err)} //nolint:staticcheck // Graph's own words
	}
	return identity{caller: callerOf(claims)}
}

// callerOf reads who a verified token stands for. Application permissions
// count only in app-only tokens: a user's token may carry roles too.
func callerOf(claims token.Claims) graph.Caller {
	caller := graph.Caller{ObjectID: claims.String("oid"), AppID: claims.String("appid"), TenantID: claims.String("tid")}
	if caller.AppID == "" {
		caller.AppID = claims.String("azp")
	}
	if _, delegated := claims["scp"]; delegated {
		caller.Scopes = strings.Fields(claims.String("scp"))
	} else {
		caller.Roles = claims.Strings("roles")
	}
	return caller
}
