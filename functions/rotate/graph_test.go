package rotate

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGraphFindsAddsAndRemoves(t *testing.T) {
	t.Parallel()
	a := newAnswers(t)
	var requests []string
	a.graph = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests = append(requests, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		require.Equal(t, "Bearer "+issuedToken, r.Header.Get("Authorization"))
		switch {
		case r.Method == http.MethodGet:
			w.Header().Set("Date", "Sun, 01 Mar 2026 12:00:00 GMT")
			write(w, 200, `{"id":"object","passwordCredentials":[{"customKeyIdentifier":null,"displayName":null,"endDateTime":"2026-09-28T12:00:00Z","hint":"abc","keyId":"k1","secretText":null,"startDateTime":"2026-03-01T12:00:00.1234567Z"}]}`)
		case strings.HasSuffix(r.URL.Path, "/addPassword"):
			write(w, 200, `{"displayName":"n","endDateTime":"2026-09-28T12:00:00Z","hint":"abc","keyId":"k2","secretText":"abc8Q~x","startDateTime":"2026-03-01T12:00:00Z"}`)
		default:
			w.WriteHeader(204)
		}
	}
	g := a.entra().openGraph(a.own())
	app, err := g.Find(t.Context(), clientID)
	require.NoError(t, err)
	require.Equal(t, "object", app.ObjectID)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.True(t, app.Now.Equal(now), "the clock is Microsoft Graph's")
	require.Equal(t, []Password{{KeyID: "k1", Start: now.Add(123456700 * time.Nanosecond), End: now.Add(211 * day)}}, app.Passwords)
	added, err := g.AddPassword(t.Context(), "object", "entragate rotation T", now.Add(211*day))
	require.NoError(t, err)
	require.Equal(t, NewPassword{KeyID: "k2", End: now.Add(211 * day), Text: "abc8Q~x"}, added)
	require.NoError(t, g.RemovePassword(t.Context(), "object", "k1"))
	require.Equal(t, []string{
		"GET /v1.0/applications(appId='" + clientID + "')?$select=id,passwordCredentials ",
		`POST /v1.0/applications/object/addPassword {"passwordCredential":{"displayName":"entragate rotation T","endDateTime":"2026-09-28T12:00:00Z"}}`,
		`POST /v1.0/applications/object/removePassword {"keyId":"k1"}`,
	}, requests)
	require.Equal(t, 1, a.tokens, "one for the invocation")
	_, err = a.entra().openGraph(a.own()).Find(t.Context(), clientID)
	require.NoError(t, err)
	require.Equal(t, 2, a.tokens, "another invocation has its own")
}

func refusal(code, message string) string {
	raw, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message}})
	return string(raw)
}

