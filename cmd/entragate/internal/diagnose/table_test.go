package diagnose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// diagnosis is what a report must say of a token on a route.
type diagnosis struct {
	token   string
	request string
	status  int
	decides CheckName
	cause   Cause
	also    []CheckName // fail too, in the order of the gateway
	words   []string    // of the check that decides
}

const (
	readRoute  = "GET /orders"
	writeRoute = "POST /orders"
	roleRoute  = "POST /export"
	bothRoute  = "GET /both"
)

func diagnoses(t testing.TB) map[string]diagnosis {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	user, app, kid := userToken(), appToken(), object{"kid": "one"}
	good := sign(user)
	parts := strings.Split(good, ".")
	unix := func(d time.Duration) int64 { return start.Add(d).Unix() }
	return map[string]diagnosis{
		// What is no token that the gateway reads.
		"no token":              {"", readRoute, 401, CheckToken, CauseNoToken, nil, []string{"Authorization"}},
		"quotes around nothing": {` "" `, roleRoute, 401, CheckToken, CauseNoToken, nil, nil},
		"too large":             {sign(user.with("groups", strings.Repeat("x", 9000))), readRoute, 431, CheckSize, CauseTooLarge, nil, []string{"groups"}},
		"the token endpoint's answer": {
			`{"token_type":"Bearer","access_token":"` + good + `"}`, readRoute, 401, CheckForm, CauseJSON, nil, []string{"access_token"},
		},
		"encrypted": {
			encode(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".e30aaaaaaaaaaaaaaaaa.e30.e30.e30", readRoute, 401, CheckForm, CauseEncrypted, nil,
			[]string{"tokenEncryptionKeyId"},
		},
		"encrypted, on a role route": {encode(`{"alg":"dir","enc":"A256GCM"}`) + "..e30.e30.e30", roleRoute, 403, CheckForm, CauseEncrypted, nil, nil},
		"a refresh token": {
			"0.AXoAbmFtZS1vZi1zb21lYm9keS1lbHNl.AgABAwEAAAApTwJmzXqdR4BN2miheQMY", readRoute, 401, CheckForm, CauseRefreshToken, nil,
			[]string{"not refresh_token"},
		},
		"a refresh token of three segments":  {"1.AXoAbmFtZS1vZi1zb21lYm9keS1lbHNl.AgABAwEAAAApTwJmzXqdR4BN2mih", readRoute, 401, CheckForm, CauseRefreshToken, nil, nil},
		"a personal account's refresh token": {"M.C507_BAY.0.U.-CjqPz!aaaaaaaaaaaaaaaaaaaaa", readRoute, 401, CheckForm, CauseRefreshToken, nil, nil},
		"opaque":                             {"EwBoA8l6BAAUO9chh8cJscQLmU-LSWpbnr0vmwwAAWw", readRoute, 401, CheckForm, CauseOpaque, nil, []string{"segments: 1", "personal accounts"}},
		"a client secret":                    {"abc8Q~0123456789012345678901234567890123", roleRoute, 403, CheckForm, CauseOpaque, nil, nil},
		"cut after the claims":               {parts[0] + "." + parts[1], readRoute, 401, CheckForm, CauseDamaged, nil, []string{"a part of it is missing"}},
		"a line break within":                {parts[0] + ".\n" + parts[1] + "." + parts[2], readRoute, 401, CheckForm, CauseDamaged, nil, []string{"line break"}},
		"a line break, role route":           {parts[0] + ".\n" + parts[1] + "." + parts[2], bothRoute, 403, CheckForm, CauseDamaged, nil, []string{"line break"}},
		"padding":                            {parts[0] + "=." + parts[1] + "." + parts[2], readRoute, 401, CheckForm, CauseDamaged, nil, []string{"base64url"}},
		"a header that is no JSON":           {encode("xxxxxxxxxxxxxxxxx") + "." + parts[1] + "." + parts[2], readRoute, 401, CheckForm, CauseOpaque, nil, nil},
		"claims that are a list":             {signRaw("[1]", jose.RS256, key("one"), kid), readRoute, 401, CheckForm, CauseDamaged, nil, []string{"claims"}},
		"critical extensions": {
			signRaw(user.json(), jose.RS256, key("one"), object{"kid": "one", "crit": []string{"exp"}, "exp": 1}), readRoute, 401, CheckForm, CauseDamaged,
			nil,
			[]string{"crit"},
		},
		"a claim twice, role route": {
			signRaw(`{"tid":"`+tenant+`",`+strings.TrimPrefix(app.json(), "{"), jose.RS256, key("one"), kid), roleRoute, 403, CheckForm, CauseDamaged, nil,
			[]string{"twice"},
		},
		"alg none":        {encode(`{"alg":"none"}`) + "." + parts[1] + ".", readRoute, 401, CheckAlgorithm, CauseAlgorithm, nil, []string{"none", "RS256"}},
		"ES256":           {signRaw(user.json(), jose.ES256, ec, kid), readRoute, 401, CheckAlgorithm, CauseAlgorithm, nil, []string{"ES256"}},
		"ES256, expired":  {signRaw(user.with("exp", unix(-time.Minute)).json(), jose.ES256, ec, kid), bothRoute, 403, CheckAlgorithm, CauseAlgorithm, []CheckName{CheckExpiry}, nil},
		"no alg at all":   {encode(`{"kid":"one"}`) + "." + parts[1] + "." + parts[2], readRoute, 401, CheckAlgorithm, CauseAlgorithm, nil, []string{"no alg"}},
		"HS256, by a key": {signRaw(user.json(), jose.HS256, []byte(strings.Repeat("k", 32)), kid), readRoute, 401, CheckAlgorithm, CauseAlgorithm, nil, nil},

		// Keys and signature.
		"an unknown key": {
			signRaw(user.json(), jose.RS256, key("stranger"), object{"kid": "rolled"}), readRoute, 401, CheckKey, CauseUnknownKey, nil,
			[]string{"kid rolled", "two hours", "claims mapping"},
		},
		"an unknown key, role route": {signRaw(app.json(), jose.RS256, key("stranger"), object{"kid": "rolled"}), roleRoute, 403, CheckKey, CauseUnknownKey, nil, []string{"kid rolled"}},
		"no kid":                     {signRaw(user.json(), jose.RS256, key("one"), object{}), readRoute, 401, CheckKey, CauseUnknownKey, nil, []string{"no kid"}},
		"of a personal account, whose key is unknown": {
			signRaw(user.of(personalTenant).json(), jose.RS256, key("stranger"), object{"kid": "msa"}), readRoute, 401, CheckKey, CausePersonalAccount,
			[]CheckName{CheckIssuer},
			[]string{"guest"},
		},
		"of another identity provider": {
			signRaw(user.with("iss", "https://accounts.google.com").json(), jose.RS256, key("stranger"), object{"kid": "g"}), readRoute, 401, CheckKey,
			CauseOtherIssuer,
			[]CheckName{CheckIssuer},
			[]string{"accounts.google.com", ourIssuer[:30]},
		},
		"a changed claim": {
			parts[0] + "." + encode(user.with("scp", "Orders.Read Orders.Write").json()) + "." + parts[2], readRoute, 401, CheckSignature, CauseSignature,
			nil,
			[]string{"changed or cut"},
		},
		"a cut signature":            {cut(good, 8), readRoute, 401, CheckSignature, CauseSignature, nil, nil},
		"a cut signature, for other": {cut(sign(user.with("aud", stranger)), 100), writeRoute, 401, CheckSignature, CauseSignature, []CheckName{CheckAudience, CheckScope}, nil},
		"forged, role route":         {signRaw(app.json(), jose.RS256, key("stranger"), kid), roleRoute, 403, CheckSignature, CauseSignature, nil, []string{"forged"}},

		// For something else.
		"for Microsoft Graph": {
			signedByGraph(graphToken()), readRoute, 401, CheckSignature, CauseGraphToken,
			[]CheckName{CheckIssuer, CheckAudience, CheckScope},
			[]string{"nonce", "only Microsoft Graph", "api://" + api + "/Orders.Read"},
		},
		"for Microsoft Graph, role route": {
			signedByGraph(graphToken()), bothRoute, 403, CheckSignature, CauseGraphToken,
			[]CheckName{CheckIssuer, CheckAudience, CheckVersion, CheckScope},
			[]string{"nonce"},
		},
		"for Microsoft Graph, by its address": {
			sign(graphToken().with("aud", "https://graph.microsoft.com/")), readRoute, 401, CheckIssuer, CauseGraphToken,
			[]CheckName{CheckAudience, CheckScope},
			nil,
		},
		"for Microsoft Graph, v2": {sign(user.with("aud", graphID)), readRoute, 401, CheckAudience, CauseGraphToken, nil, []string{"(Microsoft Graph)", "User.Read"}},
		"for Microsoft Graph, app-only": {
			sign(app.with("aud", "https://graph.microsoft.com")), roleRoute, 403, CheckAudience, CauseGraphToken, nil, []string{"/.default"},
		},
		"for Microsoft Graph, of another tenant": {
			sign(graphToken().of(homeTenant).with("ver", "1.0")), readRoute, 401, CheckIssuer, CauseOtherTenant, []CheckName{CheckAudience, CheckScope}, nil,
		},
		"for Azure Resource Manager": {
			sign(user.with("aud", "https://management.azure.com/")), readRoute, 401, CheckAudience, CauseOtherAPI, nil, []string{"(Azure Resource Manager)"},
		},
		"an ID token of a client": {sign(idToken()), readRoute, 401, CheckAudience, CauseIDToken, []CheckName{CheckScope}, []string{"not id_token", "client portal"}},
		"an ID token of the API itself": {
			sign(idToken().with("aud", api).without("nonce")), readRoute, 403, CheckScope, CauseIDToken, nil, []string{"ID token"},
		},
		"an ID token with roles, role route": {
			sign(idToken().with("aud", api).with("roles", []string{"Orders.Export"})), roleRoute, 403, CheckCaller, CauseIDToken, nil, []string{"no permission"},
		},
		"a v1 ID token": {
			sign(idToken().with("ver", "1.0").with("iss", "https://sts.windows.net/"+tenant+"/")), readRoute, 401, CheckIssuer, CauseIDToken,
			[]CheckName{CheckAudience, CheckScope},
			[]string{"v1 endpoint"},
		},
		"for another API":        {sign(user.with("aud", stranger)), readRoute, 401, CheckAudience, CauseOtherAPI, nil, []string{stranger, "scope of another API"}},
		"for a client as an API": {sign(user.with("aud", console)), readRoute, 401, CheckAudience, CauseOtherAPI, nil, []string{"the client console"}},
		"for another API, v1":    {sign(user.v1().with("aud", "api://other")), readRoute, 401, CheckIssuer, CauseOtherAPI, []CheckName{CheckAudience}, []string{"api://other"}},
		"for the API by its URI": {sign(user.with("aud", "api://"+api)), readRoute, 401, CheckAudience, CauseAudienceURI, nil, []string{"requestedAccessTokenVersion"}},
		"for nobody":             {sign(user.without("aud")), readRoute, 401, CheckAudience, CauseNoAudience, nil, nil},
		"for two, role route":    {sign(user.with("aud", []string{stranger, console})), bothRoute, 403, CheckAudience, CauseOtherAPI, nil, []string{"list"}},
		"for a list, role route": {sign(user.with("aud", []string{api})), bothRoute, 403, CheckAudience, CauseOtherAPI, nil, []string{"list"}},

		// From elsewhere.
		"v1": {
			sign(user.v1()), readRoute, 401, CheckIssuer, CauseV1Token, nil,
			[]string{"https://sts.windows.net/" + tenant + "/", "ver 1.0", "requestedAccessTokenVersion to 2"},
		},
		"v1, by URI":         {sign(user.v1().with("aud", "api://"+api)), readRoute, 401, CheckIssuer, CauseV1Token, []CheckName{CheckAudience}, nil},
		"v1, role route":     {sign(app.v1()), roleRoute, 403, CheckIssuer, CauseV1Token, []CheckName{CheckVersion}, nil},
		"v1 of our issuer":   {sign(app.with("ver", "1.0")), roleRoute, 403, CheckVersion, CauseV1Token, nil, nil},
		"of another tenant":  {sign(user.of(homeTenant)), readRoute, 401, CheckIssuer, CauseOtherTenant, nil, []string{homeTenant, "home tenant", "organizations", tenant}},
		"of another, v1":     {sign(user.v1().with("tid", homeTenant).with("iss", "https://sts.windows.net/"+homeTenant+"/")), readRoute, 401, CheckIssuer, CauseOtherTenant, nil, nil},
		"of another, roles":  {sign(app.of(homeTenant)), roleRoute, 403, CheckIssuer, CauseOtherTenant, []CheckName{CheckTenant}, nil},
		"tid of another":     {sign(app.with("tid", homeTenant)), roleRoute, 403, CheckTenant, CauseOtherTenant, nil, nil},
		"a personal account": {sign(user.of(personalTenant)), readRoute, 401, CheckIssuer, CausePersonalAccount, nil, []string{"personal Microsoft account", "guest"}},
		"of another cloud": {
			sign(user.with("iss", "https://login.microsoftonline.us/"+tenant+"/v2.0")), readRoute, 401, CheckIssuer, CauseOtherIssuer, nil, []string{"cloud"},
		},
		"a slash more": {sign(user.with("iss", ourIssuer+"/")), readRoute, 401, CheckIssuer, CauseOtherIssuer, nil, []string{"byte for byte"}},
		"of no issuer": {sign(user.without("iss")), readRoute, 401, CheckIssuer, CauseOtherIssuer, nil, []string{"no iss"}},
		"of issuers":   {sign(user.with("iss", []string{ourIssuer})), readRoute, 401, CheckIssuer, CauseOtherIssuer, nil, nil},

		// The wrong time.
		"expired": {
			sign(user.with("exp", unix(-3*time.Hour))), readRoute, 401, CheckExpiry, CauseExpired, nil,
			[]string{"2026-11-24T06:00:00Z (3 hours ago)", "new one", "clocks"},
		},
		"expires now":                 {sign(user.with("exp", start.Unix())), readRoute, 401, CheckExpiry, CauseExpired, nil, []string{"(0 s ago)"}},
		"expired and v1":              {sign(user.v1().with("exp", unix(-40*time.Minute))), readRoute, 401, CheckExpiry, CauseExpired, []CheckName{CheckIssuer}, []string{"40 minutes ago"}},
		"v1 and expired, role route":  {sign(app.v1().with("exp", unix(-50*time.Hour))), roleRoute, 403, CheckIssuer, CauseV1Token, []CheckName{CheckExpiry, CheckVersion}, nil},
		"expired, nothing right":      {sign(user.of(homeTenant).with("aud", stranger).with("exp", 1).with("scp", "X")), readRoute, 401, CheckExpiry, CauseExpired, []CheckName{CheckIssuer, CheckAudience, CheckScope}, nil},
		"never expires":               {sign(user.without("exp")), readRoute, 401, CheckExpiry, CauseNoExpiry, nil, nil},
		"never expires, role route":   {sign(app.without("exp")), roleRoute, 403, CheckExpiry, CauseNoExpiry, nil, nil},
		"exp is text, role route":     {sign(app.with("exp", "9999999999").with("ver", "1.0")), roleRoute, 403, CheckExpiry, CauseNoExpiry, []CheckName{CheckVersion}, nil},
		"nbf is text, role route":     {sign(app.with("nbf", "0").with("iat", true)), roleRoute, 403, CheckNotBefore, CauseNotYetValid, []CheckName{CheckIssuedAt}, []string{"no number"}},
		"exp out of range":            {signRaw(strings.Replace(app.json(), `"exp":`, `"exp":1e999,"x":`, 1), jose.RS256, key("one"), kid), roleRoute, 403, CheckExpiry, CauseNoExpiry, nil, nil},
		"another number out of range": {signRaw(`{"x":1e999,`+app.with("ver", "1.0").json()[1:], jose.RS256, key("one"), kid), roleRoute, 403, CheckForm, CauseDamaged, nil, []string{"range"}},
		"not valid yet":               {sign(user.with("nbf", unix(10*time.Minute))), readRoute, 401, CheckNotBefore, CauseNotYetValid, nil, []string{"in 10 minutes", "clock"}},
		"issued in the future":        {sign(user.with("iat", unix(30*time.Second))), readRoute, 401, CheckIssuedAt, CauseIssuedInFuture, nil, []string{"in 30 s"}},
		"of a wrong clock":            {sign(app.with("nbf", unix(72*time.Hour)).with("iat", unix(72*time.Hour))), roleRoute, 403, CheckNotBefore, CauseNotYetValid, []CheckName{CheckIssuedAt}, []string{"3 days"}},
		"a long time ago":             {sign(user.with("exp", -1e30)), readRoute, 401, CheckExpiry, CauseExpired, nil, []string{"seconds since 1970"}},

		// Scopes.
		"a scope that was not asked for": {
			sign(user.with("scp", "Orders.Comment")), readRoute, 403, CheckScope, CauseScopeNotInToken, nil,
			[]string{"scp Orders.Comment", "scope Orders.Read", "Orders.Read to portal", "api://" + api + "/Orders.Read", "grants: external"},
		},
		"a scope that is not granted": {
			sign(user), writeRoute, 403, CheckScope, CauseScopeNotGranted, nil, []string{"portal", "held by console", "Add Orders.Write to scopes"},
		},
		"a scope that is not granted, role route": {
			sign(user.with("roles", []string{"Orders.Import"})), "PUT /both", 403, CheckScope, CauseScopeNotGranted, nil,
			[]string{"held by console", "roles count for nothing"},
		},
		"a scope that users may consent to": {
			sign(user), "POST /comments", 403, CheckScope, CauseScopeNeedsConsent, nil, []string{"api://" + api + "/Orders.Comment", "asks the user"},
		},
		"a scope, of a stranger": {
			sign(user.with("azp", stranger)), writeRoute, 403, CheckScope, CauseUnknownClient, nil,
			[]string{"a client that this stack does not know: " + stranger, "held by console"},
		},
		"a scope, of nobody":     {sign(user.without("azp")), writeRoute, 403, CheckScope, CauseUnknownClient, nil, []string{"does not name"}},
		"a retired scope":        {sign(user), "GET /old", 403, CheckScope, CauseScopeRetired, nil, []string{"Orders.Old (retired)", "no new token"}},
		"a retired scope of two": {sign(user), "POST /old", 403, CheckScope, CauseScopeRetired, nil, []string{"Orders.Old (retired) or Orders.Write"}},
		"an empty scp":           {sign(user.with("scp", "")), readRoute, 403, CheckScope, CauseScopeNotInToken, nil, []string{"no scp"}},
		"a user on a role route": {sign(user), roleRoute, 403, CheckScope, CauseDaemonsOnly, nil, []string{"only daemons", "held by export", "role Orders.Export"}},
		"a user's role": {
			sign(user.with("roles", []string{"Orders.Export"})), roleRoute, 403, CheckScope, CauseDaemonsOnly, nil, []string{"a user's roles count for nothing"},
		},
		"app-only on a scoped route": {
			sign(app), readRoute, 403, CheckScope, CauseAppOnly, nil, []string{"scopes are for users", "Give the route roles", "roles Orders.Export", "held by portal, console"},
		},
		"app-only without idtyp on a scoped route": {sign(app.without("idtyp")), readRoute, 403, CheckScope, CauseAppOnly, nil, nil},

		// Roles.
		"a role that is not granted": {
			sign(app), "PUT /both", 403, CheckRole, CauseRoleNotGranted, nil, []string{"roles Orders.Export", "role Orders.Import", "no client of the stack holds"},
		},
		"a role that is not in the token": {
			sign(app.without("roles")), roleRoute, 403, CheckRole, CauseRoleNotInToken, nil, []string{"no roles", "api://" + api + "/.default"},
		},
		"a retired role":             {sign(app.with("azp", syncer).without("roles")), "GET /legacy", 403, CheckRole, CauseRoleRetired, nil, []string{"Orders.Legacy (retired)"}},
		"a role, of a stranger":      {sign(app.with("azp", stranger).with("roles", []string{"X"})), roleRoute, 403, CheckRole, CauseUnknownClient, nil, []string{"held by export"}},
		"a role, of a user's client": {sign(app.with("azp", console).without("roles")), roleRoute, 403, CheckRole, CauseRoleNotGranted, nil, []string{"Roles are for daemons"}},
		"app-only without idtyp":     {sign(app.without("idtyp")), roleRoute, 403, CheckCaller, CauseNoIdtyp, nil, []string{"idtyp", "optional claim"}},
		"app-only with a scope":      {sign(app.with("scp", "Orders.Read")), bothRoute, 403, CheckCaller, CauseContradictory, nil, []string{"scp Orders.Read, idtyp app"}},
		"idtyp of another kind":      {sign(user.with("idtyp", "device")), bothRoute, 403, CheckCaller, CauseContradictory, nil, nil},
		"a user without scopes":      {sign(user.without("scp").with("idtyp", "user")), bothRoute, 403, CheckCaller, CauseContradictory, nil, nil},
		"scp is a list, role route":  {sign(user.with("scp", []string{"Orders.Read"})), bothRoute, 403, CheckCaller, CauseClaimTypes, nil, nil},
		"roles is text":              {sign(app.with("roles", "Orders.Export")), roleRoute, 403, CheckCaller, CauseClaimTypes, nil, nil},
		"oid is a number":            {sign(app.with("oid", 7)), roleRoute, 403, CheckCaller, CauseClaimTypes, nil, nil},

		// No route.
		"no such path":     {good, "GET /invoices", 404, CheckRoute, CauseNoRoute, nil, nil},
		"a wrong method":   {good, "DELETE /orders", 404, CheckRoute, CauseNoRoute, nil, []string{"wrong method"}},
		"a slash too many": {good, "GET /orders/", 404, CheckRoute, CauseNoRoute, nil, []string{"GET /orders takes GET /orders"}},
	}
}

// cut takes off the end of a token.
func cut(token string, bytes int) string { return token[:len(token)-bytes] }

func TestRefusalsAreNamed(t *testing.T) {
	t.Parallel()
	for name, want := range diagnoses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			report, err := w.stack().Explain(t.Context(), want.token, want.request)
			require.NoError(t, err)
			requireDiscreet(t, report, want.token)
			var text bytes.Buffer
			require.NoError(t, report.Write(&text))

			require.False(t, report.Allowed)
			require.Equal(t, want.status, report.Status, text.String())
			require.Equal(t, want.cause, report.Cause, text.String())
			require.NotEmpty(t, report.Summary)
			require.Empty(t, report.By)
			var decides, also []CheckName
			for _, c := range report.Checks {
				switch {
				case c.Decides:
					decides = append(decides, c.Name)
					require.Equal(t, want.cause, c.Cause)
					for _, word := range want.words {
						require.Contains(t, strings.Join([]string{c.Got, c.Want, c.Why, c.Fix}, "\n"), word)
					}
				case !c.OK:
					also = append(also, c.Name)
				default:
					require.Empty(t, string(c.Cause)+c.Why+c.Fix, c.Name)
					continue
				}
				require.False(t, c.OK)
				require.NotEmpty(t, c.Cause.words(), c.Cause)
				require.NotEmpty(t, c.Why)
				require.NotEmpty(t, c.Fix)
				require.Contains(t, text.String(), c.Fix)
			}
			require.Equal(t, []CheckName{want.decides}, decides, text.String())
			require.Equal(t, want.also, also, text.String())
			for _, r := range w.requests { // nothing of the token is sent
				require.Contains(t, []string{discoveryURL, keysURL}, r.URL.String())
				require.Equal(t, "GET", r.Method)
				require.Nil(t, r.Body)
				require.Equal(t, 1, len(r.Header), "Accept only: %v", r.Header)
			}
		})
	}
}

// TestEveryCauseIsInTheTable, so that none is told that was not seen to be right.
func TestEveryCauseIsInTheTable(t *testing.T) {
	t.Parallel()
	seen := map[Cause]bool{
		// In TestIssuersThatCannotBeAsked.
		CauseIssuerUnreachable: true, CauseIssuerMismatch: true, CauseKeysUnavailable: true,
		CauseOther: true, // of authorizers that are newer than this package
	}
	for _, d := range diagnoses(t) {
		seen[d.cause] = true
	}
	for cause := range causeWords {
		require.True(t, seen[cause], cause)
	}
}
