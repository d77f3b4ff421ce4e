package access

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits that Entra and API Gateway set.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
// https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation
//
// That of a scope on a route is StringWithLengthBetween1And64, what the members
// of AuthorizationScopes are in AWS's service model, apigatewayv2/2018-11-29.
// https://github.com/aws/aws-sdk-go/blob/main/models/apis/apigatewayv2/2018-11-29/api-2.json
const (
	MaxRoutes           = 300 // of an API; AWS raises it on request
	MaxBackends         = 300 // integrations of an API
	MaxScopesPerRoute   = 10
	MaxScopeOnRoute     = 64            // characters of a scope value that a route asks for
	MaxValueLength      = 120           // characters of a scope or role value
	MaxDisplayName      = 120           // characters of an application's name
	MaxRedirectURIs     = 256           // of one application
	MaxRedirectURI      = 256           // characters
	MaxThrottleRate     = 1_000_000_000 // requests per second: ours, AWS documents none
	MaxThrottleBurst    = math.MaxInt32 // ThrottlingBurstLimit has 32 bits in AWS's service model
	MinTimeoutMillis    = 50
	MaxTimeoutMillis    = 30000
	MaxDecisionCache    = 3600 // seconds that a Lambda authorizer's decision is kept
	maxBackendURL       = 2048 // characters of an integration's URI
	maxNameLength       = 40   // ours: names are part of resource names
	maxTitleLength      = 100  // of a consent title: not documented, a guess from what the portal accepts
	maxDescriptionRunes = 1000 // likewise
)

// ValidateOptions says how strict [Model.Validate] is where environments
// differ. The zero value is for production.
type ValidateOptions struct {
	// AllowLocalhost accepts localhost redirect URIs of spa and web clients.
	// Those of native clients are always accepted: they are how a desktop
	// application gets its answer from the browser (RFC 8252, section 7.3).
	AllowLocalhost bool
	// OutboundIssuer is that of the account's outbound identity federation, if it
	// is known: what credentials of AWS roles name as iss.
	OutboundIssuer string
}

// Validate returns nil, or [Problems] with everything that Entra or API Gateway
// would refuse and everything that would leave a route without a decision.
func (m Model) Validate(o ValidateOptions) error {
	v := validator{model: m, options: o}
	v.scopes()
	v.roles()
	v.clients()
	v.backends()
	v.routes()
	v.assignment()
	v.decisionCache()
	if len(v.problems) == 0 {
		return nil
	}
	return v.problems
}

type validator struct {
	model    Model
	options  ValidateOptions
	problems Problems
}

func (v *validator) add(path, message, got, want string) { v.problems.add(path, message, got, want) }

