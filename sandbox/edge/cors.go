package edge

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// PreflightRule says who answers the preflight requests of an API with CORS.
type PreflightRule int

const (
	// PreflightUnlessRouted leaves a preflight to a route that matches
	// OPTIONS, $default and ANY routes included, with its authorizer. AWS
	// documents that for $default ("catches requests for all methods and
	// routes that you haven't explicitly defined, including OPTIONS
	// requests"); for other routes it is a guess.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
	PreflightUnlessRouted PreflightRule = iota
	// PreflightAlways has the CORS configuration answer every preflight.
	PreflightAlways
)

// corsPolicy is a compiled CORS configuration.
type corsPolicy struct {
	anyOrigin   bool
	origins     []string
	schemes     []string // of "https://*" and "http://*", without the star
	credentials bool
	methods     string
	headers     string
	expose      string
	maxAge      string
}

// newCORSPolicy returns nil when there is no configuration.
func newCORSPolicy(c *apigateway.CORS) *corsPolicy {
	if c == nil {
		return nil
	}
	p := &corsPolicy{
		credentials: c.AllowCredentials,
		methods:     strings.Join(c.AllowMethods, ","),
		headers:     strings.Join(c.AllowHeaders, ","),
		expose:      strings.Join(c.ExposeHeaders, ","),
	}
	if c.MaxAge != nil {
		p.maxAge = strconv.Itoa(*c.MaxAge)
	}
	for _, origin := range c.AllowOrigins {
		switch scheme, isScheme := strings.CutSuffix(origin, "://*"); {
		case origin == "*":
			p.anyOrigin = true
		case isScheme:
			p.schemes = append(p.schemes, scheme+"://")
		default:
			p.origins = append(p.origins, origin)
		}
	}
	return p
}

// isPreflight reports whether a request is a CORS preflight.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// allowOrigin returns the value of Access-Control-Allow-Origin, empty when
// the origin is not allowed. Of several origins the one that asks is named.
func (p *corsPolicy) allowOrigin(origin string) string {
	switch {
	case origin == "":
		return ""
	case p.anyOrigin:
		return "*"
	case slices.Contains(p.origins, origin),
		slices.ContainsFunc(p.schemes, func(scheme string) bool { return strings.HasPrefix(origin, scheme) }):
		return origin
	}
	return ""
}

// apply replaces the CORS headers of an answer by those of the policy: "API
// Gateway ignores CORS headers returned from your backend integration". An
// origin that is not allowed gets none (a guess).
func (p *corsPolicy) apply(h http.Header, r *http.Request) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	origin := p.allowOrigin(r.Header.Get("Origin"))
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if p.credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if !isPreflight(r) {
		setUnlessEmpty(h, "Access-Control-Expose-Headers", p.expose)
		return
	}
	setUnlessEmpty(h, "Access-Control-Allow-Methods", p.methods)
	setUnlessEmpty(h, "Access-Control-Allow-Headers", p.headers)
	setUnlessEmpty(h, "Access-Control-Max-Age", p.maxAge)
}

func setUnlessEmpty(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}
