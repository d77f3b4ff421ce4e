package access

// Matrix is routes x callers, each cell a decision. It is computed from the
// model alone, so it is known before anything is deployed.
type Matrix struct {
	// Routes are the route keys, in the order of the model.
	Routes []string `json:"routes"`
	// Callers are in a fixed order: anonymous, users of each client, daemons,
	// other callers, wrong tokens.
	Callers []Caller `json:"callers"`
	// Cells are keyed by route key, then by caller id.
	Cells map[string]map[string]Decision `json:"cells"`
}

// Caller is one column of the matrix.
type Caller struct {
	// ID is stable and unique, such as "anonymous", "spa:user", "export:app".
	ID string `json:"id"`
	// Title is how people read it, such as "user of spa".
	Title string `json:"title"`
	// Kind says how to become this caller.
	Kind CallerKind `json:"kind"`
	// Client is the model's client that the caller uses, if any.
	Client string `json:"client,omitempty"`
}

// CallerKind says what a caller presents.
type CallerKind string

// The kinds of caller.
const (
	// CallerAnonymous presents no token.
	CallerAnonymous CallerKind = "anonymous"
	// CallerUser is an assigned user of a delegated client of the model.
	CallerUser CallerKind = "user"
	// CallerDaemon is a daemon of the model.
	CallerDaemon CallerKind = "daemon"
	// CallerUnassignedUser is a user who is not assigned to the API.
	CallerUnassignedUser CallerKind = "unassigned-user"
	// CallerUnassignedDaemon is an application that holds no role on the API.
	CallerUnassignedDaemon CallerKind = "unassigned-daemon"
	// CallerUserWithRoles is a user of a client whose token carries every role
	// of the model beside the client's scopes, as it would if somebody opened
	// the roles to users. Routes read the roles of app-only tokens only.
	CallerUserWithRoles CallerKind = "user-with-roles"
	// CallerWrongRole is an application of which the token carries a role that
	// no route asks for.
	CallerWrongRole CallerKind = "wrong-role"
	// CallerOtherClient is an assigned user of a client outside the model, who
	// consents to whatever users may consent to.
	CallerOtherClient CallerKind = "other-client"
	// The classic wrong tokens.
	CallerGraphToken  CallerKind = "graph-token"
	CallerOtherTenant CallerKind = "other-tenant"
	CallerV1Token     CallerKind = "v1-token"
	CallerIDToken     CallerKind = "id-token"
	CallerExpired     CallerKind = "expired-token"
)

// Decision is one cell.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Status is what the gateway answers to a refused call: 401 or 403. It is
	// 0 for an allowed call (the backend answers) and where there is no token
	// to call with.
	Status int `json:"status,omitempty"`
	// By is the scope or role that allows the call, or "public".
	By string `json:"by,omitempty"`
	// Reason is why, for programs.
	Reason Reason `json:"reason"`
	// Words is why, for people: "allowed by Orders.Read", "refused 403: …",
	// "no token: …".
	Words string `json:"words"`
	// Client is the model's client that the caller uses for this route, where
	// it is not that of the column: unassigned users take whichever client lets
	// them furthest.
	Client string `json:"client,omitempty"`
	// Uncertain is set where Microsoft's documentation leaves the outcome open;
	// the decision is then the more open reading.
	Uncertain bool `json:"uncertain,omitempty"`
}

// At returns one cell, and whether there is one.
func (mx Matrix) At(route, callerID string) (Decision, bool) {
	d, ok := mx.Cells[route][callerID]
	return d, ok
}

// Client returns the name of the model's client that the caller signs in with
// to call the route, or "" if it uses none of them.
func (mx Matrix) Client(route string, caller Caller) string {
	if d, ok := mx.At(route, caller.ID); ok && d.Client != "" {
		return d.Client
	}
	return caller.Client
}

// Words returns the matrix as route -> caller id -> words, which a stack
// exports so that a preview shows a change of access in words.
func (mx Matrix) Words() map[string]map[string]string {
	words := make(map[string]map[string]string, len(mx.Cells))
	for route, row := range mx.Cells {
		words[route] = make(map[string]string, len(row))
		for caller, d := range row {
			words[route][caller] = d.Words
		}
	}
	return words
}

// Reason is why a call is allowed or denied.
type Reason string

// The reasons.
const (
	ReasonPublic        Reason = "public"
	ReasonScope         Reason = "scope"
	ReasonRole          Reason = "role"
	ReasonNoToken       Reason = "no-token"
	ReasonNotAssigned   Reason = "not-assigned" // Entra issues no token
	ReasonNotConsented  Reason = "not-consented"
	ReasonMissingScope  Reason = "missing-scope"
	ReasonAppOnly       Reason = "app-only" // no scp, and the route has no roles
	ReasonMissingRole   Reason = "missing-role"
	ReasonDaemonsOnly   Reason = "daemons-only" // a user's token, and the route has no scopes
	ReasonWrongAudience Reason = "wrong-audience"
	ReasonWrongIssuer   Reason = "wrong-issuer"
	ReasonExpired       Reason = "expired"
)
