package verify

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/control"
	"github.com/entragate/entragate/sandbox/entra"
	"github.com/entragate/entragate/sandbox/entra/browser"
)

// cellOf finds a cell.
func cellOf(t *testing.T, r Result, route, caller string) Cell {
	t.Helper()
	for _, c := range r.Cells {
		if c.Route == route && c.Caller == caller {
			return c
		}
	}
	require.Fail(t, "no such cell", "%s %s", route, caller)
	return Cell{}
}

// person reads the prompt, and signs in as it says.
type person struct {
	io.Writer
	signIn func(page, code string)
}

var prompt = regexp.MustCompile(`open the page (\S+) and enter the code (\S+) to`)

func (p person) Write(b []byte) (int, error) {
	if found := prompt.FindStringSubmatch(string(b)); found != nil {
		p.signIn(found[1], found[2])
	}
	return len(b), nil
}

func TestARealDeploymentIsVerified(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	var answer entra.TokenAnswer
	require.NoError(t, control.Call(t.Context(), r.clouds.HTTP, r.settings, "/token", entra.TokenRequest{
		Tenant: r.tenant.ID, Client: r.target.Clients["portal"], User: Assigned, Resource: r.target.Audience,
		Scopes: []string{"Orders.Read"}, IssuedAt: "-3h", Lifetime: "1h",
	}, &answer))
	var said strings.Builder
	d := r.deployment(t, AccountsOptions{
		SignIn: []string{"portal"}, Supplied: map[string]string{"expired-token": answer.Token},
		Prompt: person{signIn: func(page, code string) {
			if err := browser.Device(t.Context(), r.clouds.HTTP, page, code, Assigned); err != nil {
				t.Error(err)
			}
		}},
	})
	d.Progress = func(format string, _ ...any) { said.WriteString(format + "\n") }
	plan, err := d.Plan()
	require.NoError(t, err)
	require.Equal(t, []string{"POST /orders"}, sortedNames(plan.NotCalled))
	require.Empty(t, said.String(), "a plan says nothing")

	result, err := d.Verify(t.Context(), plan)
	require.NoError(t, err)
	require.Contains(t, said.String(), "at most 5 times a second")
	var text, all strings.Builder
	require.NoError(t, result.Write(&text, false))
	require.NoError(t, result.Write(&all, true))
	require.Zero(t, result.Differ, text.String())
	for _, tc := range []struct {
		route, caller string
		how           How
		outcome       access.Outcome
		status        int
	}{
		{"GET /orders", "anonymous", Observed, access.OutcomeRefused, 401},
		{"GET /orders", "portal:user", Observed, access.OutcomeAllowed, 200},
		{"GET /orders/{id}", "portal:user", Observed, access.OutcomeAllowed, 200},
		{"GET /orders", "export:app", Observed, access.OutcomeNoToken, 0},
		{"GET /orders", "unassigned-daemon", Observed, access.OutcomeNoToken, 0},
		{"GET /orders", "graph-token", Observed, access.OutcomeRefused, 401},
		{"GET /orders", "id-token", Observed, access.OutcomeRefused, 401},
		{"GET /orders", "expired-token", Observed, access.OutcomeRefused, 401},
		{"GET /health", "anonymous", Observed, access.OutcomeAllowed, 200},
		{"GET /health", "graph-token", Configured, access.OutcomeAllowed, 0},
		{"GET /orders", "other-tenant", Configured, access.OutcomeRefused, 401},
		{"GET /orders", "unassigned-user", Configured, access.OutcomeNoToken, 0},
		{"POST /orders", "portal:user", Configured, access.OutcomeAllowed, 0},
		{"GET /gone", "portal:user", Configured, access.OutcomeAllowed, 0},
		{"GET /forbidden", "portal:user", Configured, access.OutcomeAllowed, 0},
		{"GET /forbidden", "anonymous", Observed, access.OutcomeRefused, 401},
	} {
		cell := cellOf(t, result, tc.route, tc.caller)
		require.Equal(t, tc.how, cell.How, "%s as %s: %+v", tc.route, tc.caller, cell)
		switch tc.how {
		case Observed:
			require.Equal(t, tc.outcome, cell.Observed.Outcome, "%s as %s: %+v", tc.route, tc.caller, *cell.Observed)
			require.Equal(t, tc.status, cell.Observed.Status, "%s as %s", tc.route, tc.caller)
		case Configured:
			require.Equal(t, tc.outcome, cell.Configured.Outcome(), "%s as %s", tc.route, tc.caller)
			require.NotEmpty(t, cell.Why)
		case NotCalled:
		}
	}
	require.Contains(t, result.Callers["other-tenant"], "--token other-tenant=FILE")
	require.Equal(t, []string{"GET /forbidden", "GET /gone"}, sortedNames(result.Unclear))
	require.Contains(t, text.String(), "no cell of")
	require.Contains(t, text.String(), "POST /orders: POST may change something")
	require.Contains(t, all.String(), "portal:user: predicted allowed by Orders.Read; observed allowed 200")
}

