package edge

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Claims are the claims of a token; numbers are [json.Number].
type Claims map[string]any

// Text returns a claim as API Gateway hands it on: text as it is, numbers and
// booleans written out, arrays as "[a b]" and objects as JSON. ok is false for
// a claim that is absent or null.
// https://github.com/floci-io/floci/pull/2011
func (c Claims) Text(name string) (text string, ok bool) {
	value, ok := c[name]
	if !ok || value == nil {
		return "", false
	}
	array, ok := value.([]any)
	if !ok {
		return claimText(value), true
	}
	words := make([]string, len(array))
	for i, element := range array {
		words[i] = claimText(element)
	}
	return "[" + strings.Join(words, " ") + "]", true
}

// claimText writes anything that is not text as JSON. For arrays and null
// within an array that is a guess.
func claimText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Scopes returns the scopes that a token claims, in scp or scope, each either
// separated by spaces or an array. AWS does not say which counts when both
// exist; as public measurements have it, scp does.
// https://github.com/floci-io/floci/pull/2011
func (c Claims) Scopes() []string {
	value, ok := c["scp"]
	if !ok {
		value = c["scope"]
	}
	switch value := value.(type) {
	case string:
		return strings.Fields(value)
	case []any:
		var scopes []string
		for _, element := range value {
			if scope, ok := element.(string); ok {
				scopes = append(scopes, scope)
			}
		}
		return scopes
	}
	return nil
}

// hasAudience reports whether the token is for one of the audiences. AWS reads
// client_id only when there is no aud at all.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html
func (c Claims) hasAudience(audiences []string) bool {
	value, ok := c["aud"]
	if !ok {
		value = c["client_id"]
		if _, isText := value.(string); !isText {
			return false
		}
	}
	switch value := value.(type) {
	case string:
		return slices.Contains(audiences, value)
	case []any:
		found := false
		for _, element := range value {
			text, ok := element.(string)
			if !ok {
				return false // RFC 7519: an audience is text (what AWS does is not documented)
			}
			found = found || slices.Contains(audiences, text)
		}
		return found
	}
	return false
}

// seconds returns a claim that holds a time, cut to whole seconds since 1970.
// present is false when there is no such claim; valid is false when it is not
// a number.
func (c Claims) seconds(name string) (at float64, present, valid bool) {
	value, present := c[name]
	if !present {
		return 0, false, true
	}
	number, ok := value.(json.Number)
	if !ok {
		return 0, true, false
	}
	at, err := number.Float64()
	return math.Trunc(at), true, err == nil
}
