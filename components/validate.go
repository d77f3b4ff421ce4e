package components

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entragate/entragate/access"
)

// problems collects what is wrong, each with the path of the argument.
type problems struct{ access.Problems }

func (p *problems) add(path, message, got, want string) {
	p.Problems = append(p.Problems, access.Problem{Path: path, Message: message, Got: got, Want: want})
}

// err is nil if nothing is wrong.
func (p *problems) err() error {
	if len(p.Problems) == 0 {
		return nil
	}
	return p.Problems
}

// model adds the problems of those parts of an access model that are arguments
// here.
func (p *problems) model(m access.Model, options access.ValidateOptions, parts ...string) {
	if found, ok := errors.AsType[access.Problems](m.Validate(options)); ok {
		for _, problem := range found {
			part, _, _ := strings.Cut(problem.Path, ".")
			part, _, _ = strings.Cut(part, "[")
			if !slices.Contains(parts, part) {
				continue
			}
			if problem.Path == "decisionCacheSeconds" {
				problem.Path = "authorizer.cacheSeconds" // where it is set
			}
			p.Problems = append(p.Problems, problem)
		}
	}
}

func (p *problems) displayName(path, name string) {
	switch {
	case strings.TrimSpace(name) == "":
		p.add(path, "missing name", name, "a name that people recognize where they consent")
	case utf8.RuneCountInString(name) > access.MaxDisplayName:
		p.add(path, "name is too long", name, fmt.Sprintf("at most %d characters", access.MaxDisplayName))
	case strings.ContainsFunc(name, unicode.IsControl):
		p.add(path, "name has control characters", name, "one line of text")
	}
}

// clientDisplayNames checks the names that clients will have, defaults included:
// the azuread provider refuses a second application of a name in the middle of
// a deployment, and Entra one whose name is too long. Entra compares without
// case. What is wrong with a name as it was written is in the problems already.
// https://registry.terraform.io/providers/hashicorp/azuread/2.53.1/docs/resources/application#prevent_duplicate_names
func (p *problems) clientDisplayNames(args *ProtectedApiArgs) {
	if p.has("displayName") {
		return // every default would be wrong with it
	}
	shown := map[string]string{strings.ToLower(args.DisplayName): "the API's"}
	for i, c := range args.Clients {
		client := fmt.Sprintf("clients[%d]", i)
		path, name := client+".displayName", args.clientDisplayName(c)
		key := strings.ToLower(name)
		first, twice := shown[key]
		if !twice {
			shown[key] = "that of " + client
		}
		switch {
		case p.has(path) || p.has(client+".name"):
		case twice:
			p.add(path, "name is shown twice", name, "another name than "+first)
		case c.DisplayName == "":
			p.displayName(path, name)
		}
	}
}

// has reports whether a problem of the path is known.
func (p *problems) has(path string) bool {
	return slices.ContainsFunc(p.Problems, func(known access.Problem) bool { return known.Path == path })
}

