package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// Deployment verifies a real deployment: it calls what can be called without harm,
// by the callers whose tokens are to be had, and decides the rest by what was read
// of the deployed configuration.
type Deployment struct {
	Target Target
	Tokens *Accounts
	// State is what was read, and Issuer what tokens of the tenant name.
	State  *deployed.State
	Issuer string
	// Probes say how routes may be called, by route key.
	Probes map[string]Probe
	// HTTP reaches the API.
	HTTP *http.Client
	// Progress tells what goes on; nil tells nobody.
	Progress func(format string, args ...any)

	// pace is that of calls, five a second unless a test says otherwise.
	pace func(context.Context) error
}

// How says where a cell is known from.
type How string

// The values of [How].
const (
	// Observed: it was called, or Entra refused the token.
	Observed How = "observed"
	// Configured: what was read of the deployed configuration decides so.
	Configured How = "configured"
	// NotCalled: nothing is known.
	NotCalled How = "not called"
)

// Cell is a cell of the matrix with what is known of it.
type Cell struct {
	Route     string          `json:"route"`
	Caller    string          `json:"caller"`
	How       How             `json:"how"`
	Predicted access.Decision `json:"predicted"`
	// Observed is what was seen; Configured is what the deployed configuration
	// decides. One of them is there unless nothing is known.
	Observed   *access.Observation `json:"observed,omitempty"`
	Configured *access.Decision    `json:"configured,omitempty"`
	// Why is why it was not called.
	Why   string `json:"why,omitempty"`
	Agree bool   `json:"agree"`

	// missing says that the caller's token was not to be had, unclear that the
	// answer does not tell who made it.
	missing, unclear bool
}

// planned is one cell before it is tried.
type planned struct {
	caller access.Caller
	client string // that the caller signs in to
	probe  probing
	cell   Cell
}

// Plan is what would be done.
type Plan struct {
	URL string `json:"url"`
	// Calls are requests, without the tokens that they carry.
	Calls []Call `json:"calls"`
	// Ways are how the token of each caller is got, or what it takes; Possible
	// says which of the two.
	Ways []Way `json:"ways"`
	// NotCalled are the routes that are not called, and why.
	NotCalled map[string]string `json:"notCalled"`

	cells []planned
}

