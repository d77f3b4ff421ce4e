package token_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

const (
	baseURL = "https://localhost:8443"
	tenant  = "11111111-1111-4111-8111-111111111111"
	api     = "22222222-2222-4222-8222-222222222222"
	client  = "33333333-3333-4333-8333-333333333333"
)

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	alice = &directory.User{ID: "44444444-4444-4444-8444-444444444444", UserPrincipalName: "alice@contoso.onmicrosoft.com", DisplayName: "Alice", Mail: "alice@contoso.com"}
)

func access() token.Access {
	return token.Access{
		BaseURL: baseURL, TenantID: tenant, Version: 2, Audience: api, ResourceAppID: api,
		ClientAppID: client, ClientAuth: token.BySecret, ClientObjectID: "55555555-5555-4555-8555-555555555555",
		IssuedAt: now, Lifetime: time.Hour,
	}
}

func names(c token.Claims) []string { return slices.Sorted(maps.Keys(c)) }

func TestAccessClaimsAreThoseOfTheirKind(t *testing.T) {
	t.Parallel()
	appOnly := []string{"aio", "aud", "exp", "iat", "iss", "nbf", "oid", "rh", "sub", "tid", "uti", "ver"}
	tests := map[string]struct {
		change func(*token.Access)
		want   []string
	}{
		"v2 app-only without roles": {func(*token.Access) {}, append([]string{"azp", "azpacr"}, appOnly...)},
		"v2 app-only with roles":    {func(a *token.Access) { a.Roles = []string{"Orders.Process"} }, append([]string{"azp", "azpacr", "roles"}, appOnly...)},
		"v2 app-only with idtyp": {
			func(a *token.Access) { a.Optional = []directory.OptionalClaim{{Name: "idtyp"}} },
			append([]string{"azp", "azpacr", "idtyp"}, appOnly...),
		},
		"v1 app-only": {func(a *token.Access) { a.Version = 1 }, append([]string{"appid", "appidacr", "idp"}, appOnly...)},
		"v2 delegated": {
			func(a *token.Access) { a.User = alice; a.Scopes = []string{"Orders.Read"} },
			append([]string{"azp", "azpacr", "scp"}, appOnly...),
		},
		"v2 delegated with profile": {
			func(a *token.Access) { a.User = alice; a.Profile = true },
			append([]string{"azp", "azpacr", "name", "preferred_username", "scp"}, appOnly...),
		},
		"a user's token has no idtyp by default": {
			func(a *token.Access) { a.User = alice; a.Optional = []directory.OptionalClaim{{Name: "idtyp"}} },
			append([]string{"azp", "azpacr", "scp"}, appOnly...),
		},
		"idtyp user on request": {
			func(a *token.Access) {
				a.User = alice
				a.Optional = []directory.OptionalClaim{{Name: "idtyp", AdditionalProperties: []string{"include_user_token"}}}
			},
			append([]string{"azp", "azpacr", "idtyp", "scp"}, appOnly...),
		},
		"v1 delegated": {
			func(a *token.Access) { a.User = alice; a.Version = 1 },
			append([]string{"acr", "amr", "appid", "appidacr", "name", "scp", "unique_name", "upn"}, appOnly...),
		},
		"groups": {
			func(a *token.Access) { a.User = alice; a.Groups = []string{"g"} },
			append([]string{"azp", "azpacr", "groups", "scp"}, appOnly...),
		},
		"too many groups": {
			func(a *token.Access) { a.User = alice; a.Groups = make([]string, 201) },
			append([]string{"_claim_names", "_claim_sources", "azp", "azpacr", "scp"}, appOnly...),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := access()
			test.change(&a)
			slices.Sort(test.want)
			require.Equal(t, test.want, names(a.Claims()))
		})
	}
}

func TestAccessClaimValues(t *testing.T) {
	t.Parallel()
	a := access()
	c := a.Claims()
	require.Equal(t, baseURL+"/"+tenant+"/v2.0", c["iss"])
	require.Equal(t, "2.0", c["ver"])
	require.Equal(t, a.ClientObjectID, c["oid"])
	require.Equal(t, a.ClientObjectID, c["sub"])
	require.Equal(t, "1", c["azpacr"])
	require.Equal(t, now.Add(time.Hour).Unix(), c["exp"])
	require.Equal(t, now.Add(-5*time.Minute).Unix(), c["nbf"])
	require.Equal(t, c["nbf"], c["iat"])

	a.Version, a.User, a.Scopes = 1, alice, []string{"Orders.Read", "Orders.Write"}
	c = a.Claims()
	require.Equal(t, "https://sts.windows.net/"+tenant+"/", c["iss"])
	require.Equal(t, "1.0", c["ver"])
	require.Equal(t, "Orders.Read Orders.Write", c["scp"])
	require.Equal(t, alice.ID, c["oid"])
	require.Len(t, c["sub"], 43)
}

