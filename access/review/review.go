package review

import (
	"time"

	"github.com/entragate/entragate/access"
)

// Options say how to judge.
type Options struct {
	// Now decides which acknowledgements have expired. Default: the time now.
	Now time.Time
	// Acknowledged are findings that somebody answers for.
	Acknowledged []Acknowledgement
	// TokenLifetime is how long Entra's tokens live. Default:
	// [DefaultTokenLifetime].
	TokenLifetime time.Duration
}

// DefaultTokenLifetime is the longest that Entra gives an access token by
// default: it picks a time of 60 to 90 minutes at random. A token lifetime
// policy may make it up to a day.
// https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes
const DefaultTokenLifetime = 90 * time.Minute

// Review is the difference that a deployment would make.
type Review struct {
	// Before and After are who can call what; Before is empty where nothing is
	// deployed.
	Before access.Matrix `json:"before"`
	After  access.Matrix `json:"after"`
	// Cells are the cells that differ, in the order of the routes and callers
	// after, and then of those that are gone.
	Cells []CellChange `json:"cells"`
	// Findings are what was found, the dangerous and the widening ones first.
	Findings []Finding `json:"findings"`
	// Resources are what Pulumi would change.
	Resources []Change `json:"resources"`
	// Order is the safe order where a scope is renamed or split, else nil.
	Order *SafeOrder `json:"order,omitempty"`
	// Verdict sums the findings up.
	Verdict Verdict `json:"verdict"`
}

// CellChange is a cell of the access matrix that differs: in whether the call
// is allowed, by what, or why not. A cell that is not there, since its route or
// client is not, allows nothing, so it differs from cells that allow the call;
// but a client that comes or goes changes nothing about public routes.
type CellChange struct {
	// Route is the route key, Caller the id of the matrix's caller.
	Route  string `json:"route"`
	Caller string `json:"caller"`
	// Before and After are the decisions; nil where there was or will be none.
	Before *access.Decision `json:"before,omitempty"`
	After  *access.Decision `json:"after,omitempty"`
	// Instead is the route that takes the requests, and of which the decision is,
	// on the side where Route is not declared: a wider one, such as $default.
	Instead string `json:"instead,omitempty"`
	// Kind is widening where a caller may call that could not, breaking where
	// one no longer may, and else neutral. It is neutral, too, where the column
	// stands for another client than before, so that nobody gains or loses.
	Kind Kind `json:"kind"`
	// Causes are the ids of the findings that explain the cell.
	Causes []string `json:"causes"`
}

// Finding is one change, judged.
type Finding struct {
	// ID is unique in a review, and the same for the same change:
	// [CellChange.Causes] refers to it.
	ID string `json:"id"`
	// Rule is the id of the [Rule] that found it.
	Rule string `json:"rule"`
	// Kind is whether more or fewer can call, or neither.
	Kind Kind `json:"kind"`
	// Dangerous marks what opens the API further than people tend to mean, or
	// cuts off callers who cannot help it.
	Dangerous bool `json:"dangerous,omitempty"`
	// Subject is what changes: a route key, a scope, a client and so on. An
	// [Acknowledgement] names it.
	Subject string `json:"subject"`
	// Route is the route key where the finding is about one route.
	Route string `json:"route,omitempty"`
	// Routes and Callers are the rows and columns of the cells that it changes.
	Routes  []string `json:"routes,omitempty"`
	Callers []string `json:"callers,omitempty"`
	// Words say what happens, in a sentence.
	Words string `json:"words"`
	// Cause is what was changed, such as `scope "Orders.Read" removed`.
	Cause string `json:"cause,omitempty"`
	// Setting is where it is configured, such as "routes[3].scopes".
	Setting string `json:"setting,omitempty"`
	// Resource is the URN of the resource that Pulumi changes for it, if that is
	// known.
	Resource string `json:"resource,omitempty"`
	// Tokens says what it means for tokens that are already issued.
	Tokens string `json:"tokens,omitempty"`
	// Unseen says why no cell of the matrix shows a widening or breaking finding.
	Unseen string `json:"unseen,omitempty"`
	// Because are the ids of the findings of which this one is a consequence. It
	// is acknowledged where all of those are.
	Because []string `json:"because,omitempty"`
	// Acknowledged is who answers for it, if anybody does. Expired is set where
	// the acknowledgement no longer counts.
	Acknowledged *Acknowledgement `json:"acknowledged,omitempty"`
	Expired      bool             `json:"expired,omitempty"`
}

// Kind is what a change does to access.
type Kind string

// The kinds.
const (
	Widening Kind = "widening" // more can call
	Breaking Kind = "breaking" // fewer can call
	Neutral  Kind = "neutral"
)

// Verdict sums a review up.
type Verdict struct {
	// Widening, Breaking and Neutral are the numbers of findings.
	Widening int `json:"widening"`
	Breaking int `json:"breaking"`
	Neutral  int `json:"neutral"`
	// UnacknowledgedWidening and UnacknowledgedBreaking are those of findings
	// that nobody answers for.
	UnacknowledgedWidening int `json:"unacknowledgedWidening"`
	UnacknowledgedBreaking int `json:"unacknowledgedBreaking"`
	// Exit is the exit code of a gate: see [ExitOK], [ExitBreaking] and
	// [ExitWidening].
	Exit int `json:"exit"`
	// Words are the verdict in a sentence or two.
	Words string `json:"words"`
}

// The exit codes. Widening wins where there is both.
const (
	ExitOK       = 0
	ExitBreaking = 2
	ExitWidening = 3
)
