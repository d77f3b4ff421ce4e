package authorize

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// byRoute is what becomes of a token on a route with scopes, on one with roles,
// and on one with both. On a route that is not in the policy it is always
// refused.
type byRoute struct{ scopes, roles, both Reason }

func everywhere(reason Reason) byRoute { return byRoute{reason, reason, reason} }

// encode is base64url of a JSON text.
func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func text(c object) string {
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// duplicate adds a member a second time, in front of what is there.
func duplicate(c object, member string) string {
	return signRaw("{"+member+","+strings.TrimPrefix(text(c), "{"), jose.RS256, key("one"), object{"kid": "one"})
}

// decisions is the decision table: each kind of token on each kind of route.
func decisions(t testing.TB) map[string]struct {
	token string
	want  byRoute
} {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	publicDER, err := x509.MarshalPKIXPublicKey(key("one").Public())
	require.NoError(t, err)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	user, app, kid := userToken(), appToken(), object{"kid": "one"}
	userNeedsScope := byRoute{none, ReasonMissingScope, none}
	appNeedsRole := byRoute{ReasonMissingRole, none, none}
	signed := func(alg jose.SignatureAlgorithm, k any, header object) string {
		return signRaw(text(app), alg, k, header)
	}
	parts := strings.Split(sign(app), ".")
	return map[string]struct {
		token string
		want  byRoute
	}{
		"delegated":                             {sign(user), userNeedsScope},
		"delegated, idtyp user":                 {sign(user.with("idtyp", "user")), userNeedsScope},
		"delegated with the role as a user":     {sign(user.with("roles", []string{"Orders.Export"})), userNeedsScope},
		"delegated, other scope of two":         {sign(user.with("scp", "Orders.Write")), byRoute{none, ReasonMissingScope, ReasonMissingScope}},
		"delegated without a wanted scope":      {sign(user.with("scp", "Profile.Read")), everywhere(ReasonMissingScope)},
		"delegated, the role's name as scope":   {sign(user.with("scp", "Orders.Export")), everywhere(ReasonMissingScope)},
		"delegated, scope in other letter case": {sign(user.with("scp", "orders.read")), everywhere(ReasonMissingScope)},
		"delegated, scope as part of a word":    {sign(user.with("scp", "Orders.Read.All My.Orders.Read")), everywhere(ReasonMissingScope)},
		"delegated, scopes split by a tab":      {sign(user.with("scp", "Orders.Read\tx")), everywhere(ReasonMissingScope)},
		"delegated, a space for a scope":        {sign(user.with("scp", " ")), everywhere(ReasonMissingScope)},
		"delegated, RS384":                      {signRaw(text(user), jose.RS384, key("one"), kid), userNeedsScope},
		"delegated, RS512, the other key":       {signRaw(text(user), jose.RS512, key("two"), object{"kid": "two"}), userNeedsScope},
		"delegated without azp and oid":         {sign(user.without("azp", "oid")), userNeedsScope},
		"delegated without nbf and iat":         {sign(user.without("nbf", "iat")), userNeedsScope},

		"app-only":                               {sign(app), appNeedsRole},
		"app-only, other role of two":            {sign(app.with("roles", []string{"x", "Orders.Import"})), byRoute{ReasonMissingRole, none, ReasonMissingRole}},
		"app-only, wrong role":                   {sign(app.with("roles", []string{"Orders.Archive"})), everywhere(ReasonMissingRole)},
		"app-only, the scope's name as role":     {sign(app.with("roles", []string{"Orders.Read"})), everywhere(ReasonMissingRole)},
		"app-only, role in other letter case":    {sign(app.with("roles", []string{"orders.export"})), everywhere(ReasonMissingRole)},
		"app-only, two roles in one":             {sign(app.with("roles", []string{"Orders.Export Orders.Import"})), everywhere(ReasonMissingRole)},
		"app-only without roles":                 {sign(app.without("roles")), everywhere(ReasonMissingRole)},
		"app-only, no role in the list":          {sign(app.with("roles", []string{})), everywhere(ReasonMissingRole)},
		"app-only, an empty role":                {sign(app.with("roles", []string{""})), everywhere(ReasonMissingRole)},
		"app-only without idtyp":                 {sign(app.without("idtyp")), everywhere(ReasonNotAnAccessToken)},
		"app-only, idtyp App":                    {sign(app.with("idtyp", "App")), everywhere(ReasonNotAnAccessToken)},
		"app-only, idtyp user":                   {sign(app.with("idtyp", "user")), everywhere(ReasonNotAnAccessToken)},
		"app-only with a scope":                  {sign(app.with("scp", "Orders.Read")), everywhere(ReasonNotAnAccessToken)},
		"app-only with an empty scope":           {sign(app.with("scp", "")), everywhere(ReasonNotAnAccessToken)},
		"ID token":                               {sign(idToken()), everywhere(ReasonNotAnAccessToken)},
		"ID token with the role":                 {sign(idToken().with("roles", []string{"Orders.Export"})), everywhere(ReasonNotAnAccessToken)},
		"ID token of the client":                 {sign(idToken().with("aud", spa)), everywhere(ReasonWrongAudience)},
		"delegated, idtyp of another kind":       {sign(user.with("idtyp", "device")), everywhere(ReasonNotAnAccessToken)},
		"delegated, idtyp empty":                 {sign(user.with("idtyp", "")), everywhere(ReasonNotAnAccessToken)},
		"scp is a list":                          {sign(user.with("scp", []string{"Orders.Read"})), everywhere(ReasonNotAnAccessToken)},
		"scp is null":                            {sign(user.with("scp", nil)), everywhere(ReasonNotAnAccessToken)},
		"scp is null, app":                       {sign(app.with("scp", nil)), everywhere(ReasonNotAnAccessToken)},
		"scp is a number":                        {sign(user.with("scp", 1)), everywhere(ReasonNotAnAccessToken)},
		"scp is an object":                       {sign(user.with("scp", object{"Orders.Read": true})), everywhere(ReasonNotAnAccessToken)},
		"scope in place of scp":                  {sign(user.without("scp").with("scope", "Orders.Read")), everywhere(ReasonNotAnAccessToken)},
		"Scp in place of scp":                    {sign(user.without("scp").with("Scp", "Orders.Read")), everywhere(ReasonNotAnAccessToken)},
		"idtyp is a list":                        {sign(app.with("idtyp", []string{"app"})), everywhere(ReasonNotAnAccessToken)},
		"idtyp is null":                          {sign(user.with("idtyp", nil)), everywhere(ReasonNotAnAccessToken)},
		"roles is a string":                      {sign(app.with("roles", "Orders.Export")), everywhere(ReasonNotAnAccessToken)},
		"roles is an object":                     {sign(app.with("roles", object{"Orders.Export": 1})), everywhere(ReasonNotAnAccessToken)},
		"roles is null":                          {sign(app.with("roles", nil)), everywhere(ReasonNotAnAccessToken)},
		"roles holds a number":                   {sign(app.with("roles", []any{"Orders.Export", 1})), everywhere(ReasonNotAnAccessToken)},
		"roles holds a list":                     {sign(app.with("roles", []any{[]string{"Orders.Export"}})), everywhere(ReasonNotAnAccessToken)},
		"a user's roles is a string":             {sign(user.with("roles", "x")), everywhere(ReasonNotAnAccessToken)},
		"oid is a number":                        {sign(user.with("oid", 7)), everywhere(ReasonNotAnAccessToken)},
		"azp is a list":                          {sign(app.with("azp", []string{daemon})), everywhere(ReasonNotAnAccessToken)},
		"v1":                                     {sign(app.with("ver", "1.0").with("iss", "https://sts.windows.net/"+tenant+"/")), everywhere(ReasonWrongIssuer)},
		"v1 of our issuer":                       {sign(app.with("ver", "1.0")), everywhere(ReasonWrongVersion)},
		"version is a number":                    {sign(app.with("ver", 2.0)), everywhere(ReasonWrongVersion)},
		"no version":                             {sign(app.without("ver")), everywhere(ReasonWrongVersion)},
		"other tenant":                           {sign(app.with("tid", alice).with("iss", "https://login.example.com/"+alice+"/v2.0")), everywhere(ReasonWrongIssuer)},
		"other tenant, our issuer":               {sign(app.with("tid", alice)), everywhere(ReasonWrongTenant)},
		"no tenant":                              {sign(app.without("tid")), everywhere(ReasonWrongTenant)},
		"issuer with a slash more":               {sign(app.with("iss", issuer+"/")), everywhere(ReasonWrongIssuer)},
		"issuer in upper case":                   {sign(app.with("iss", strings.ToUpper(issuer))), everywhere(ReasonWrongIssuer)},
		"issuer is a list":                       {sign(app.with("iss", []string{issuer})), everywhere(ReasonWrongIssuer)},
		"no issuer":                              {sign(app.without("iss")), everywhere(ReasonWrongIssuer)},
		"for Microsoft Graph":                    {sign(user.with("aud", "00000003-0000-0000-c000-000000000000")), everywhere(ReasonWrongAudience)},
		"for the API by its URI":                 {sign(user.with("aud", "api://"+api)), everywhere(ReasonWrongAudience)},
		"for two audiences":                      {sign(user.with("aud", []string{api, spa})), everywhere(ReasonWrongAudience)},
		"for a list of one":                      {sign(user.with("aud", []string{api})), everywhere(ReasonWrongAudience)},
		"for nobody":                             {sign(user.without("aud")), everywhere(ReasonWrongAudience)},
		"expired":                                {sign(app.with("exp", start.Add(-time.Second).Unix())), everywhere(ReasonExpired)},
		"expires now":                            {sign(app.with("exp", start.Unix())), everywhere(ReasonExpired)},
		"expires in a second":                    {sign(app.with("exp", start.Unix()+1)), appNeedsRole},
		"expired long ago":                       {sign(app.with("exp", -math.MaxFloat32)), everywhere(ReasonExpired)},
		"never expires":                          {sign(app.without("exp")), everywhere(ReasonMalformed)},
		"exp is a string":                        {sign(app.with("exp", "9999999999")), everywhere(ReasonMalformed)},
		"exp is null":                            {sign(app.with("exp", nil)), everywhere(ReasonMalformed)},
		"nbf is now":                             {sign(app.with("nbf", start.Unix())), appNeedsRole},
		"nbf is in a second":                     {sign(app.with("nbf", start.Unix()+1)), everywhere(ReasonNotYetValid)},
		"nbf is a string":                        {sign(app.with("nbf", "0")), everywhere(ReasonMalformed)},
		"nbf is null":                            {sign(app.with("nbf", nil)), everywhere(ReasonMalformed)},
		"iat is in a second":                     {sign(app.with("iat", start.Unix()+1)), everywhere(ReasonIssuedInFuture)},
		"iat is true":                            {sign(app.with("iat", true)), everywhere(ReasonMalformed)},
		"alg none":                               {encode(`{"alg":"none","kid":"one"}`) + "." + parts[1] + ".", everywhere(ReasonAlgorithm)},
		"alg None with the signature":            {encode(`{"alg":"None","kid":"one"}`) + "." + parts[1] + "." + parts[2], everywhere(ReasonAlgorithm)},
		"alg none after a real one":              {encode(`{"alg":"RS256","kid":"one"}`) + "." + parts[1] + ".", everywhere(ReasonSignature)},
		"no alg":                                 {encode(`{"kid":"one"}`) + "." + parts[1] + "." + parts[2], everywhere(ReasonAlgorithm)},
		"alg is a list":                          {encode(`{"alg":["RS256"],"kid":"one"}`) + "." + parts[1] + "." + parts[2], everywhere(ReasonAlgorithm)},
		"HS256 with the public key":              {signed(jose.HS256, publicPEM, kid), everywhere(ReasonAlgorithm)},
		"HS512 with the public key":              {signed(jose.HS512, publicPEM, kid), everywhere(ReasonAlgorithm)},
		"ES256":                                  {signed(jose.ES256, ec, kid), everywhere(ReasonAlgorithm)},
		"PS256":                                  {signed(jose.PS256, key("one"), kid), everywhere(ReasonAlgorithm)},
		"no kid":                                 {signed(jose.RS256, key("one"), object{}), everywhere(ReasonUnknownKey)},
		"kid is empty":                           {encode(`{"alg":"RS256","kid":""}`) + "." + parts[1] + "." + parts[2], everywhere(ReasonUnknownKey)},
		"kid is a number":                        {encode(`{"alg":"RS256","kid":1}`) + "." + parts[1] + "." + parts[2], everywhere(ReasonMalformed)},
		"unknown kid":                            {signed(jose.RS256, key("stranger"), object{"kid": "stranger"}), everywhere(ReasonUnknownKey)},
		"kid with spaces around":                 {signed(jose.RS256, key("one"), object{"kid": " one "}), everywhere(ReasonUnknownKey)},
		"kid of the other key":                   {signed(jose.RS256, key("one"), object{"kid": "two"}), everywhere(ReasonSignature)},
		"a stranger's signature":                 {signed(jose.RS256, key("stranger"), kid), everywhere(ReasonSignature)},
		"a stranger's key within":                {signed(jose.RS256, key("stranger"), object{"kid": "one", "jwk": jose.JSONWebKey{Key: key("stranger").Public()}}), everywhere(ReasonSignature)},
		"a key of elsewhere":                     {signed(jose.RS256, key("stranger"), object{"kid": "one", "jku": "https://evil.example.com/keys"}), everywhere(ReasonSignature)},
		"a critical extension":                   {signed(jose.RS256, key("one"), object{"kid": "one", "crit": []string{"exp"}, "exp": 1}), everywhere(ReasonSignature)},
		"no signature":                           {parts[0] + "." + parts[1] + ".", everywhere(ReasonSignature)},
		"half a signature":                       {parts[0] + "." + parts[1] + "." + parts[2][:100], everywhere(ReasonSignature)},
		"another's claims":                       {parts[0] + "." + strings.Split(sign(user), ".")[1] + "." + parts[2], everywhere(ReasonSignature)},
		"two tokens":                             {sign(app) + "," + sign(app), everywhere(ReasonMalformed)},
		"two tokens with schemes":                {sign(app) + ",Bearer " + sign(app), everywhere(ReasonMalformed)},
		"a space in front":                       {" " + sign(app), everywhere(ReasonMalformed)},
		"a space behind":                         {sign(app) + " ", everywhere(ReasonMalformed)},
		"a line break within":                    {parts[0] + ".\n" + parts[1] + "." + parts[2], everywhere(ReasonMalformed)},
		"padding":                                {parts[0] + "=." + parts[1] + "." + parts[2], everywhere(ReasonMalformed)},
		"two segments":                           {parts[0] + "." + parts[1], everywhere(ReasonMalformed)},
		"four segments":                          {sign(app) + ".x", everywhere(ReasonMalformed)},
		"five segments, encrypted":               {"e30.e30.e30.e30.e30", everywhere(ReasonMalformed)},
		"JSON form":                              {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, everywhere(ReasonMalformed)},
		"garbage":                                {"garbage", everywhere(ReasonMalformed)},
		"dots":                                   {"..", everywhere(ReasonAlgorithm)},
		"a header that is no JSON":               {encode("x") + "." + parts[1] + "." + parts[2], everywhere(ReasonMalformed)},
		"a member twice in the header":           {encode(`{"alg":"RS256","kid":"one","kid":"one"}`) + "." + parts[1] + "." + parts[2], everywhere(ReasonMalformed)},
		"claims that are a list":                 {signRaw("[]", jose.RS256, key("one"), kid), everywhere(ReasonMalformed)},
		"claims that are null":                   {signRaw("null", jose.RS256, key("one"), kid), everywhere(ReasonMalformed)},
		"claims that are no JSON":                {signRaw("x", jose.RS256, key("one"), kid), everywhere(ReasonMalformed)},
		"claims with more behind":                {signRaw(text(app)+"{}", jose.RS256, key("one"), kid), everywhere(ReasonMalformed)},
		"exp out of range":                       {signRaw(strings.Replace(text(app), `"exp":`, `"exp":1e999,"x":`, 1), jose.RS256, key("one"), kid), everywhere(ReasonMalformed)},
		"aud twice":                              {duplicate(user, `"aud":"`+spa+`"`), everywhere(ReasonMalformed)},
		"scp twice":                              {duplicate(user, `"scp":"x"`), everywhere(ReasonMalformed)},
		"scp twice, escaped once":                {duplicate(user, `"\u0073cp":"x"`), everywhere(ReasonMalformed)},
		"roles twice":                            {duplicate(app, `"roles":["Orders.Archive"]`), everywhere(ReasonMalformed)},
		"idtyp twice":                            {duplicate(app, `"idtyp":"user"`), everywhere(ReasonMalformed)},
		"a member twice where nobody looks":      {duplicate(app, `"x":{"y":{"z":1,"z":1}}`), everywhere(ReasonMalformed)},
		"names that differ in letter case alone": {duplicate(app, `"ROLES":["Orders.Archive"],"Scp":"x"`), appNeedsRole},
	}
}

func TestDecisionTable(t *testing.T) {
	t.Parallel()
	for name, tt := range decisions(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for route, want := range map[string]Reason{
				scopes: tt.want.scopes, roles: tt.want.roles, both: tt.want.both,
				unlisted: ReasonUnknownRoute, "": ReasonUnknownRoute, "get /both": ReasonUnknownRoute,
			} {
				w := newWorld(t)
				answer, reason := w.call(t, tt.token, route)
				require.Equal(t, want, reason, "on %q", route)
				if want != none {
					raw, err := json.Marshal(answer)
					require.NoError(t, err)
					require.JSONEq(t, `{"isAuthorized":false}`, string(raw))
				}
				w.requireDiscreetLog(t, tt.token, route, want)
			}
		})
	}
}

