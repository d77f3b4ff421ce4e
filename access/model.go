// Package access is the access model: who may call what. It declares scopes,
// roles, clients and routes, validates them, and computes the access matrix
// that the gateway and Entra together enforce. It knows no cloud and no
// Pulumi, so the same code serves the components, the command line and review.
package access

import (
	"strings"

	"github.com/entragate/entragate/access/policy"
)

// Model says who may call what.
type Model struct {
	Scopes     []Scope    `json:"scopes" pulumi:"scopes,optional"`
	Roles      []Role     `json:"roles" pulumi:"roles,optional"`
	Clients    []Client   `json:"clients" pulumi:"clients,optional"`
	Backends   []Backend  `json:"backends" pulumi:"backends,optional"`
	Routes     []Route    `json:"routes" pulumi:"routes"`
	Assignment Assignment `json:"assignment" pulumi:"assignment,optional"`
	// Functions are the names of the functions that backends may refer to.
	Functions []string `json:"functions,omitempty" pulumi:"functions,optional"`
	// DecisionCacheSeconds is how long API Gateway repeats a decision about a
	// route with roles for the same token, 0 to 3600. Default:
	// [DefaultDecisionCacheSeconds]. On other routes it decides each time.
	DecisionCacheSeconds *int `json:"decisionCacheSeconds,omitempty" pulumi:"decisionCacheSeconds,optional"`
}

// DefaultDecisionCacheSeconds is how long a decision about a route with roles is
// repeated unless a model says otherwise.
const DefaultDecisionCacheSeconds = 60

// Scope is a delegated permission that the API exposes. Entra puts granted
// values into the scp claim of a user's token.
type Scope struct {
	// Value is the bare value, such as "Orders.Read": at most 120 characters,
	// no spaces, unique among scopes and roles in more than letter case.
	Value string `json:"value" pulumi:"value"`
	// Title is shown where consent is given, to administrators and users: at
	// most 100 characters.
	Title string `json:"title" pulumi:"title"`
	// Description is shown with the title. Default: the title.
	Description string `json:"description,omitempty" pulumi:"description,optional"`
	// Consent says who may consent: "admin" (default) or "user".
	Consent Consent `json:"consent,omitempty" pulumi:"consent,optional"`
	// State is "active" (default) or "retired": disabled in Entra, so that no
	// new token carries it, while routes still accept tokens that do.
	State State `json:"state,omitempty" pulumi:"state,optional"`
}

// Role is an app role for applications. Entra puts assigned values into the
// roles claim of an app-only token.
type Role struct {
	// Value is the bare value, such as "Orders.Export": the rules are those of
	// [Scope.Value].
	Value string `json:"value" pulumi:"value"`
	// Title is the role's display name.
	Title string `json:"title" pulumi:"title"`
	// Description defaults to the title.
	Description string `json:"description,omitempty" pulumi:"description,optional"`
	// State is "active" (default) or "retired".
	State State `json:"state,omitempty" pulumi:"state,optional"`
}

// Client is an application that calls the API.
type Client struct {
	// Name identifies the client in the model, in resource names and in the
	// matrix: at most 40 lower-case letters, digits and single dashes, beginning
	// with a letter.
	Name string `json:"name" pulumi:"name"`
	// Kind is "spa", "web", "native" (a user signs in) or "daemon" (app-only).
	Kind ClientKind `json:"kind" pulumi:"kind"`
	// DisplayName is shown in Entra. Default: the API's name and the client's.
	DisplayName string `json:"displayName,omitempty" pulumi:"displayName,optional"`
	// RedirectURIs are where sign-in returns to: at least one for spa and web,
	// none for a daemon. They are https or http://localhost; native clients may
	// use a scheme of their own.
	RedirectURIs []string `json:"redirectUris,omitempty" pulumi:"redirectUris,optional"`
	// Scopes are delegated permissions granted for every user of the client.
	Scopes []string `json:"scopes,omitempty" pulumi:"scopes,optional"`
	// Roles are app roles assigned to the client; for daemons only.
	Roles []string `json:"roles,omitempty" pulumi:"roles,optional"`
	// Credential is how a web client or a daemon proves itself.
	Credential *Credential `json:"credential,omitempty" pulumi:"credential,optional"`
}

// Backend is where allowed requests go: an address or a function.
type Backend struct {
	// Name identifies the backend in routes: the rules are those of
	// [Client.Name].
	Name string `json:"name" pulumi:"name"`
	// URL is the base address, without query or fragment; a route's path is
	// appended to it. It is https, or http on a loopback address for a sandbox.
	URL string `json:"url,omitempty" pulumi:"url,optional"`
	// Function is a Lambda function in place of a URL: one of [Model.Functions],
	// or the ARN of any other, which may name a version or an alias.
	Function string `json:"function,omitempty" pulumi:"function,optional"`
	// TimeoutMillis is 50 to 30000. Default: 29000.
	TimeoutMillis int `json:"timeoutMillis,omitempty" pulumi:"timeoutMillis,optional"`
}

