package edge_test

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge"
)

// authorizer is the one that every test of Decide uses.
func authorizer() *edge.Authorizer {
	return &edge.Authorizer{
		Issuer: issuer, Audience: []string{audience, "api://orders"}, Keys: publicKeys(),
		Now: func() time.Time { return start },
	}
}

func header(changes map[string]any) map[string]any {
	h := map[string]any{"typ": "JWT", "alg": "RS256", "kid": "key-1"}
	for name, value := range changes {
		if value == nil {
			delete(h, name)
			continue
		}
		h[name] = value
	}
	return h
}

func withHeader(changes map[string]any) string {
	return mintWith(header(changes), goodClaims(), "key-1", crypto.SHA256)
}

func TestTokensAreRefused(t *testing.T) {
	t.Parallel()
	good := mint(goodClaims())
	parts := strings.Split(good, ".")
	now := start.Unix()
	for name, test := range map[string]struct {
		token       string
		reason      edge.Reason
		description string
	}{
		"empty":                    {"", edge.ReasonMalformed, "token contains an invalid number of segments"},
		"one segment":              {"abc", edge.ReasonMalformed, "token contains an invalid number of segments"},
		"two segments":             {parts[0] + "." + parts[1], edge.ReasonMalformed, "token contains an invalid number of segments"},
		"four segments":            {good + ".x", edge.ReasonMalformed, "token contains an invalid number of segments"},
		"five segments, as JWE":    {"a.b.c.d.e", edge.ReasonMalformed, "token contains an invalid number of segments"},
		"three empty segments":     {"..", edge.ReasonMalformed, "token is malformed"},
		"the word Bearer twice":    {"Bearer " + good, edge.ReasonMalformed, "token is malformed"},
		"padding":                  {parts[0] + "=." + parts[1] + "." + parts[2], edge.ReasonMalformed, "token is malformed"},
		"standard base64":          {"+/+/." + parts[1] + "." + parts[2], edge.ReasonMalformed, "token is malformed"},
		"a line break":             {parts[0] + "\n." + parts[1] + "." + parts[2], edge.ReasonMalformed, "token is malformed"},
		"a header that is no JSON": {segment("{") + "." + parts[1] + "." + parts[2], edge.ReasonMalformed, "token is malformed"},
		"a null header":            {segment("null") + "." + parts[1] + "." + parts[2], edge.ReasonMalformed, "token is malformed"},
		"data after the header":    {segment(`{"alg":"RS256","kid":"key-1"} 1`) + "." + parts[1] + "." + parts[2], edge.ReasonMalformed, "token is malformed"},
		"claims that are an array": {mint("[]"), edge.ReasonMalformed, "token is malformed"},
		"null claims":              {mint("null"), edge.ReasonMalformed, "token is malformed"},
		"critical extensions":      {withHeader(map[string]any{"crit": []string{"b64"}, "b64": false}), edge.ReasonMalformed, "token is malformed"},

		"no algorithm":            {withHeader(map[string]any{"alg": nil}), edge.ReasonAlgorithm, "signing method (alg) is unspecified."},
		"a number as algorithm":   {withHeader(map[string]any{"alg": 256}), edge.ReasonAlgorithm, "signing method (alg) is unspecified."},
		"none":                    {segment(header(map[string]any{"alg": "none"})) + "." + parts[1] + ".", edge.ReasonAlgorithm, "signing method none is invalid"},
		"None in upper case":      {withHeader(map[string]any{"alg": "NONE"}), edge.ReasonAlgorithm, "signing method (alg) is unavailable."},
		"rs256 in lower case":     {withHeader(map[string]any{"alg": "rs256"}), edge.ReasonAlgorithm, "signing method (alg) is unavailable."},
		"HS256":                   {withHeader(map[string]any{"alg": "HS256"}), edge.ReasonAlgorithm, "signing method HS256 is invalid"},
		"ES256":                   {withHeader(map[string]any{"alg": "ES256"}), edge.ReasonAlgorithm, "signing method ES256 is invalid"},
		"PS256":                   {withHeader(map[string]any{"alg": "PS256"}), edge.ReasonAlgorithm, "signing method PS256 is invalid"},
		"EdDSA":                   {withHeader(map[string]any{"alg": "EdDSA"}), edge.ReasonAlgorithm, "signing method EdDSA is invalid"},
		"an algorithm of its own": {withHeader(map[string]any{"alg": "x\" injected=\"1"}), edge.ReasonAlgorithm, "signing method (alg) is unavailable."},

		"no key id":              {withHeader(map[string]any{"kid": nil}), edge.ReasonUnknownKey, "the token does not have a key id"},
		"an empty key id":        {withHeader(map[string]any{"kid": ""}), edge.ReasonUnknownKey, "the token does not have a key id"},
		"a number as key id":     {withHeader(map[string]any{"kid": 1}), edge.ReasonUnknownKey, "the token does not have a key id"},
		"an unknown key id":      {withHeader(map[string]any{"kid": "key-9"}), edge.ReasonUnknownKey, "the key id of the token does not match any key of the issuer"},
		"a key id in upper case": {withHeader(map[string]any{"kid": "KEY-1"}), edge.ReasonUnknownKey, "the key id of the token does not match any key of the issuer"},

		"another key's id":         {withHeader(map[string]any{"kid": "key-2"}), edge.ReasonSignature, "crypto/rsa: verification error"},
		"another issuer's key":     {mintWith(header(nil), goodClaims(), "key-of-another-issuer", crypto.SHA256), edge.ReasonSignature, "crypto/rsa: verification error"},
		"another hash":             {mintWith(header(nil), goodClaims(), "key-1", crypto.SHA384), edge.ReasonSignature, "crypto/rsa: verification error"},
		"no signature":             {parts[0] + "." + parts[1] + ".", edge.ReasonSignature, "crypto/rsa: verification error"},
		"a truncated signature":    {good[:len(good)-4], edge.ReasonSignature, "crypto/rsa: verification error"},
		"other claims":             {parts[0] + "." + segment(but(map[string]any{"sub": "eve"})) + "." + parts[2], edge.ReasonSignature, "crypto/rsa: verification error"},
		"a key in the header only": {mintWith(header(map[string]any{"jwk": map[string]any{"kty": "RSA"}}), goodClaims(), "key-2", crypto.SHA256), edge.ReasonSignature, "crypto/rsa: verification error"},

		"expired":                   {mint(but(map[string]any{"exp": now - 1})), edge.ReasonExpired, "the token has expired"},
		"expires now":               {mint(but(map[string]any{"exp": now})), edge.ReasonExpired, "the token has expired"},
		"expires within the second": {mint(but(map[string]any{"exp": float64(now) + 0.5})), edge.ReasonExpired, "the token has expired"},
		"no expiry":                 {mint(but(map[string]any{"exp": nil})), edge.ReasonExpired, "the token has expired"},
		"expiry is text":            {mint(but(map[string]any{"exp": "1999999999"})), edge.ReasonExpired, "the token has expired"},
		"expiry is negative":        {mint(but(map[string]any{"exp": -1})), edge.ReasonExpired, "the token has expired"},
		"expiry is null":            {mint(`{"iss":"` + issuer + `","aud":"` + audience + `","exp":null}`), edge.ReasonExpired, "the token has expired"},
		"expiry is out of range":    {mint(`{"iss":"` + issuer + `","aud":"` + audience + `","exp":1e999}`), edge.ReasonExpired, "the token has expired"},
		"expiry in another case":    {mint(but(map[string]any{"exp": nil, "Exp": now + 60})), edge.ReasonExpired, "the token has expired"},
		"not valid before a second": {mint(but(map[string]any{"nbf": now + 1})), edge.ReasonNotYetValid, "the token is not valid yet"},
		"not before is text":        {mint(but(map[string]any{"nbf": "0"})), edge.ReasonNotYetValid, "the token is not valid yet"},
		"issued in a second":        {mint(but(map[string]any{"iat": now + 1})), edge.ReasonIssuedInFuture, "the token was issued in the future"},
		"issued at is text":         {mint(but(map[string]any{"iat": "0"})), edge.ReasonIssuedInFuture, "the token was issued in the future"},

		"another tenant":          {mint(but(map[string]any{"iss": strings.Replace(issuer, "1111", "3333", 1)})), edge.ReasonIssuer, "the token does not have a valid issuer"},
		"a v1 issuer":             {mint(but(map[string]any{"iss": "https://sts.windows.net/11111111-1111-1111-1111-111111111111/"})), edge.ReasonIssuer, "the token does not have a valid issuer"},
		"a slash more":            {mint(but(map[string]any{"iss": issuer + "/"})), edge.ReasonIssuer, "the token does not have a valid issuer"},
		"an issuer in upper case": {mint(but(map[string]any{"iss": strings.ToUpper(issuer)})), edge.ReasonIssuer, "the token does not have a valid issuer"},
		"no issuer":               {mint(but(map[string]any{"iss": nil})), edge.ReasonIssuer, "the token does not have a valid issuer"},
		"issuers in an array":     {mint(but(map[string]any{"iss": []string{issuer}})), edge.ReasonIssuer, "the token does not have a valid issuer"},

		"Microsoft Graph's audience":       {mint(but(map[string]any{"aud": "00000003-0000-0000-c000-000000000000"})), edge.ReasonAudience, "the token does not have a valid audience"},
		"no audience and no client id":     {mint(but(map[string]any{"aud": nil})), edge.ReasonAudience, "the token does not have a valid audience"},
		"an empty audience":                {mint(but(map[string]any{"aud": ""})), edge.ReasonAudience, "the token does not have a valid audience"},
		"no audience in the array":         {mint(but(map[string]any{"aud": []string{}})), edge.ReasonAudience, "the token does not have a valid audience"},
		"other audiences in the array":     {mint(but(map[string]any{"aud": []string{"a", "b"}})), edge.ReasonAudience, "the token does not have a valid audience"},
		"a number among the audiences":     {mint(but(map[string]any{"aud": []any{audience, 1}})), edge.ReasonAudience, "the token does not have a valid audience"},
		"client id beside another aud":     {mint(but(map[string]any{"aud": "x", "client_id": audience})), edge.ReasonAudience, "the token does not have a valid audience"},
		"client id beside a null aud":      {mint(`{"iss":"` + issuer + `","aud":null,"client_id":"` + audience + `","exp":1999999999}`), edge.ReasonAudience, "the token does not have a valid audience"},
		"another client id":                {mint(but(map[string]any{"aud": nil, "client_id": "x"})), edge.ReasonAudience, "the token does not have a valid audience"},
		"client ids in an array":           {mint(but(map[string]any{"aud": nil, "client_id": []string{audience}})), edge.ReasonAudience, "the token does not have a valid audience"},
		"azp is not client id":             {mint(but(map[string]any{"aud": nil, "azp": audience})), edge.ReasonAudience, "the token does not have a valid audience"},
		"an audience with a space":         {mint(but(map[string]any{"aud": audience + " "})), edge.ReasonAudience, "the token does not have a valid audience"},
		"a duplicate audience, last wrong": {mint(`{"iss":"` + issuer + `","exp":1999999999,"aud":"` + audience + `","aud":"x"}`), edge.ReasonAudience, "the token does not have a valid audience"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, refusal := authorizer().Decide(test.token, nil)
			require.NotNil(t, refusal)
			require.Nil(t, claims)
			require.Equal(t, 401, refusal.Status)
			require.Equal(t, test.reason, refusal.Reason)
			require.Equal(t, "invalid_token", refusal.Error)
			require.Equal(t, test.description, refusal.Description)
			require.Equal(t, `Bearer scope="" error="invalid_token" error_description="`+test.description+`"`, refusal.Challenge())
			require.Equal(t, "invalid_token: "+test.description, refusal.LogError())
		})
	}
}