func TestGraphRefusals(t *testing.T) {
	t.Parallel()
	const missing = "Resource 'x' does not exist or one of its queried reference-property objects are not present."
	for name, tt := range map[string]struct {
		status      int
		body        string
		after       string // Retry-After
		temporary   bool
		wait        time.Duration
		want        string
		removalDone bool
	}{
		"throttled":                          {429, refusal("TooManyRequests", "slow down"), "17", true, 17 * time.Second, "429 TooManyRequests: slow down", false},
		"throttled without a time":           {429, refusal("TooManyRequests", ""), "", true, 0, "429", false},
		"throttled until a date":             {429, "{}", "Sun, 01 Mar 2026 12:00:00 GMT", true, 0, "429", false},
		"unavailable":                        {503, refusal("ServiceUnavailable", "later"), "5", true, 5 * time.Second, "503 ServiceUnavailable", false},
		"a gateway's page":                   {502, "<html>", "", true, 0, "502", false},
		"not found":                          {404, refusal("Request_ResourceNotFound", missing), "", true, 0, "404 Request_ResourceNotFound", true},
		"not found, as a bad request":        {400, refusal("Request_BadRequest", missing), "", true, 0, missing, true},
		"no such credential":                 {400, refusal("Request_BadRequest", "No password credential found with keyId 'k'."), "", false, 0, "No password credential found", true},
		"another change at once":             {409, refusal("Directory_ConcurrencyViolation", "again"), "", true, 0, "409", false},
		"a permission not replicated":        {403, refusal("Authorization_RequestDenied", "Insufficient privileges to complete the operation."), "", true, 0, "want the rotator to have Application.ReadWrite.OwnedBy, and to be an owner", false},
		"a lifetime over the policy":         {400, refusal("CredentialInvalidLifetimeAsPerAppPolicy", "Credential lifetime exceeds the max value allowed as per assigned policy 'p'."), "", false, 0, "the tenant caps the lifetime of secrets below LIFETIME_DAYS", false},
		"a lifetime over it, in the message": {400, refusal("Request_BadRequest", "CredentialInvalidLifetimeAsPerAppPolicy: Credential lifetime exceeds the max value"), "", false, 0, "LIFETIME_DAYS", false},
		"secrets are forbidden":              {400, refusal("CredentialTypeNotAllowedAsPerAppPolicy", "Credential type not allowed as per assigned policy 'p'."), "", false, 0, "want the client federated, or with a certificate", false},
		"secrets are forbidden, in words":    {400, refusal("Request_BadRequest", "Credential type not allowed as per assigned policy"), "", false, 0, "want the client federated", false},
		"a token that is not accepted":       {401, refusal("InvalidAuthenticationToken", "Access token is empty."), "", false, 0, "401 InvalidAuthenticationToken", false},
		"no JSON":                            {400, "oops", "", false, 0, "400", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAnswers(t)
			sent := 0
			a.graph = func(w http.ResponseWriter, _ *http.Request) {
				sent++
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				write(w, tt.status, tt.body)
			}
			g := a.entra().openGraph(a.own())
			_, err := g.Find(t.Context(), clientID)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, clientID)
			require.Equal(t, tt.wait, requireTemporary(t, tt.temporary, err))
			_, err = g.AddPassword(t.Context(), "object", "name", time.Now())
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, tt.wait, requireTemporary(t, tt.temporary, err))
			err = g.RemovePassword(t.Context(), "object", "k")
			if tt.removalDone {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.want)
			}
			require.Equal(t, 3, sent, "each is sent once")
			if tt.status == 403 {
				require.Equal(t, 3, a.tokens, "a permission is in a new token only")
			} else {
				require.Equal(t, 1, a.tokens)
			}
		})
	}
}

func TestGraphAnswersOfNoUse(t *testing.T) {
	t.Parallel()
	a := newAnswers(t)
	body := ""
	a.graph = func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header()["Date"] = nil
		}
		write(w, 200, body)
	}
	g := a.entra().openGraph(a.own())
	for text, want := range map[string]string{
		`{"secretText":"abc8Q~x"`:                    "not the JSON",
		`{"secretText":12345}`:                       "not the JSON",
		`{"secretText":"abc8Q~x"}`:                   "lacks keyId",
		`{"keyId":"k","secretText":"abc8Q~x"}`:       "endDateTime",
		`{"keyId":"k","endDateTime":"2026-09-28Z"}`:  "not the JSON",
		`{"keyId":"k","endDateTime":null,"more":{}}`: "lacks",
	} {
		body = text
		_, err := g.AddPassword(t.Context(), "object", "name", time.Now())
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "8Q~")
		require.NotContains(t, err.Error(), "12345")
		requireTemporary(t, false, err)
	}
	body = `{"id":"object"}`
	_, err := g.Find(t.Context(), clientID)
	require.ErrorContains(t, err, "has no date")
	a.Close()
	_, err = g.Find(t.Context(), clientID)
	requireTemporary(t, true, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = g.Find(ctx, clientID)
	require.ErrorIs(t, err, context.Canceled)
	requireTemporary(t, false, err)
}