func TestSubjectsArePairwise(t *testing.T) {
	t.Parallel()
	require.Equal(t, token.Pairwise(tenant, api, alice.ID), token.Pairwise(tenant, api, alice.ID))
	require.NotEqual(t, token.Pairwise(tenant, api, alice.ID), token.Pairwise(tenant, client, alice.ID))
}

func TestIDClaims(t *testing.T) {
	t.Parallel()
	i := token.ID{BaseURL: baseURL, TenantID: tenant, Version: 2, ClientAppID: client, User: alice, IssuedAt: now, Lifetime: time.Hour}
	plain := i.Claims()
	require.NotContains(t, names(plain), "oid")
	require.NotContains(t, names(plain), "scp")
	require.NotContains(t, names(plain), "nonce")
	i.Profile, i.Email, i.Nonce, i.Code = true, true, "n-1", "the code"
	c := i.Claims()
	require.Equal(t, alice.ID, c["oid"])
	require.Equal(t, alice.UserPrincipalName, c["preferred_username"])
	require.Equal(t, alice.Mail, c["email"])
	require.Equal(t, "n-1", c["nonce"])
	require.Equal(t, client, c["aud"])
	require.Len(t, c["c_hash"], 22)
}

func TestRandomLifetimeStaysInRange(t *testing.T) {
	t.Parallel()
	for range 200 {
		d := token.RandomLifetime()
		require.GreaterOrEqual(t, d, 60*time.Minute)
		require.LessOrEqual(t, d, 90*time.Minute)
	}
}

func newKey(t *testing.T) *directory.SigningKey {
	t.Helper()
	key, err := directory.NewSigningKey(now)
	require.NoError(t, err)
	return key
}

func TestHeadersByVersion(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	header := func(version int) map[string]any {
		a := access()
		a.Version = version
		raw, err := token.Sign(key, a.Claims())
		require.NoError(t, err)
		part, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
		require.NoError(t, err)
		var h map[string]any
		require.NoError(t, json.Unmarshal(part, &h))
		return h
	}
	require.Equal(t, map[string]any{"typ": "JWT", "alg": "RS256", "kid": key.KID}, header(2))
	require.Equal(t, map[string]any{"typ": "JWT", "alg": "RS256", "kid": key.KID, "x5t": key.KID}, header(1))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, stranger := newKey(t), newKey(t)
	verifier := token.Verifier{
		BaseURL: baseURL,
		Key: func(kid string) *directory.SigningKey {
			if kid == key.KID {
				return key
			}
			return nil
		},
		Accepts: func(tid, aud string) bool { return tid == tenant && aud == api },
		Now:     func() time.Time { return now },
	}
	sign := func(k *directory.SigningKey, change func(token.Claims)) string {
		c := access().Claims()
		change(c)
		raw, err := token.Sign(k, c)
		require.NoError(t, err)
		return raw
	}
	good := sign(key, func(token.Claims) {})
	claims, err := verifier.Verify(good)
	require.NoError(t, err)
	require.Equal(t, client, claims.String("azp"))

	forged := *stranger
	forged.KID = key.KID
	parts := strings.Split(good, ".")
	tests := map[string]struct{ raw, want string }{
		"not a token":          {"abc", "verifying token"},
		"no signature":         {parts[0] + "." + parts[1] + ".", "verifying token"},
		"alg none":             {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", "unexpected signature algorithm"},
		"unknown kid":          {sign(stranger, func(token.Claims) {}), "want a published key"},
		"another key's work":   {sign(&forged, func(token.Claims) {}), "verifying token"},
		"another tenant's":     {sign(key, func(c token.Claims) { c["tid"] = client }), "iss"},
		"no tenant":            {sign(key, func(c token.Claims) { delete(c, "tid") }), "iss"},
		"for somebody else":    {sign(key, func(c token.Claims) { c["aud"] = client }), "aud"},
		"expired":              {sign(key, func(c token.Claims) { c["exp"] = now.Add(-6 * time.Minute).Unix() }), "expired"},
		"not yet valid":        {sign(key, func(c token.Claims) { c["nbf"] = now.Add(6 * time.Minute).Unix() }), "valid from"},
		"without expiry":       {sign(key, func(c token.Claims) { delete(c, "exp") }), "exp and nbf"},
		"with a changed claim": {parts[0] + "." + parts[1][:len(parts[1])-4] + "AAAA." + parts[2], "verifying token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verifier.Verify(test.raw)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestClaimsAccessors(t *testing.T) {
	t.Parallel()
	c := token.Claims{"a": "x", "b": []any{"y", 1}, "c": []string{"z"}}
	require.Equal(t, "x", c.String("a"))
	require.Empty(t, c.String("b"))
	require.Equal(t, []string{"y"}, c.Strings("b"))
	require.Equal(t, []string{"z"}, c.Strings("c"))
	require.Empty(t, c.Strings("missing"))
}
