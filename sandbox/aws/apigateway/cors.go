package apigateway

import (
	"regexp"
	"slices"
)

var (
	corsOrigin  = regexp.MustCompile(`^(\*|[A-Za-z][A-Za-z0-9+.-]*://(\*|[^/?#\s*]+))$`)
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	corsMethods = []string{"*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
)

// check refuses what https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
// does not allow. Only the text about credentials is AWS's own
// (https://github.com/aws/aws-cdk/issues/9076).
func (c *CORS) check() error {
	if c == nil {
		return nil
	}
	if c.AllowCredentials && slices.Contains(c.AllowOrigins, "*") {
		return badRequest("allow-credentials is not supported if 'allow-origin' is *")
	}
	for _, origin := range c.AllowOrigins {
		if !corsOrigin.MatchString(origin) {
			return badRequest("Invalid CORS allowOrigins: got %q, want *, scheme://host or scheme://*", origin)
		}
	}
	for _, method := range c.AllowMethods {
		if !slices.Contains(corsMethods, method) {
			return badRequest("Invalid CORS allowMethods: got %q, want an HTTP method or *", method)
		}
	}
	for _, header := range slices.Concat(c.AllowHeaders, c.ExposeHeaders) {
		if !headerName.MatchString(header) {
			return badRequest("Invalid CORS header: got %q, want a header name or *", header)
		}
	}
	if c.MaxAge != nil && (*c.MaxAge < -1 || *c.MaxAge > 86400) {
		return badRequest("Invalid CORS maxAge: got %d, want -1 to 86400 seconds", *c.MaxAge)
	}
	return nil
}

func (c *CORS) empty() bool {
	return !c.AllowCredentials && c.MaxAge == nil &&
		len(c.AllowOrigins)+len(c.AllowMethods)+len(c.AllowHeaders)+len(c.ExposeHeaders) == 0
}
