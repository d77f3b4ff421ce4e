package verify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

// tokens hands out tokens by caller id, and counts how often it was asked.
type tokens struct {
	mu    sync.Mutex
	asked map[string]int
	by    map[string]Token
}

func (s *tokens) Token(_ context.Context, c access.Caller, _ string) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[c.ID]++
	token, ok := s.by[c.ID]
	if !ok {
		return Token{}, errors.New("no such caller")
	}
	return token, nil
}

// model has one public route and two that need a scope.
var model = access.Model{
	Scopes:   []access.Scope{{Value: "Read", Title: "Read"}},
	Clients:  []access.Client{{Name: "app", Kind: access.ClientNative, Scopes: []string{"Read"}}},
	Backends: []access.Backend{{Name: "main", URL: "https://main.example.com"}},
	Routes: []access.Route{
		{Key: "GET /open", Public: "everybody may"},
		{Key: "GET /closed", Scopes: []string{"Read"}},
	},
	Assignment: access.Assignment{Users: []string{"somebody"}},
}

// gateway lets "good" tokens through to a backend that echoes probes.
func gateway(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/open" || r.Header.Get("Authorization") == "Bearer good" {
		w.Header().Set(ProbeHeader, r.Header.Get(ProbeHeader))
		w.WriteHeader(http.StatusNotFound) // of the backend: it was reached all the same
		return
	}
	w.Header().Set("Www-Authenticate", "Bearer")
	w.WriteHeader(http.StatusUnauthorized)
}

func observe(t *testing.T, h http.HandlerFunc, source *tokens) map[string]map[string]access.Observation {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	p := Prober{URL: server.URL, Tokens: source, HTTP: server.Client()}
	observed, err := p.Observe(t.Context(), model.Matrix())
	require.NoError(t, err)
	return observed
}

func TestEachCellIsObserved(t *testing.T) {
	t.Parallel()
	source := &tokens{asked: map[string]int{}, by: map[string]Token{
		"app:user": {Access: "good"}, "graph-token": {Access: "bad"}, "unassigned-user": {Refusal: "AADSTS50105"},
	}}
	observed := observe(t, gateway, source)
	for _, tc := range []struct {
		route, caller string
		want          access.Observation
	}{
		{"GET /open", "anonymous", access.Observation{Outcome: access.OutcomeAllowed, Status: 404}},
		{"GET /closed", "anonymous", access.Observation{Outcome: access.OutcomeRefused, Status: 401, Detail: "Bearer"}},
		{"GET /closed", "app:user", access.Observation{Outcome: access.OutcomeAllowed, Status: 404}},
		{"GET /closed", "graph-token", access.Observation{Outcome: access.OutcomeRefused, Status: 401, Detail: "Bearer"}},
		{"GET /closed", "unassigned-user", access.Observation{Outcome: access.OutcomeNoToken, Detail: "AADSTS50105"}},
		{"GET /open", "unassigned-user", access.Observation{Outcome: access.OutcomeAllowed, Status: 404}},
		{"GET /closed", "other-tenant", access.Observation{Outcome: access.OutcomeFailed, Detail: "no such caller"}},
	} {
		require.Equal(t, tc.want, observed[tc.route][tc.caller], "%s as %s", tc.route, tc.caller)
	}
	for caller, n := range source.asked {
		require.Equal(t, 1, n, "tokens for %s", caller)
	}
}

func TestTheGatewaysOwnAnswersAreNoAccess(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"no route": 404, "no integration": 500, "no permission to call a function": 500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			observed := observe(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) },
				&tokens{asked: map[string]int{}, by: map[string]Token{"app:user": {Access: "good"}}})
			require.Equal(t, access.OutcomeFailed, observed["GET /closed"]["app:user"].Outcome)
			require.Equal(t, status, observed["GET /closed"]["app:user"].Status)
		})
	}
}

func TestABackendThatRepeatsNothingIsBelievedItsSuccess(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204, 302} {
		observed := observe(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) },
			&tokens{asked: map[string]int{}, by: map[string]Token{"app:user": {Access: "good"}}})
		require.Equal(t, access.OutcomeAllowed, observed["GET /closed"]["app:user"].Outcome, status)
	}
}

func TestAnEchoOfAnotherCallProvesNothing(t *testing.T) {
	t.Parallel()
	observed := observe(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(ProbeHeader, "earlier") },
		&tokens{asked: map[string]int{}, by: map[string]Token{"app:user": {Access: "good"}}})
	require.Equal(t, access.OutcomeFailed, observed["GET /closed"]["app:user"].Outcome)
}

func TestAThrottledCallIsTriedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	observed := observe(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		gateway(w, r)
	}, &tokens{asked: map[string]int{}, by: map[string]Token{"app:user": {Access: "good"}}})
	require.Equal(t, access.OutcomeAllowed, observed["GET /closed"]["app:user"].Outcome)
	require.Equal(t, access.OutcomeAllowed, observed["GET /open"]["anonymous"].Outcome)
}

func TestOnlyADecisionOfEntraIsARefusal(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		description string
		want        string
	}{
		"not assigned":     {"AADSTS50105: Your administrator has configured …\r\nTrace ID: x", "AADSTS50105"},
		"no role":          {"AADSTS501051: Application 'x' is not assigned", "AADSTS501051"},
		"no consent":       {"AADSTS65001: The user or administrator has not consented", "AADSTS65001"},
		"a wrong secret":   {"AADSTS7000215: Invalid client secret provided.", ""},
		"an unknown scope": {"AADSTS650053: The application asked for scope", ""},
		"no code":          {"something else", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := outcome("", newRefusal(tc.description))
			require.Equal(t, tc.want, token.Refusal)
			require.Equal(t, tc.want == "", err != nil)
		})
	}
}