// at builds a path such as "routes[3].scopes[0]" from its parts.
func at(parts ...any) string {
	var b strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", part)
		case string:
			if b.Len() > 0 {
				b.WriteString(".")
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

func (v *validator) scopes() {
	seen := map[string]string{}
	for i, s := range v.model.Scopes {
		v.value(at("scopes", i, "value"), s.Value, seen)
		v.text(at("scopes", i, "title"), s.Title, true, maxTitleLength)
		v.text(at("scopes", i, "description"), s.Description, false, maxDescriptionRunes)
		v.enum(at("scopes", i, "consent"), "consent", string(s.Consent), string(ConsentAdmin), string(ConsentUser))
		v.enum(at("scopes", i, "state"), "state", string(s.State), string(StateActive), string(StateRetired))
	}
}

// roles share one namespace with scopes: Entra accepts a role with the value of
// a scope only if they also share id, texts and state.
func (v *validator) roles() {
	seen := map[string]string{}
	for i, s := range v.model.Scopes {
		if key := strings.ToLower(s.Value); seen[key] == "" {
			seen[key] = at("scopes", i, "value")
		}
	}
	for i, r := range v.model.Roles {
		v.value(at("roles", i, "value"), r.Value, seen)
		v.text(at("roles", i, "title"), r.Title, true, maxTitleLength)
		v.text(at("roles", i, "description"), r.Description, false, maxDescriptionRunes)
		v.enum(at("roles", i, "state"), "state", string(r.State), string(StateActive), string(StateRetired))
	}
}

// reserved are the scopes of OpenID Connect, which are never an API's own.
// https://learn.microsoft.com/entra/identity-platform/scopes-oidc
var reserved = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// value checks a scope or role value. seen maps values in lower case to where
// they are declared: values that differ in case only would be told apart by API
// Gateway but hardly by people.
//
// The characters are those of Microsoft Graph's permissionScope; the
// azuread provider also refuses a leading dot.
// https://learn.microsoft.com/graph/api/resources/permissionscope
func (v *validator) value(path, value string, seen map[string]string) {
	const want = "a name such as \"Orders.Read\""
	if value == "" {
		v.add(path, "missing value", "", want)
		return
	}
	if n := utf8.RuneCountInString(value); n > MaxValueLength {
		v.add(path, "value is too long", value, fmt.Sprintf("at most %d characters, not %d", MaxValueLength, n))
	}
	if i := strings.IndexFunc(value, func(r rune) bool { return !isValueRune(r) }); i >= 0 {
		v.add(path, "character not allowed in a value", value,
			"letters, digits and punctuation other than quotes and backslashes, without spaces")
	}
	if strings.HasPrefix(value, ".") {
		v.add(path, "value begins with a dot", value, want)
	}
	key := strings.ToLower(value)
	if slices.Contains(reserved, key) {
		v.add(path, "value is reserved by OpenID Connect", value, want)
	}
	if first, ok := seen[key]; ok {
		v.add(path, "value is declared twice", value, "another value than "+first+", in more than letter case")
		return
	}
	seen[key] = path
}

func isValueRune(r rune) bool {
	return r > ' ' && r < 0x7f && r != '"' && r != '\\'
}

// text checks a text that people read.
func (v *validator) text(path, text string, required bool, longest int) {
	if strings.TrimSpace(text) == "" {
		if required {
			v.add(path, "missing text", text, "a few words, shown where consent is given")
		} else if text != "" {
			v.add(path, "blank text", text, "words, or nothing")
		}
		return
	}
	if n := utf8.RuneCountInString(text); n > longest {
		v.add(path, "text is too long", text, fmt.Sprintf("at most %d characters, not %d", longest, n))
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		v.add(path, "text has control characters", text, "one line of text")
	}
}

// enum checks a value that may be left out.
func (v *validator) enum(path, what, got string, allowed ...string) {
	if got != "" && !slices.Contains(allowed, got) {
		v.add(path, "unknown "+what, got, oneOf(got, allowed))
	}
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// name checks the name of a client or backend, such as the example.
func (v *validator) name(path, name, example string, seen map[string]string) {
	switch {
	case name == "":
		v.add(path, "missing name", "", fmt.Sprintf("a name such as %q", example))
		return
	case !namePattern.MatchString(name):
		v.add(path, "malformed name", name, "lower-case letters, digits and single dashes, beginning with a letter")
	case len(name) > maxNameLength:
		v.add(path, "name is too long", name, fmt.Sprintf("at most %d characters", maxNameLength))
	}
	if first, ok := seen[name]; ok {
		v.add(path, "name is declared twice", name, "another name than "+first)
		return
	}
	seen[name] = path
}

// references checks a list of names that are declared elsewhere.
func (v *validator) references(path, what string, got, declared []string) {
	for i, value := range got {
		v.reference(at(path, i), what, value, declared)
		if slices.Index(got, value) < i {
			v.add(at(path, i), what+" is listed twice", value, "each "+what+" once")
		}
	}
}

// reference checks a name that is declared elsewhere.
func (v *validator) reference(path, what, got string, declared []string) {
	if slices.Contains(declared, got) {
		return
	}
	want := oneOf(got, declared)
	if want == "" {
		want = "a declared " + what + ", and none is"
	}
	v.add(path, "unknown "+what, got, want)
}

// decisionCache checks the time to live of a Lambda authorizer's decisions.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
func (v *validator) decisionCache() {
	if s := v.model.DecisionCacheSeconds; s != nil && (*s < 0 || *s > MaxDecisionCache) {
		v.add("decisionCacheSeconds", "time out of range", fmt.Sprint(*s), fmt.Sprintf("0 to %d seconds", MaxDecisionCache))
	}
}

func (m Model) scopeValues() []string {
	values := make([]string, len(m.Scopes))
	for i, s := range m.Scopes {
		values[i] = s.Value
	}
	return values
}

func (m Model) roleValues() []string {
	values := make([]string, len(m.Roles))
	for i, r := range m.Roles {
		values[i] = r.Value
	}
	return values
}

func (m Model) backendNames() []string {
	names := make([]string, len(m.Backends))
	for i, b := range m.Backends {
		names[i] = b.Name
	}
	return names
}

// Problems returns what API Gateway would not hold, or would take for a refusal
// of every request, with the paths "rate" and "burst". It reads a missing limit
// as zero, and then answers everything with 429.
func (t Throttle) Problems() Problems {
	var found Problems
	switch {
	case !(t.Rate > 0): // not a number, too
		found.add("rate", "throttle refuses every request", fmt.Sprint(t.Rate), "requests per second, above 0")
	case t.Rate > MaxThrottleRate:
		found.add("rate", "throttle is more than API Gateway can hold", fmt.Sprint(t.Rate), fmt.Sprintf("at most %d", MaxThrottleRate))
	}
	switch {
	case t.Burst <= 0:
		found.add("burst", "throttle refuses every request", fmt.Sprint(t.Burst), "requests at once, above 0")
	case t.Burst > MaxThrottleBurst:
		found.add("burst", "throttle is more than API Gateway can hold", fmt.Sprint(t.Burst), fmt.Sprintf("at most %d", MaxThrottleBurst))
	}
	return found
}

var guidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (v *validator) assignment() {
	seen := map[string]string{}
	check := func(list string, ids []string) {
		for i, id := range ids {
			path := at("assignment", list, i)
			if !guidPattern.MatchString(id) {
				v.add(path, "malformed object id", id, "the GUID that Entra shows as object id, not a name")
				continue
			}
			key := strings.ToLower(id)
			if first, ok := seen[key]; ok {
				v.add(path, "object id is listed twice", id, "another one than "+first)
				continue
			}
			seen[key] = path
		}
	}
	check("users", v.model.Assignment.Users)
	check("groups", v.model.Assignment.Groups)
}