func TestTokensAreLetThrough(t *testing.T) {
	t.Parallel()
	now := start.Unix()
	for name, token := range map[string]string{
		"RS256":                        mint(goodClaims()),
		"RS384":                        mintWith(header(map[string]any{"alg": "RS384"}), goodClaims(), "key-1", crypto.SHA384),
		"RS512":                        mintWith(header(map[string]any{"alg": "RS512"}), goodClaims(), "key-1", crypto.SHA512),
		"the second key":               mintWith(header(map[string]any{"kid": "key-2"}), goodClaims(), "key-2", crypto.SHA256),
		"no typ":                       withHeader(map[string]any{"typ": nil}),
		"another typ":                  withHeader(map[string]any{"typ": "at+jwt"}),
		"a float expiry":               mint(but(map[string]any{"exp": float64(now) + 1.9})),
		"an expiry with an exponent":   mint(`{"iss":"` + issuer + `","aud":"` + audience + `","exp":1.9e10}`),
		"a far expiry":                 mint(but(map[string]any{"exp": math.MaxInt64})),
		"not before now":               mint(but(map[string]any{"nbf": now})),
		"not before within the second": mint(but(map[string]any{"nbf": float64(now) + 0.9})),
		"issued now":                   mint(but(map[string]any{"iat": now})),
		"neither nbf nor iat":          mint(but(map[string]any{"nbf": nil, "iat": nil})),
		"the other audience":           mint(but(map[string]any{"aud": "api://orders"})),
		"one audience of several":      mint(but(map[string]any{"aud": []string{"x", audience}})),
		"client id without aud":        mint(but(map[string]any{"aud": nil, "client_id": audience})),
		"an ID token":                  mint(but(map[string]any{"scp": nil, "nonce": "n"})),
		"roles and no scope":           mint(but(map[string]any{"scp": nil, "roles": []string{"Orders.All"}})),
		"a duplicate, last right":      mint(`{"iss":"` + issuer + `","exp":1999999999,"aud":"x","aud":"` + audience + `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, refusal := authorizer().Decide(token, nil)
			require.Nil(t, refusal)
			require.Equal(t, issuer, claims["iss"])
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claims  map[string]any
		route   string
		allowed bool
	}{
		"one of the token's":              {map[string]any{"scp": "Orders.Read Orders.Write"}, "Orders.Write", true},
		"one of the route's":              {map[string]any{"scp": "Orders.Read"}, "Orders.Write Orders.Read", true},
		"an array":                        {map[string]any{"scp": []string{"a", "Orders.Read"}}, "Orders.Read", true},
		"scope as text":                   {map[string]any{"scp": nil, "scope": "Orders.Read"}, "Orders.Read", true},
		"scope as an array":               {map[string]any{"scp": nil, "scope": []string{"Orders.Read"}}, "Orders.Read", true},
		"scp counts before scope":         {map[string]any{"scp": "Orders.Read", "scope": "Other"}, "Orders.Read", true},
		"several spaces":                  {map[string]any{"scp": "  a   Orders.Read "}, "Orders.Read", true},
		"text among other things":         {map[string]any{"scp": []any{1, nil, "Orders.Read"}}, "Orders.Read", true},
		"none in common":                  {map[string]any{"scp": "Orders.Read"}, "Orders.Write", false},
		"a longer scope":                  {map[string]any{"scp": "Orders.ReadAll"}, "Orders.Read", false},
		"a shorter scope":                 {map[string]any{"scp": "Orders.Read"}, "Orders.ReadAll", false},
		"another case":                    {map[string]any{"scp": "orders.read"}, "Orders.Read", false},
		"the full name":                   {map[string]any{"scp": "api://orders/Orders.Read"}, "Orders.Read", false},
		"the bare name":                   {map[string]any{"scp": "Orders.Read"}, "api://orders/Orders.Read", false},
		"no scope at all":                 {map[string]any{"scp": nil}, "Orders.Read", false},
		"only roles":                      {map[string]any{"scp": nil, "roles": []string{"Orders.Read"}}, "Orders.Read", false},
		"an empty scp":                    {map[string]any{"scp": ""}, "Orders.Read", false},
		"an empty array":                  {map[string]any{"scp": []string{}}, "Orders.Read", false},
		"a wrong scp beside a good scope": {map[string]any{"scp": "Other", "scope": "Orders.Read"}, "Orders.Read", false},
		"an empty scp beside a scope":     {map[string]any{"scp": "", "scope": "Orders.Read"}, "Orders.Read", false},
		"commas":                          {map[string]any{"scp": "Orders.Read,Orders.Write"}, "Orders.Read", false},
		"two scopes in one element":       {map[string]any{"scp": []string{"Orders.Read Orders.Write"}}, "Orders.Read", false},
		"a number":                        {map[string]any{"scp": 1}, "1", false},
		"an object":                       {map[string]any{"scp": map[string]any{"Orders.Read": true}}, "Orders.Read", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, refusal := authorizer().Decide(mint(but(test.claims)), strings.Fields(test.route))
			require.NotNil(t, claims)
			if test.allowed {
				require.Nil(t, refusal)
				return
			}
			require.NotNil(t, refusal)
			require.Equal(t, 403, refusal.Status)
			require.Equal(t, edge.ReasonScope, refusal.Reason)
			require.Equal(t, "insufficient_scope", refusal.Error)
			require.True(t, strings.HasPrefix(refusal.Challenge(), `Bearer scope="`+test.route+`" error="insufficient_scope"`), refusal.Challenge())
		})
	}
}

func TestTheZeroAuthorizerRefusesEverything(t *testing.T) {
	t.Parallel()
	_, refusal := new(edge.Authorizer).Decide(mint(goodClaims()), nil)
	require.Equal(t, edge.ReasonKeySet, refusal.Reason)
	_, refusal = (&edge.Authorizer{Keys: publicKeys()}).Decide(mint(goodClaims()), nil)
	require.NotNil(t, refusal)
}

// failingSource is a [edge.KeySource] that fails.
type failingSource struct{ err error }

func (f failingSource) Key(string, string) (*rsa.PublicKey, error) { return nil, f.err }

func TestKeyLookupsThatFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err         error
		reason      edge.Reason
		description string
	}{
		"discovery":      {edge.ErrDiscovery, edge.ReasonDiscovery, "OIDC discovery endpoint communication error"},
		"key set":        {edge.ErrKeySet, edge.ReasonKeySet, "JWKS communication error"},
		"another issuer": {&edge.IssuerMismatchError{Want: "a", Got: "b"}, edge.ReasonDiscovery, "the issuer in the OIDC discovery endpoint does not match the issuer of the authorizer"},
		"anything else":  {errors.New("boom"), edge.ReasonKeySet, "JWKS communication error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := authorizer()
			a.Keys = failingSource{test.err}
			_, refusal := a.Decide(mint(goodClaims()), nil)
			require.Equal(t, test.reason, refusal.Reason)
			require.Equal(t, test.description, refusal.Description)
			require.ErrorIs(t, refusal.Cause, test.err)
		})
	}
}

func TestAllowListBeatsTheKeyLookup(t *testing.T) {
	t.Parallel()
	a := authorizer()
	a.Keys = failingSource{edge.ErrDiscovery}
	_, refusal := a.Decide(withHeader(map[string]any{"alg": "HS256"}), nil)
	require.Equal(t, edge.ReasonAlgorithm, refusal.Reason, "no key is fetched for an algorithm that is not allowed")
}

func TestClaimsAsText(t *testing.T) {
	t.Parallel()
	claims, refusal := authorizer().Decide(mint(`{"iss":"`+issuer+`","aud":"`+audience+`","exp":1995859202,
		"text":"a b","float":1.5,"big":9007199254740993,"yes":true,"none":null,"list":["Orders.Admin","Orders.Read"],
		"mixed":["a",1,true,null,["b"]],"empty":[],"object":{"b":1,"a":["x"]},"html":"<&>","blank":""}`), nil)
	require.Nil(t, refusal)
	for name, want := range map[string]string{
		"exp": "1995859202", "text": "a b", "float": "1.5", "big": "9007199254740993", "yes": "true",
		"list": "[Orders.Admin Orders.Read]", "mixed": `[a 1 true null ["b"]]`, "empty": "[]", "object": `{"a":["x"],"b":1}`, "html": "<&>", "blank": "",
	} {
		got, ok := claims.Text(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"none", "nope"} {
		_, ok := claims.Text(name)
		require.False(t, ok, name)
	}
}

func FuzzDecide(f *testing.F) {
	good := mint(goodClaims())
	f.Add(good)
	f.Add("..")
	f.Add("Bearer " + good)
	f.Add(segment(header(map[string]any{"alg": "none"})) + "." + segment(goodClaims()) + ".")
	f.Add(good + "." + base64.RawURLEncoding.EncodeToString([]byte("x")))
	signed := good[:strings.LastIndex(good, ".")]
	f.Fuzz(func(t *testing.T, token string) {
		claims, refusal := authorizer().Decide(token, nil)
		if refusal == nil {
			// Whoever has no key can only repeat what was signed.
			require.True(t, strings.HasPrefix(token, signed+"."), token)
			require.Equal(t, issuer, claims["iss"])
			return
		}
		require.Nil(t, claims)
		require.Equal(t, 401, refusal.Status)
		require.NotContains(t, refusal.Description, `"`, "a token must not write into the challenge")
		require.NotContains(t, refusal.Challenge(), "\n")
	})
}
