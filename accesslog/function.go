package accesslog

import (
	"fmt"
	"slices"
	"strings"
)

// functionRule is a refusal by the Lambda authorizer of routes with roles, as it
// names it in its own log.
type functionRule struct {
	metric  string
	reason  Reason
	reasons []string // any one of them
}

const (
	metricFunction = "Role" // begins the metrics of the role authorizer's log
	// MissingRole is why the role authorizer refuses a daemon.
	MissingRole Reason = "missing role"
	// WrongToken is a token that is none for this API, though Entra issued it.
	WrongToken Reason = "not an access token of this API"
)

// functionRules name every refusal but that of a route which the function's policy
// does not have: that is a fault of the deployment, and counts as [Other].
var functionRules = []functionRule{
	{"NoToken", NoToken, []string{"no-token"}},
	{"Malformed", Malformed, []string{"malformed", "algorithm"}},
	{"BadSignature", BadSignature, []string{"unknown-key", "signature"}},
	{"Expired", Expired, []string{"expired"}},
	{"NotYetValid", NotYetValid, []string{"not-yet-valid", "issued-in-future"}},
	{"WrongIssuer", WrongIssuer, []string{"wrong-issuer", "wrong-tenant", "wrong-version"}},
	{"WrongAudience", WrongAudience, []string{"wrong-audience"}},
	{"WrongToken", WrongToken, []string{"not-an-access-token"}},
	{"MissingScope", MissingScope, []string{"missing-scope"}},
	{"MissingRole", MissingRole, []string{"missing-role"}},
}

// functionRefused is the condition of every line of the function's log about a
// refusal.
const functionRefused = `$.msg = "refused"`

// FunctionReason is the reason of a refusal by the name that the role
// authorizer's log has for it.
func FunctionReason(name string) Reason {
	for _, r := range functionRules {
		if slices.Contains(r.reasons, name) {
			return r.reason
		}
	}
	return Other
}

// FunctionMetricOf is the metric that counts the role authorizer's refusals for a
// reason.
func FunctionMetricOf(reason Reason) string {
	for _, r := range functionRules {
		if r.reason == reason {
			return metricFunction + r.metric
		}
	}
	return metricFunction + "Other"
}

// FunctionFilters count what the role authorizer's log says. A decision that is
// repeated from the gateway's cache is not in it, so that the counts are lower
// than those of [RoleRefused].
func FunctionFilters() []Filter {
	var filters []Filter
	var known []string
	for _, r := range functionRules {
		var either []string
		for _, name := range r.reasons {
			either = append(either, fmt.Sprintf("$.reason = %q", name))
			known = append(known, fmt.Sprintf("$.reason != %q", name))
		}
		filters = append(filters, Filter{
			metricFunction + r.metric, "{ " + functionRefused + " && (" + strings.Join(either, " || ") + ") }", string(r.reason),
		})
	}
	return append(filters, Filter{
		metricFunction + "Other", "{ " + functionRefused + " && " + strings.Join(known, " && ") + " }", string(Other),
	})
}