// namePattern is that of [access.Client.Name].
var namePattern = regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,39}$`)

func (p *problems) name(path, name string) {
	if !namePattern.MatchString(name) {
		p.add(path, "malformed name", name, "up to 40 lower-case letters, digits and single dashes, beginning with a letter")
	}
}

func (p *problems) objectID(path, id string) {
	if err := uuid.Validate(id); err != nil || len(id) != 36 {
		p.add(path, "malformed object id", id, "the GUID that Entra shows as object id, not a name")
	}
}

func (p *problems) owners(owners []string) {
	if len(owners) == 0 {
		p.add("owners", "no owner", "", "object ids, that of whoever deploys among them")
	}
	for i, id := range owners {
		p.objectID(fmt.Sprintf("owners[%d]", i), id)
		if slices.Index(owners, id) < i {
			p.add(fmt.Sprintf("owners[%d]", i), "owner is listed twice", id, "each once")
		}
	}
}

func (p *problems) grants(g Grants) {
	switch g {
	case "", GrantsManaged, GrantsExternal:
	default:
		p.add("grants", "unknown value", string(g), fmt.Sprintf("%q or %q", GrantsManaged, GrantsExternal))
	}
}

func (p *problems) throttle(t *access.Throttle) {
	if t != nil {
		p.Problems = append(p.Problems, t.Problems().Prefix("throttle.")...)
	}
}

func (p *problems) retention(path string, days int) {
	if days != 0 && !slices.Contains(logRetentionDays, days) {
		p.add(path, "period that CloudWatch Logs does not know", fmt.Sprint(days),
			strings.Trim(strings.Join(strings.Fields(fmt.Sprint(logRetentionDays)), ", "), "[]"))
	}
}

// AWS: letters, digits, spaces and _.:/=+-@, no "aws:" in front. Entra
// documents no rule for its tags.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
var tagText = regexp.MustCompile(`^[\p{L}\p{N}\p{Z}_.:/=+@-]*$`)

const maxTags = 50 // of one object in AWS

// tagsBesideOurs checks tags to which ours are added, which would overwrite tags
// of the same key.
func (p *problems) tagsBesideOurs(tags map[string]string, ours ...string) {
	p.tags(tags)
	if most := maxTags - len(ours); len(tags) > most && len(tags) <= maxTags {
		others, last := ours[:len(ours)-1], ours[len(ours)-1]
		p.add("tags", "too many tags", fmt.Sprint(len(tags)),
			fmt.Sprintf("at most %d beside %s and %s", most, strings.Join(others, ", "), last))
	}
	for _, key := range ours {
		if value, taken := tags[key]; taken {
			p.add(fmt.Sprintf("tags[%q]", key), "key that Entragate sets itself, to find what it created", value, "another key")
		}
	}
}

func (p *problems) tags(tags map[string]string) {
	const maxKey, maxValue = 128, 256
	if len(tags) > maxTags {
		p.add("tags", "too many tags", fmt.Sprint(len(tags)), fmt.Sprintf("at most %d", maxTags))
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		path := fmt.Sprintf("tags[%q]", key)
		if key == "" || len(key) > maxKey || !tagText.MatchString(key) || strings.HasPrefix(strings.ToLower(key), "aws:") {
			p.add(path, "key that AWS refuses", key, "up to 128 letters, digits and _.:/=+-@, not beginning with aws:")
		}
		if len(tags[key]) > maxValue || !tagText.MatchString(tags[key]) {
			p.add(path, "value that AWS refuses", tags[key], "up to 256 letters, digits, spaces and _.:/=+-@")
		}
	}
}

// cors checks what API Gateway checks when the API is created, before that.
func (p *problems) cors(c *CORS, allowLocalhost bool) {
	if c == nil {
		return
	}
	if len(c.AllowOrigins) == 0 {
		p.add("cors.allowOrigins", "no origin", "", `origins such as "https://portal.example.com"`)
	}
	for i, origin := range c.AllowOrigins {
		path := fmt.Sprintf("cors.allowOrigins[%d]", i)
		if origin == "*" {
			if c.AllowCredentials {
				p.add(path, "any origin with credentials, which API Gateway refuses", origin,
					"named origins, or allowCredentials false: access tokens need none")
			}
			continue
		}
		p.origin(path, origin, allowLocalhost)
	}
	p.corsWildcards(c)
	for i, method := range c.AllowMethods {
		if method != "*" && (!slices.Contains(access.Methods, method) || method == "ANY") {
			p.add(fmt.Sprintf("cors.allowMethods[%d]", i), "unknown method", method, `"*", or a method such as "GET"`)
		}
	}
	p.headers("cors.allowHeaders", c.AllowHeaders)
	p.headers("cors.exposeHeaders", c.ExposeHeaders)
	if age := c.MaxAgeSeconds; age != nil && (*age < -1 || *age > 86400) {
		p.add("cors.maxAgeSeconds", "out of range", fmt.Sprint(*age), "-1 to 86400")
	}
}

// corsWildcards refuses a star where browsers take it for a name: "*" does not
// stand for authorization, and for nothing at all with credentials.
// https://fetch.spec.whatwg.org/#http-access-control-allow-headers
func (p *problems) corsWildcards(c *CORS) {
	if len(c.AllowHeaders) > 0 && !slices.ContainsFunc(c.AllowHeaders, func(name string) bool {
		return strings.EqualFold(name, "authorization")
	}) {
		p.add("cors.allowHeaders", "browsers could send no token", strings.Join(c.AllowHeaders, ", "),
			`"authorization" among them: "*" does not stand for it`)
	}
	if !c.AllowCredentials {
		return
	}
	for _, list := range []struct {
		setting string
		values  []string
	}{{"allowMethods", c.AllowMethods}, {"allowHeaders", c.AllowHeaders}, {"exposeHeaders", c.ExposeHeaders}} {
		if i := slices.Index(list.values, "*"); i >= 0 {
			p.add(fmt.Sprintf("cors.%s[%d]", list.setting, i), "browsers take it literally, with credentials", "*", "names")
		}
	}
}

// origin checks scheme://host[:port], in lower case as browsers send it.
func (p *problems) origin(path, origin string, allowLocalhost bool) {
	const want = `an origin such as "https://portal.example.com", without a path`
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Hostname() == "" || origin != u.Scheme+"://"+u.Host || strings.ToLower(origin) != origin ||
		strings.Contains(origin, "*"):
		p.add(path, "malformed origin", origin, want)
	case isLoopback(u.Hostname()):
		if !allowLocalhost || u.Scheme != "http" && u.Scheme != "https" {
			p.add(path, "localhost as an origin, where it is not allowed", origin, want)
		}
	case u.Scheme != "https":
		p.add(path, "origin that anyone on the network can claim to be", origin, want)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

var headerName = regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+$`)