// isSigned reports whether a published key signed the token.
func isSigned(token string) bool {
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return false
	}
	for _, id := range []string{"one", "two"} {
		if _, err := signed.Verify(key(id).Public()); err == nil {
			return true
		}
	}
	return false
}

// requireDiscreetLog wants one line, with ids of verified tokens only.
func (w *world) requireDiscreetLog(t *testing.T, token, route string, want Reason) {
	t.Helper()
	require.Equal(t, 1, strings.Count(w.log.String(), "\n"), w.log.String())
	require.NotContains(t, w.log.String(), token)
	for _, secret := range append(strings.Split(token, "."), "pairwise", "Alice", "evil") {
		if len(secret) > 3 {
			require.NotContains(t, w.log.String(), secret)
		}
	}
	var line map[string]string
	require.NoError(t, json.Unmarshal(w.log.Bytes(), &line))
	require.Equal(t, "request-1", line["requestId"])
	require.Equal(t, route, line["routeKey"])
	require.Equal(t, string(want), line["reason"])
	level, message := "WARN", "refused"
	if want == none {
		level, message = "DEBUG", "allowed"
	}
	require.Equal(t, level, line["level"])
	require.Equal(t, message, line["msg"])
	for name := range line {
		require.Contains(t, []string{"time", "level", "msg", "requestId", "routeKey", "reason", "by", "azp", "oid", "tid"}, name)
		if name == "azp" || name == "oid" || name == "tid" {
			require.True(t, isSigned(token), "%s in %s", name, w.log.String())
		}
	}
}
