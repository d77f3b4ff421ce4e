// Package policy is the form of policy.json, which tells the Lambda authorizer
// who may call the routes that it decides. The access model makes it, a preview
// shows it, and the function applies it, so it is a package of its own with no
// dependencies.
package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// FileName is what the policy is called beside the function's program.
const FileName = "policy.json"

// HashVariable is the stage variable that names the policy in force. It is a part
// of what decisions are kept by, so none is repeated under another policy.
const HashVariable = "policyHash"

// Policy says who may call which route.
type Policy struct {
	// Routes are keyed by route key, such as "GET /orders". A route that is not
	// here is refused.
	Routes map[string]Route `json:"routes"`
}

// Route says who may call a route: a user's token with any one of the scopes, or
// an app-only token with any one of the roles; never one for the other.
type Route struct {
	Scopes []string `json:"scopes,omitempty"`
	Roles  []string `json:"roles,omitempty"`
}

// Parse reads a policy strictly. Unknown members, and routes that nobody could
// call, are errors: they are not what was meant.
func Parse(raw []byte) (Policy, error) {
	var p Policy
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("%s: %w", FileName, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("%s: got more than one JSON value", FileName)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Routes)) {
		r := p.Routes[key]
		if len(r.Scopes)+len(r.Roles) == 0 {
			return Policy{}, fmt.Errorf("%s: routes[%q]: got neither scopes nor roles, want at least one", FileName, key)
		}
		if slices.Contains(r.Scopes, "") || slices.Contains(r.Roles, "") {
			return Policy{}, fmt.Errorf("%s: routes[%q]: got an empty value, want names such as Orders.Read", FileName, key)
		}
	}
	return p, nil
}

// JSON is the policy as policy.json holds it, the same for equal policies.
func (p Policy) JSON() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // route keys hold no HTML, and scopes may hold &
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(p); err != nil {
		panic(err) // maps and lists of texts always encode
	}
	return b.Bytes()
}

// Hash names the policy: equal policies have equal hashes.
func (p Policy) Hash() string {
	sum := sha256.Sum256(p.JSON())
	return hex.EncodeToString(sum[:])
}
