package rotate

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	said := func(kind string, code int, description string) string {
		raw, _ := json.Marshal(map[string]any{
			"error": kind, "error_codes": []int{code}, "error_description": description + "\r\nTrace ID: 1\r\nTimestamp: now",
		})
		return string(raw)
	}
	for name, tt := range map[string]struct {
		status    int
		body      string
		after     string
		temporary bool
		want      string
	}{
		"not known yet":       {401, said("invalid_client", 7000215, "AADSTS7000215: Invalid client secret provided."), "", true, "401 invalid_client: AADSTS7000215: Invalid client secret provided."},
		"no application yet":  {400, said("unauthorized_client", 700016, "AADSTS700016: not found"), "", true, "AADSTS700016"},
		"no principal yet":    {401, said("invalid_client", 7000229, "AADSTS7000229: missing"), "", true, "AADSTS7000229"},
		"expired":             {401, said("invalid_client", 7000222, "AADSTS7000222: expired"), "", false, "AADSTS7000222: expired"},
		"disabled":            {401, said("unauthorized_client", 7000112, "AADSTS7000112: disabled"), "", false, "AADSTS7000112"},
		"throttled":           {429, said("temporarily_unavailable", 90055, "AADSTS90055: too many"), "9", true, "429"},
		"the service is down": {503, "<html>", "", true, "the sign-in service answered 503"},
		"no JSON":             {400, "oops", "", false, "the sign-in service answered 400"},
		"it quotes":           {401, said("invalid_client", 7000222, "AADSTS7000222: expired\r\nclient_secret="+ownSecret), "", false, "7000222"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAnswers(t)
			sent := 0
			a.token = func(w http.ResponseWriter, r *http.Request) {
				sent++
				require.NoError(t, r.ParseForm())
				require.Equal(t, ownSecret, r.Form.Get("client_secret"))
				require.Equal(t, a.URL+"/.default", strings.Fields(r.Form.Get("scope"))[0])
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				write(w, tt.status, tt.body)
			}
			e := a.entra()
			err := e.Test(t.Context(), *a.own())
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), ownSecret)
			require.NotContains(t, err.Error(), "Trace ID")
			after := requireTemporary(t, tt.temporary, err)
			require.Equal(t, tt.after == "9", after == 9*time.Second)
			require.Equal(t, 1, sent, "it is sent once")

			a.graph = func(http.ResponseWriter, *http.Request) { t.Error("called without a token") }
			_, err = e.openGraph(a.own()).Find(t.Context(), clientID)
			require.ErrorContains(t, err, "sign in as the rotator: the sign-in service answered")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), ownSecret)
			requireTemporary(t, tt.temporary, err)
		})
	}
	a := newAnswers(t)
	require.NoError(t, a.entra().Test(t.Context(), *a.own()))
	require.NoError(t, a.entra().Test(t.Context(), *a.own()))
	require.Equal(t, 2, a.tokens, "no token is kept")
	require.ErrorContains(t, a.entra().Test(t.Context(), Value{Authority: "https://login.microsoftonline.com/common"}), "authority: got")
	a.Close()
	requireTemporary(t, true, a.entra().Test(t.Context(), *a.own()))
}

func TestMicrosoftsHostsAreKnown(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"login.microsoftonline.com": false, "login.microsoftonline.us": false, "login.partner.microsoftonline.cn": false,
		"localhost:8443": true, "login.microsoftonline.com.evil.example": true,
	} {
		require.Equal(t, want, isElsewhere("https://"+host+"/"+tenantID), host)
	}
}

func TestFederationThatIsOff(t *testing.T) {
	t.Parallel()
	for code, tt := range map[string]struct {
		status    int
		temporary bool
		want      string
	}{
		"OutboundWebIdentityFederationDisabledException": {400, false, "aws iam enable-outbound-web-identity-federation"},
		"AccessDenied": {403, false, "AccessDenied"},
		"Throttling":   {400, true, "Throttling"},
		"Internal":     {500, true, "Internal"},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			a := newAnswers(t)
			sent := 0
			a.aws = func(w http.ResponseWriter, r *http.Request) {
				sent++
				require.NoError(t, r.ParseForm())
				require.Equal(t, "GetWebIdentityToken", r.Form.Get("Action"))
				require.Equal(t, "RS256", r.Form.Get("SigningAlgorithm"))
				require.Equal(t, "api://AzureADTokenExchange", r.Form.Get("Audience.member.1"))
				require.Equal(t, "300", r.Form.Get("DurationSeconds"))
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>"+code+"</Code><Message>no</Message></Error></ErrorResponse>")
			}
			_, err := a.entra().openGraph(nil).Find(t.Context(), clientID)
			require.ErrorContains(t, err, tt.want)
			requireTemporary(t, tt.temporary, err)
			require.Equal(t, 1, sent)
		})
	}
}
