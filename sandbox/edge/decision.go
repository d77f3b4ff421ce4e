package edge

import (
	"errors"
	"fmt"
)

// decision is what an authorizer's function answered. It is immutable.
type decision struct {
	allowed   bool           // of a simple response
	policy    *policy        // else, decides for each route
	principal string         // with a policy
	context   map[string]any // numbers are [json.Number]; may be nil
}

// allows reports whether the decision lets a request for the route through.
func (d *decision) allows(routeARN string) bool {
	if d.policy != nil {
		return d.policy.allows(routeARN)
	}
	return d.allowed
}

// property returns a value of the context as text: numbers and booleans as
// they are written; lists and objects as JSON, and null as unset (guesses).
func (d *decision) property(name string) string {
	if d == nil || d.context[name] == nil {
		return ""
	}
	return claimText(d.context[name])
}

// errInvalidAnswer is wrapped by what is wrong with the answer of a function.
// Such errors do not repeat the answer, which may be private.
var errInvalidAnswer = errors.New("invalid answer")

func invalidAnswer(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errInvalidAnswer}, args...)...)
}

// parseSimpleAnswer reads {"isAuthorized": true, "context": {...}}.
func parseSimpleAnswer(raw []byte) (*decision, error) {
	answer, err := parseAuthorizerAnswer(raw)
	if err != nil {
		return nil, err
	}
	allowed, ok := answer.members["isAuthorized"].(bool)
	if !ok {
		return nil, invalidAnswer("want isAuthorized with true or false")
	}
	return &decision{allowed: allowed, context: answer.context}, nil
}

// parsePolicyAnswer reads {"principalId": "", "policyDocument": {...},
// "context": {...}}. That the principal must be there is a guess.
func parsePolicyAnswer(raw []byte) (*decision, error) {
	answer, err := parseAuthorizerAnswer(raw)
	if err != nil {
		return nil, err
	}
	principal, ok := answer.members["principalId"].(string)
	if !ok {
		return nil, invalidAnswer("want principalId with text")
	}
	parsed, err := parsePolicy(answer.members["policyDocument"])
	if err != nil {
		return nil, err
	}
	return &decision{policy: parsed, principal: principal, context: answer.context}, nil
}

type authorizerAnswer struct{ members, context map[string]any }

// parseAuthorizerAnswer reads what both kinds of answers share. Members that
// are not known are ignored (a guess).
func parseAuthorizerAnswer(raw []byte) (authorizerAnswer, error) {
	var value any
	if err := decodeJSON(raw, &value); err != nil {
		return authorizerAnswer{}, invalidAnswer("want JSON")
	}
	members, ok := value.(map[string]any)
	if !ok {
		return authorizerAnswer{}, invalidAnswer("want a JSON object")
	}
	answer := authorizerAnswer{members: members}
	switch given := members["context"].(type) {
	case nil:
	case map[string]any:
		answer.context = given
	default:
		return authorizerAnswer{}, invalidAnswer("want a context that is an object")
	}
	return answer, nil
}