func (p *problems) headers(path string, names []string) {
	for i, name := range names {
		if !headerName.MatchString(name) {
			p.add(fmt.Sprintf("%s[%d]", path, i), "malformed header name", name, `a name such as "content-type", or "*"`)
		}
	}
}

func (args *ApiApplicationArgs) validate() error {
	var p problems
	p.displayName("displayName", args.DisplayName)
	p.model(access.Model{Scopes: args.Scopes, Roles: args.Roles, Assignment: args.Assignment},
		access.ValidateOptions{}, "scopes", "roles", "assignment")
	p.owners(args.Owners)
	p.grants(args.Grants)
	p.tags(args.Tags)
	return p.err()
}

func (args *ClientApplicationArgs) validate() error {
	if args.API == nil {
		return access.Problem{Path: "api", Message: "missing api", Want: "the application that the client calls"}
	}
	var p problems
	p.displayName("client.displayName", args.Client.DisplayName)
	client := args.Client
	client.Name = "client"
	m := access.Model{Clients: []access.Client{client}}
	for value := range args.API.scopeIDs {
		m.Scopes = append(m.Scopes, access.Scope{Value: value})
	}
	for value := range args.API.roleIDs {
		m.Roles = append(m.Roles, access.Role{Value: value})
	}
	p.model(m, access.ValidateOptions{AllowLocalhost: args.AllowLocalhost, OutboundIssuer: args.OutboundIssuer}, "clients")
	p.certificates(m.Clients, time.Now())
	for i := range p.Problems {
		p.Problems[i].Path = strings.Replace(p.Problems[i].Path, "clients[0]", "client", 1)
	}
	p.owners(args.Owners)
	p.grants(args.Grants)
	p.tags(args.Tags)
	return p.err()
}

func (args *GatewayArgs) validate() error {
	var p problems
	if u, err := url.Parse(args.Issuer); err != nil || u.Scheme != "https" || u.Hostname() == "" {
		p.add("issuer", "malformed issuer", args.Issuer,
			`an address such as "https://login.microsoftonline.com/<tenant id>/v2.0"`)
	}
	if args.Audience == nil {
		p.add("audience", "missing audience", "", "the API's client id")
	}
	m := args.model()
	m.Functions = slices.Sorted(maps.Keys(args.FunctionARNs))
	for _, r := range args.Routes {
		for _, value := range r.Scopes {
			m.Scopes = append(m.Scopes, access.Scope{Value: value})
		}
		for _, value := range r.Roles {
			m.Roles = append(m.Roles, access.Role{Value: value})
		}
	}
	p.model(m, access.ValidateOptions{}, "backends", "routes", "decisionCacheSeconds")
	p.tenantID(args)
	p.gateway(args)
	p.tags(args.Tags)
	return p.err()
}

// gateway checks what an access model does not hold.
func (p *problems) gateway(args *GatewayArgs) {
	declared, all := len(args.Routes), len(allRoutes(args.CORS, args.Routes))
	if declared <= access.MaxRoutes && all > access.MaxRoutes {
		p.add("routes", "too many routes with those for preflight requests", fmt.Sprint(all),
			fmt.Sprintf("at most %d, API Gateway's quota", access.MaxRoutes))
	}
	p.cors(args.CORS, args.AllowLocalhost)
	p.throttle(args.Throttle)
	p.retention("logRetentionDays", args.LogRetentionDays)
	p.architecture("architecture", args.Architecture)
	p.authorizer(args.Authorizer, args.Architecture)
}

// orDefault returns the value, or what stands for its absence.
func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