// Route is one route of the API and who may call it: either Scopes, Roles or
// both, or Public. There is no route without a decision.
type Route struct {
	// Key is "METHOD /path", with "{name}" and a last "{name+}" as variables,
	// ANY for every method, or "$default".
	Key string `json:"route" pulumi:"route"`
	// Backend is the name of a backend. Default: the only one.
	Backend string `json:"backend,omitempty" pulumi:"backend,optional"`
	// Scopes: a user's token with any one of them may call.
	Scopes []string `json:"scopes,omitempty" pulumi:"scopes,optional"`
	// Roles: an app-only token with any one of them may call. API Gateway's JWT
	// authorizer does not read roles, so such a route, its scopes included, is
	// decided by a Lambda authorizer: see [Model.Policy].
	Roles []string `json:"roles,omitempty" pulumi:"roles,optional"`
	// Public is the reason why everybody may call, without a token.
	Public string `json:"public,omitempty" pulumi:"public,optional"`
	// Throttle limits this route apart from the others.
	Throttle *Throttle `json:"throttle,omitempty" pulumi:"throttle,optional"`
	// Probe says how `entragate verify --real` may call the route. Default: GET and
	// HEAD routes without variables are called, others are not.
	Probe *Probe `json:"probe,omitempty" pulumi:"probe,optional"`
}

// Probe says how a route of a real deployment may be called without harm. ANY and
// $default are called by POST with a body, and by GET or HEAD without.
type Probe struct {
	// Path is what is called, with what stands for the route's variables, and a
	// query if need be.
	Path string `json:"path" pulumi:"path"`
	// Body is what is sent, with this content type. Default: nothing.
	Body        string `json:"body,omitempty" pulumi:"body,optional"`
	ContentType string `json:"contentType,omitempty" pulumi:"contentType,optional"`
}

// Throttle limits requests. Both must be above zero: API Gateway reads a
// missing limit as zero and refuses everything. They are at most
// [MaxThrottleRate] and [MaxThrottleBurst].
type Throttle struct {
	// Rate is requests per second over time.
	Rate float64 `json:"rate" pulumi:"rate"`
	// Burst is requests at once.
	Burst int `json:"burst" pulumi:"burst"`
}

// Assignment says whether callers must be assigned to the API before Entra
// gives them a token at all, and who is. Daemons with roles are assigned by
// their roles.
type Assignment struct {
	// Required defaults to true.
	Required *bool `json:"required,omitempty" pulumi:"required,optional"`
	// Users and Groups are object ids. Members of groups inside an assigned
	// group are not assigned: Entra does not follow nesting here.
	Users  []string `json:"users,omitempty" pulumi:"users,optional"`
	Groups []string `json:"groups,omitempty" pulumi:"groups,optional"`
}

// Consent says who may consent to a scope.
type Consent string

// The values of [Consent].
const (
	ConsentAdmin Consent = "admin"
	ConsentUser  Consent = "user"
)

// State is where a scope or role is in its life.
type State string

// The values of [State].
const (
	StateActive  State = "active"
	StateRetired State = "retired"
)

// ClientKind is the kind of a client application.
type ClientKind string

// The values of [ClientKind].
const (
	ClientSPA    ClientKind = "spa"
	ClientWeb    ClientKind = "web"
	ClientNative ClientKind = "native"
	ClientDaemon ClientKind = "daemon"
)

// Retired reports whether Entra issues no new token with the scope.
func (s Scope) Retired() bool { return s.State == StateRetired }

// Retired reports whether Entra issues no new token with the role.
func (r Role) Retired() bool { return r.State == StateRetired }

// IsDelegated reports whether a user signs in to clients of the kind.
func (k ClientKind) IsDelegated() bool {
	return k == ClientSPA || k == ClientWeb || k == ClientNative
}

// hasUsers reports whether any user can be assigned to the API.
func (a Assignment) hasUsers() bool { return len(a.Users)+len(a.Groups) > 0 }

// IsRequired reports whether assignment is required; it is by default.
func (a Assignment) IsRequired() bool { return a.Required == nil || *a.Required }

// CacheSeconds is how long a decision about a route with roles is repeated.
func (m Model) CacheSeconds() int {
	if m.DecisionCacheSeconds == nil {
		return DefaultDecisionCacheSeconds
	}
	return *m.DecisionCacheSeconds
}

// Policy is what the Lambda authorizer applies: all routes with roles. Retired
// scopes and roles are in it, since tokens that carry them are still good.
func (m Model) Policy() policy.Policy {
	p := policy.Policy{Routes: map[string]policy.Route{}}
	for _, r := range m.Routes {
		if r.HasRoles() {
			p.Routes[r.Key] = policy.Route{Scopes: r.Scopes, Roles: r.Roles}
		}
	}
	return p
}

// HasRoles reports whether the route is decided by the Lambda authorizer.
func (r Route) HasRoles() bool { return len(r.Roles) > 0 }

// IsFunctionARN reports whether the backend names its function by ARN.
func (b Backend) IsFunctionARN() bool { return strings.HasPrefix(b.Function, "arn:") }

// IsPublic reports whether everybody may call the route.
func (r Route) IsPublic() bool { return r.Public != "" }