func TestWhatAConsoleChangedDiffers(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	for key, id := range r.routes {
		if key == "POST /orders" || key == "GET /orders" {
			_, err := r.clouds.Gateway.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
				ApiId: &r.apiID, RouteId: aws.String(id), AuthorizationType: types.AuthorizationTypeNone, AuthorizationScopes: []string{},
			})
			require.NoError(t, err)
		}
	}
	d := r.deployment(t, AccountsOptions{})
	plan, err := d.Plan()
	require.NoError(t, err)
	result, err := d.Verify(t.Context(), plan)
	require.NoError(t, err)
	observed, configured := cellOf(t, result, "GET /orders", "anonymous"), cellOf(t, result, "POST /orders", "anonymous")
	require.False(t, observed.Agree)
	require.Equal(t, Observed, observed.How)
	require.False(t, configured.Agree)
	require.Equal(t, Configured, configured.How)
	graphToken := cellOf(t, result, "GET /orders", "graph-token")
	require.Nil(t, graphToken.Observed, "an open backend gets no token for Microsoft Graph")
	require.False(t, graphToken.Agree)
	require.Positive(t, result.Differ)
	var text strings.Builder
	require.NoError(t, result.Write(&text, false))
	require.Contains(t, text.String(), "!! anonymous: predicted refused 401: no token; observed allowed 200")
	require.Contains(t, text.String(), "!! anonymous: predicted refused 401: no token; configured allowed: public")
}

func TestAPlanCallsNothing(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	d := r.deployment(t, AccountsOptions{})
	d.HTTP = nil
	plan, err := d.Plan()
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, plan.Write(&text))
	for _, want := range []string{
		"GET /orders/{id}: GET /orders/0, by ", "POST /orders: POST may change something",
		"portal:user: not called: it takes --sign-in portal, or --token portal:user=FILE",
		"export:app: its stored secret", "id-token: not called: it takes --sign-in of a native client",
		"expired-token: not called: it takes --token expired-token=FILE",
	} {
		require.Contains(t, text.String(), want)
	}
	d.Probes["GET /nowhere"] = Probe{Path: "/nowhere"}
	_, err = d.Plan()
	require.ErrorContains(t, err, "a route that is not declared")
	d.Target.URL = "http://orders.example.com"
	_, err = d.Plan()
	require.ErrorContains(t, err, "want an https address")
}

func TestADaemonIsNobodyElse(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	export := access.Caller{ID: "export:app", Kind: access.CallerDaemon, Client: "export"}
	get := func() error {
		_, err := r.deployment(t, AccountsOptions{}).Tokens.Token(t.Context(), export, "export")
		return err
	}
	require.NoError(t, get())
	arn := r.target.Secrets["export"]
	r.target.Secrets["export"] = arn + "x"
	require.ErrorContains(t, get(), "`entragate rotate export`")
	delete(r.target.Secrets, "export")
	var missing *Unavailable
	require.ErrorAs(t, get(), &missing)
	require.Contains(t, missing.Takes, "running this as export")
	r.target.Clients["export"] = r.env["AZURE_CLIENT_ID"] // it is who runs this
	require.NoError(t, get())
	_, err := r.deployment(t, AccountsOptions{}).Tokens.Token(t.Context(), access.Caller{ID: "unassigned-daemon", Kind: access.CallerUnassignedDaemon}, "")
	require.ErrorAs(t, err, &missing)
}

func TestVerifyingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	d := r.deployment(t, AccountsOptions{})
	plan, err := d.Plan()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err = d.Verify(ctx, plan)
	require.Error(t, err)
}