// Call is a request that is made, by how many callers.
type Call struct {
	Route   string `json:"route"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Callers int    `json:"callers"`
}

// Way is how a caller's token is got.
type Way struct {
	Caller   string `json:"caller"`
	Way      string `json:"way"`
	Possible bool   `json:"possible"`
}

// Plan says what would be called, and calls nothing. An error is one in the probes.
func (d *Deployment) Plan() (Plan, error) {
	mx := d.Target.Model.Matrix()
	implied := d.State.Implied(d.Target.Model, d.Issuer)
	plan := Plan{URL: d.Target.URL, NotCalled: map[string]string{}}
	if !strings.HasPrefix(d.Target.URL, "https://") {
		return Plan{}, fmt.Errorf("url: got %q, want an https address: tokens are sent there", d.Target.URL)
	}
	for _, key := range slices.Sorted(maps.Keys(d.Probes)) {
		if !slices.Contains(mx.Routes, key) {
			return Plan{}, fmt.Errorf("probe of route %q: got a route that is not declared", key)
		}
	}
	for _, c := range mx.Callers {
		way, possible := d.Tokens.Way(c, c.Client)
		plan.Ways = append(plan.Ways, Way{c.ID, way, possible})
	}
	for _, route := range mx.Routes {
		var probe *Probe
		if p, ok := d.Probes[route]; ok {
			probe = &p
		}
		r, why, err := realRequest(route, mx.Routes, probe)
		if err != nil {
			return Plan{}, err
		}
		if why != "" {
			plan.NotCalled[route] = why
		}
		callers := 0
		for i, c := range mx.Callers {
			p := planned{caller: c, client: mx.Client(route, c), probe: r, cell: Cell{Route: route, Caller: c.ID, Why: why}}
			p.cell.Predicted, _ = mx.At(route, c.ID)
			if decision, known := implied.Matrix.At(route, c.ID); known {
				p.cell.Configured = &decision
			}
			switch {
			case why != "":
			case !plan.Ways[i].Possible:
				p.cell.Why = plan.Ways[i].Way
			case c.Kind == access.CallerGraphToken && !d.refuses(p.cell.Configured):
				p.cell.Why = "the backend would get a token for Microsoft Graph of who runs this"
			default:
				callers++
			}
			plan.cells = append(plan.cells, p)
		}
		if callers > 0 {
			plan.Calls = append(plan.Calls, Call{route, r.method, r.path, callers})
		}
	}
	return plan, nil
}

// refuses reports whether the deployed configuration refuses a token, so that it
// does not reach a backend.
func (d *Deployment) refuses(decision *access.Decision) bool {
	return decision != nil && !decision.Allowed
}

// Verify does what was planned.
func (d *Deployment) Verify(ctx context.Context, plan Plan) (Result, error) {
	if d.pace == nil {
		p := &pacer{now: time.Now, wait: wait}
		d.pace = p.take
	}
	caller := *d.HTTP
	// A redirect of the backend is an answer, and where it leads is not the API.
	caller.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	tokens := &tokenCache{source: d.Tokens, tokens: map[tokenKey]func() (Token, error){}}
	d.announce(plan)
	cells := make([]Cell, len(plan.cells))
	group, groupContext := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, p := range plan.cells {
		group.Go(func() error {
			cell := p.cell
			if cell.Why == "" {
				cell = d.observe(groupContext, &caller, p, tokens)
			}
			cells[i] = settle(cell)
			return groupContext.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
	return newResult(plan, cells), nil
}

func (d *Deployment) announce(plan Plan) {
	if d.Progress == nil {
		return
	}
	n := 0
	for _, c := range plan.Calls {
		n += c.Callers
	}
	d.Progress("calling %s %d times, at most 5 times a second", plan.URL, n)
	for _, c := range plan.Calls {
		d.Progress("  %s %s, by %d callers", c.Method, c.Path, c.Callers)
	}
}

// observe tries one cell.
func (d *Deployment) observe(ctx context.Context, client *http.Client, p planned, tokens *tokenCache) Cell {
	cell := p.cell
	token, err := tokens.get(ctx, p.caller, p.client)
	if missing, ok := errors.AsType[*Unavailable](err); ok {
		cell.Why, cell.missing = missing.Error(), true
		return cell
	}
	if err != nil {
		cell.Observed = &access.Observation{Outcome: access.OutcomeFailed, Detail: err.Error()}
		return cell
	}
	if token.Access == "" && p.caller.Kind != access.CallerAnonymous && cell.Predicted.Reason != access.ReasonPublic {
		cell.Observed = &access.Observation{Outcome: access.OutcomeNoToken, Detail: token.Refusal}
		return cell
	}
	o, mine := d.call(ctx, client, p.probe, token.Access)
	if !mine {
		// A real backend may answer 404 to a made-up request, or 403 by itself.
		cell.Why, cell.unclear = fmt.Sprintf("it answers %d, and nothing tells whether that is the gateway's or the backend's: "+
			"it takes a probe that the backend answers with success", o.Status), true
		return cell
	}
	cell.Observed = &o
	return cell
}

// call sends the request, again while it is throttled, and tells whether it is
// known what the answer means.
func (d *Deployment) call(ctx context.Context, client *http.Client, r probing, token string) (access.Observation, bool) {
	var o access.Observation
	var body []byte
	for range throttledTries {
		if err := d.pace(ctx); err != nil {
			return access.Observation{Outcome: access.OutcomeFailed, Detail: err.Error()}, true
		}
		if o, body = send(ctx, client, d.Target.URL, r, token); o.Status != http.StatusTooManyRequests {
			break
		}
	}
	switch {
	case o.Status == http.StatusTooManyRequests || o.Status == 0 || o.Outcome == access.OutcomeAllowed:
		return o, true
	case o.Outcome == access.OutcomeRefused:
		return o, gatewaysOwn(body)
	default:
		return o, false
	}
}

// gatewaysOwn reports whether the body of a 401 or 403 is what API Gateway writes.
// A HEAD request has none, and is taken for it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html
func gatewaysOwn(body []byte) bool {
	text := strings.TrimSpace(string(body))
	return text == "" || text == `{"message":"Unauthorized"}` || text == `{"message":"Forbidden"}`
}

// throttledTries is how often a call that is throttled is made.
const throttledTries = 10

// settle says where a cell is known from, and whether it is as predicted.
func settle(cell Cell) Cell {
	switch {
	case cell.Observed != nil:
		cell.How, cell.Configured = Observed, nil
		cell.Agree = cell.Predicted.Agrees(*cell.Observed)
	case cell.Configured != nil:
		cell.How = Configured
		cell.Agree = cell.Predicted.Agrees(access.Observation{Outcome: cell.Configured.Outcome(), Status: cell.Configured.Status})
	default:
		cell.How = NotCalled
		cell.Agree = true // nothing says otherwise
		if cell.Why = strings.TrimSpace(cell.Why); cell.Why == "" {
			cell.Why = "nothing is known of it"
		}
	}
	return cell
}
