package review

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// tenant compares whose tokens are good, and who grants them.
func (c *comparison) tenant() {
	before, after := c.before, c.after
	if before.Issuer != after.Issuer {
		f := Finding{
			Rule: "issuer-changed", Subject: "issuer", Setting: "tenantId",
			Cause:  fmt.Sprintf("issuer from %s to %s", before.Issuer, after.Issuer),
			Words:  fmt.Sprintf("Tokens of %s are good in place of those of %s.", after.Issuer, before.Issuer),
			Tokens: c.tokens.refused(), Unseen: "the matrix is of the tenant that is trusted, whichever it is",
		}
		c.find(f)
		if tenantOf(before.Issuer) != tenantOf(after.Issuer) {
			f.Rule, f.Words = "issuer-trusted", fmt.Sprintf("The users and applications of another tenant, %s, may call.", tenantOf(after.Issuer))
			c.find(f)
		}
	}
	if before.Audience != after.Audience && before.Audience != "" && after.Audience != "" {
		c.find(Finding{
			Rule: "audience-changed", Subject: "audience", Cause: fmt.Sprintf("audience from %s to %s", before.Audience, after.Audience),
			Words:    fmt.Sprintf("Tokens must be for %s in place of %s: clients ask for api://%s/… from now on.", after.Audience, before.Audience, after.Audience),
			Resource: c.resources.api(), Tokens: c.tokens.refused(), Unseen: "the matrix is of the API's tokens, whatever its client id is",
		})
	}
	if before.Grants != after.Grants {
		f := Finding{
			Rule: "grants-managed", Subject: "grants", Setting: "grants", Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("grants from %s to %s", before.Grants, after.Grants),
			Words: "The program grants and assigns what an administrator did. What is there already is refused: delete or import it first.",
		}
		if after.Grants == GrantsExternal {
			f.Rule, f.Tokens = "grants-external", newTokens(c.options, GrantsManaged).stops()
			f.Words = "The program deletes its grants and assignments. Until an administrator has run the commands of the output `administrator`, callers get no token."
			f.Unseen = "the matrix is of what is declared, once an administrator has granted it"
		}
		c.find(f)
	}
	c.credentials()
	if before.Protect != after.Protect {
		f := Finding{
			Rule: "protect-on", Subject: "protect", Setting: "protect", Cause: "protect on", Tokens: c.tokens.none(),
			Words: "Scopes and roles must be retired before they are removed, and the stack cannot be destroyed.",
		}
		if before.Protect {
			f.Rule, f.Cause = "protect-off", "protect off"
			f.Words = "From the next deployment on, active scopes and roles can be removed, and the stack destroyed."
		}
		c.find(f)
	}
}

// tenantOf is the part of an issuer that names the tenant: its path's first.
func tenantOf(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return issuer
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return strings.ToLower(tenant)
}

// credentials compares how secrets are rotated, and by whom roles of AWS prove
// themselves.
func (c *comparison) credentials() {
	before, after := c.before.Credentials, c.after.Credentials
	for _, days := range []struct {
		name          string
		before, after int
	}{
		{"rotationDays", before.RotationDays, after.RotationDays},
		{"lifetimeDays", before.LifetimeDays, after.LifetimeDays},
	} {
		f := Finding{
			Rule: "rotation-slower", Subject: days.name, Setting: "credentials." + days.name, Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("%s from %d to %d", days.name, days.before, days.after),
			Words: fmt.Sprintf("%s is %d in place of %d.", days.name, days.after, days.before),
		}
		switch {
		case days.after > days.before:
			c.find(f)
		case days.after < days.before:
			f.Rule = "rotation-faster"
			c.find(f)
		}
	}
	if before.OutboundIssuer != after.OutboundIssuer {
		c.find(Finding{
			Rule: "outbound-issuer-changed", Subject: "outboundIssuer", Setting: "credentials.outboundIssuer", Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("outboundIssuer from %q to %q", before.OutboundIssuer, after.OutboundIssuer),
			Words: "Roles of AWS, and the rotator, prove themselves by tokens of another issuer.",
		})
	}
}

// unseenGateway is why no cell shows how often or from where calls come.
const unseenGateway = "the matrix says who may call, not how often or from which page or address"

// gateway compares how calls reach the API.
func (c *comparison) gateway() {
	if c.before.Endpoint != c.after.Endpoint {
		f := Finding{
			Rule: "endpoint-opened", Subject: "endpoint", Cause: "execute-api endpoint on", Unseen: unseenGateway,
			Words:  "The execute-api endpoint answers, past whatever stands in front of the custom domain.",
			Tokens: c.tokens.none() + " They are good at both addresses.",
		}
		if c.before.Endpoint {
			f.Rule, f.Cause = "endpoint-closed", "execute-api endpoint off"
			f.Words, f.Tokens = "The execute-api endpoint answers no more: callers need the custom domain.", c.tokens.none()
		}
		c.find(f)
	}
	c.throttles()
	c.cors(c.before.CORS, c.after.CORS)
}

