package diagnose

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Report is what the gateway decides about a token, and why.
type Report struct {
	// Request is the method and path, or the route key, that was asked about.
	Request string `json:"request"`
	// Route is the key of the route that takes the request, if there is one.
	Route string `json:"route,omitempty"`
	// Authorizer is "jwt", "lambda" or "none".
	Authorizer string `json:"authorizer,omitempty"`
	Allowed    bool   `json:"allowed"`
	// Status is what the gateway answers: 401, 403 or 404; 500 where the Lambda
	// authorizer cannot decide. It is 200 where the backend answers.
	Status int `json:"status"`
	// By is the scope or role that allows the call, or "public".
	By string `json:"by,omitempty"`
	// Cause is that of the check which decides; none when the call is allowed.
	Cause Cause `json:"cause,omitempty"`
	// Summary is the cause, or what allows the call, in one sentence.
	Summary string `json:"summary"`
	// Client is who got the token, by its name in the stack if it is known; it is
	// the token that says so.
	Client string `json:"client,omitempty"`
	// Verified is whether the claims are those of a token that the tenant signed.
	Verified bool `json:"verified"`
	// Claims are those that tell tokens apart: no name and no address.
	Claims map[string]any `json:"claims,omitempty"`
	// Checks are those that were made, in the gateway's order.
	Checks []Check `json:"checks"`
	// Nearest are routes that may have been meant, where there is none.
	Nearest []string `json:"nearest,omitempty"`
}

// Check is one thing that the gateway looks at.
type Check struct {
	Name CheckName `json:"check"`
	OK   bool      `json:"ok"`
	// Decides is set on the failing check that the gateway's answer is for. Others
	// fail once that is put right.
	Decides bool  `json:"decides,omitempty"`
	Cause   Cause `json:"cause,omitempty"`
	// Got and Want are what the token has and what the gateway wants.
	Got  string `json:"got,omitempty"`
	Want string `json:"want,omitempty"`
	// Why is what is wrong, Fix what to do.
	Why string `json:"why,omitempty"`
	Fix string `json:"fix,omitempty"`
}

// CheckName names a check.
type CheckName string

// The checks.
const (
	CheckRoute     CheckName = "route"
	CheckToken     CheckName = "token" // there is one
	CheckSize      CheckName = "size"
	CheckForm      CheckName = "form"
	CheckAlgorithm CheckName = "algorithm"
	CheckKeys      CheckName = "keys" // the issuer's documents can be had
	CheckKey       CheckName = "key"  // the one that the token names is among them
	CheckSignature CheckName = "signature"
	CheckExpiry    CheckName = "expiry"
	CheckNotBefore CheckName = "notBefore"
	CheckIssuedAt  CheckName = "issuedAt"
	CheckIssuer    CheckName = "issuer"
	CheckAudience  CheckName = "audience"
	CheckTenant    CheckName = "tenant"
	CheckVersion   CheckName = "version"
	CheckCaller    CheckName = "caller" // an access token, of a user or of an application
	CheckScope     CheckName = "scope"
	CheckRole      CheckName = "role"
	CheckOther     CheckName = "other" // an authorizer's reason that is not known here
)

// unverified are the checks without which nothing in a token is worth anything.
var unverified = []CheckName{CheckForm, CheckAlgorithm, CheckKeys, CheckKey, CheckSignature}

// order is that in which the route's authorizer checks.
func (x *explainer) order() []CheckName {
	if x.report.Authorizer == AuthorizerJWT {
		return append(slices.Clip(unverified),
			CheckExpiry, CheckNotBefore, CheckIssuedAt, CheckIssuer, CheckAudience, CheckScope, CheckOther)
	}
	return append(slices.Clip(unverified),
		CheckIssuer, CheckAudience, CheckExpiry, CheckNotBefore, CheckIssuedAt, CheckTenant, CheckVersion,
		CheckCaller, CheckScope, CheckRole, CheckOther)
}

// refuse adds the check that decides.
func (r *Report) refuse(c Check) {
	c.Decides = true
	r.Cause, r.Summary = c.Cause, c.Cause.words()
	r.Checks = append(r.Checks, c)
}

// Write writes the report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s\n", r.Request, r.verdict(), r.Summary)
	if r.Route != "" {
		fmt.Fprintf(&b, "\n  route       %s (%s)\n", r.Route, authorizerWords[r.Authorizer])
	}
	switch {
	case r.Client == "":
	case r.Verified:
		fmt.Fprintf(&b, "  token of    %s\n", r.Client)
	default:
		fmt.Fprintf(&b, "  token of    %s, as it says\n", r.Client)
	}
	for _, name := range r.Nearest {
		fmt.Fprintf(&b, "  nearest     %s\n", name)
	}
	b.WriteString("\n")
	fixes := map[string]bool{}
	for _, c := range r.Checks {
		if fixes[c.Fix] {
			c.Fix = "as above"
		}
		fixes[c.Fix] = c.Fix != ""
		c.write(&b)
	}
	if len(r.Claims) > 0 {
		b.WriteString("\nclaims")
		if !r.Verified {
			b.WriteString(" (not verified: anybody may have written them)")
		}
		b.WriteString("\n")
		for _, name := range shownClaims {
			if value, ok := r.Claims[name]; ok {
				fmt.Fprintf(&b, "  %-10s  %s\n", name, claimWords(name, value))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var authorizerWords = map[string]string{
	AuthorizerJWT:    "API Gateway's JWT authorizer",
	AuthorizerLambda: "the Lambda authorizer of routes with roles",
	AuthorizerNone:   "public",
}

func (r Report) verdict() string {
	if r.Allowed {
		return "allowed"
	}
	return fmt.Sprintf("refused %d %s", r.Status, http.StatusText(r.Status))
}

func (c Check) write(b *strings.Builder) {
	if c.OK {
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("ok    %-11s %s", c.Name, c.Got), " "))
		return
	}
	if c.Decides {
		fmt.Fprintf(b, "FAILS %s   <- what the gateway says\n", c.Name)
	} else {
		fmt.Fprintf(b, "fails %s   <- what it would say next\n", c.Name)
	}
	for _, line := range []struct{ label, text string }{{"got", c.Got}, {"want", c.Want}, {"why", c.Why}, {"fix", c.Fix}} {
		if line.text != "" {
			fmt.Fprintf(b, "      %-5s %s\n", line.label, line.text)
		}
	}
}

// claimWords writes a claim; times can be read.
func claimWords(name string, value any) string {
	switch value := value.(type) {
	case json.Number:
		if at, ok := seconds(value); ok && (name == "exp" || name == "nbf" || name == "iat") {
			return timeWords(at)
		}
		return value.String()
	case []string:
		return strings.Join(value, ", ")
	}
	return fmt.Sprint(value)
}

// timeWords writes a time of a token; none that is out of a calendar's range.
func timeWords(at float64) string {
	const year9999 = 253402300799
	if at < 0 || at > year9999 {
		return fmt.Sprintf("%g seconds since 1970", at)
	}
	return time.Unix(int64(at), 0).UTC().Format(time.RFC3339)
}
