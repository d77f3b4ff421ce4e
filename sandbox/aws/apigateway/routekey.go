package apigateway

import (
	"regexp"
	"strings"
)

var (
	routeMethod = regexp.MustCompile(`^(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$`)
	pathLiteral = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,;=:@%-]*$`)
	pathParam   = regexp.MustCompile(`^\{[A-Za-z0-9._:-]+\+?\}$`)
)

// checkRouteKey refuses what is neither $default nor METHOD /path. A path
// parameter is a whole segment, its name occurs once, and only the last may be
// greedy (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html).
// The texts are guesses.
func checkRouteKey(key string) error {
	if key == "$default" {
		return nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !routeMethod.MatchString(method) || !strings.HasPrefix(path, "/") {
		return badRequest(`The provided route key is not formatted properly for HTTP protocol. Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"`)
	}
	segments := strings.Split(path[1:], "/")
	names := map[string]bool{}
	for i, segment := range segments {
		if pathLiteral.MatchString(segment) && (segment != "" || i == len(segments)-1) {
			continue
		}
		if !pathParam.MatchString(segment) {
			return badRequest("Invalid route path %s: got the segment %q, want literal text, {name} or a last {name+}", path, segment)
		}
		name := strings.Trim(segment, "{}")
		if strings.HasSuffix(name, "+") && i != len(segments)-1 {
			return badRequest("Invalid route path %s: a greedy path parameter must be the last segment", path)
		}
		name = strings.TrimSuffix(name, "+")
		if names[name] {
			return badRequest("Invalid route path %s: path parameter %s occurs twice", path, name)
		}
		names[name] = true
	}
	return nil
}