// throttles compares the limits of routes: the default, and those of routes that
// have one of their own before or after.
func (c *comparison) throttles() {
	c.throttle("default", "throttle", c.before.Throttle, c.after.Throttle)
	for i, r := range c.after.Model.Routes {
		p := c.delta.routes[r.Key]
		if p.before == nil || p.before.Throttle == nil && r.Throttle == nil {
			continue
		}
		was, is := c.before.Throttle, c.after.Throttle
		if p.before.Throttle != nil {
			was = *p.before.Throttle
		}
		if r.Throttle != nil {
			is = *r.Throttle
		}
		c.throttle(r.Key, fmt.Sprintf("routes[%d].throttle", i), was, is)
	}
}

func (c *comparison) throttle(subject, setting string, was, is access.Throttle) {
	f := Finding{
		Subject: subject, Setting: setting, Tokens: c.tokens.none(), Unseen: unseenGateway,
		Cause: fmt.Sprintf("throttle from %g a second and %d at once to %g and %d", was.Rate, was.Burst, is.Rate, is.Burst),
	}
	what := "Each route without a throttle of its own"
	if subject != "default" {
		f.Route, what = subject, "The route "+subject
	}
	f.Words = fmt.Sprintf("%s takes %g requests a second and %d at once, in place of %g and %d.", what, is.Rate, is.Burst, was.Rate, was.Burst)
	if is.Rate > was.Rate || is.Burst > was.Burst {
		f.Rule = "throttle-loosened"
		c.find(f)
	}
	if is.Rate < was.Rate || is.Burst < was.Burst {
		f.Rule = "throttle-tightened"
		c.find(f)
	}
}

// cors compares what browsers allow, as API Gateway gets it: without an origin
// there is no CORS, and nothing else counts.
func (c *comparison) cors(before, after CORS) {
	switch {
	case len(before.AllowOrigins) == 0 && len(after.AllowOrigins) == 0:
		return
	case len(before.AllowOrigins) == 0:
		c.corsList("allowOrigins", nil, after.AllowOrigins)
		return
	case len(after.AllowOrigins) == 0:
		c.corsList("allowOrigins", before.AllowOrigins, nil)
		return
	}
	c.corsList("allowOrigins", before.AllowOrigins, after.AllowOrigins)
	c.corsList("allowMethods", before.AllowMethods, after.AllowMethods)
	c.corsList("allowHeaders", before.AllowHeaders, after.AllowHeaders)
	c.corsList("exposeHeaders", before.ExposeHeaders, after.ExposeHeaders)
	switch {
	case after.AllowCredentials && !before.AllowCredentials:
		c.corsFinding("cors-loosened", "allowCredentials", "allowCredentials", "Pages of allowed origins may send cookies.")
	case before.AllowCredentials && !after.AllowCredentials:
		c.corsFinding("cors-tightened", "allowCredentials", "allowCredentials", "Pages of other origins may no longer send cookies.")
	}
	if before.MaxAgeSeconds != after.MaxAgeSeconds {
		c.corsFinding("cors-max-age-changed", "maxAgeSeconds", "maxAgeSeconds",
			fmt.Sprintf("Browsers keep the answer about CORS for %d seconds in place of %d.", after.MaxAgeSeconds, before.MaxAgeSeconds))
	}
}

// corsList compares one list. "*" stands for everything, so nothing is added to
// it. Names of headers have no case.
func (c *comparison) corsList(name string, before, after []string) {
	has := func(list []string, value string) bool {
		return slices.ContainsFunc(list, func(other string) bool { return other == "*" || strings.EqualFold(other, value) })
	}
	for _, value := range after {
		if !has(before, value) {
			c.corsFinding("cors-loosened", name, name+" "+value, fmt.Sprintf("Browsers allow %s in %s.", value, name))
		}
	}
	for _, value := range before {
		if !has(after, value) {
			c.corsFinding("cors-tightened", name, name+" "+value, fmt.Sprintf("Browsers no longer allow %s in %s.", value, name))
		}
	}
}

func (c *comparison) corsFinding(rule, setting, subject, words string) {
	c.find(Finding{
		Rule: rule, Subject: subject, Setting: "cors." + setting, Words: words, Cause: "cors." + setting + " changed",
		Tokens: c.tokens.none() + " Browsers may keep the old answer for as long as maxAgeSeconds said.", Unseen: unseenGateway,
	})
}
