package edge

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/entragate/entragate/sandbox/edge/mapping"
)

// identitySource is where a JWT authorizer finds the token.
type identitySource struct {
	header      string // or
	queryString string
}

// parseIdentitySource parses "$request.header.name" or
// "$request.querystring.name", the two that JWT authorizers have.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
func parseIdentitySource(source string) (identitySource, error) {
	if name, ok := strings.CutPrefix(source, "$request.header."); ok && name != "" {
		return identitySource{header: name}, nil
	}
	if name, ok := strings.CutPrefix(source, "$request.querystring."); ok && name != "" {
		return identitySource{queryString: name}, nil
	}
	return identitySource{}, fmt.Errorf("identity source: got %q, want $request.header.name or $request.querystring.name", source)
}

// token returns the token of a request; ok is false when the identity source
// is absent or empty. "The identitySource can include only the token, or the
// token prefixed with Bearer"; that case does not matter is a guess. Of a
// header that occurs several times the values are combined by commas, as
// parameter mappings do (a guess), and so make no token.
func (s identitySource) token(r *http.Request) (token string, ok bool) {
	var values []string
	if s.header != "" {
		values = r.Header.Values(s.header)
	} else {
		values = r.URL.Query()[s.queryString]
	}
	value := strings.Join(values, ",")
	const bearer = "bearer "
	if len(value) >= len(bearer) && strings.EqualFold(value[:len(bearer)], bearer) {
		return strings.TrimSpace(value[len(bearer):]), true
	}
	return value, value != ""
}

// requestSource is an identity source of a Lambda authorizer.
type requestSource struct {
	kind mapping.Kind
	name string
}

// parseRequestSource parses one of the four kinds that Lambda authorizers
// have. Which context variables are of use is left to the author: those of the
// answer are not set yet.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func parseRequestSource(source string) (requestSource, error) {
	for _, s := range []struct {
		prefix string
		kind   mapping.Kind
	}{
		{"$request.header.", mapping.Header},
		{"$request.querystring.", mapping.QueryString},
		{"$context.", mapping.Context},
		{"$stageVariables.", mapping.StageVariable},
	} {
		if name, ok := strings.CutPrefix(source, s.prefix); ok && name != "" {
			return requestSource{s.kind, name}, nil
		}
	}
	return requestSource{}, fmt.Errorf("identity source: got %q, want $request.header.name, $request.querystring.name, $context.name or $stageVariables.name", source)
}
