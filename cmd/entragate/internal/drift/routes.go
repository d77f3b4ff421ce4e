package drift

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// routes compares the routes, both ways.
func (c *comparison) routes(g deployed.Gateway) {
	declared := map[string]bool{}
	for _, want := range c.Model.Routes {
		declared[want.Key] = true
		got, ok := g.Route(want.Key)
		if !ok {
			c.add(Finding{
				Subject: "route " + want.Key, What: Missing, Effect: Breaking, Want: wanted(want),
				Access: "nobody can call it: its requests are answered with 404, or go to another route that takes them", Fix: deploy,
			})
			continue
		}
		c.route(want, got, g)
	}
	for _, got := range g.Routes {
		if key := aws.ToString(got.RouteKey); !declared[key] {
			c.add(Finding{
				Subject: "route " + key, What: AddedOutside, Effect: Widening, Got: deployedAs(got), Access: c.gains(got),
				Fix: "delete it in API Gateway, or declare who may call it",
			})
		}
	}
}

// wanted says who may call a route by the declaration, as API Gateway has it.
func wanted(r access.Route) string {
	switch {
	case r.IsPublic():
		return "authorization NONE"
	case r.HasRoles():
		return "the role authorizer"
	default:
		return "JWT with any of " + strings.Join(slices.Sorted(slices.Values(r.Scopes)), ", ")
	}
}

// deployedAs says the same of a route that was read.
func deployedAs(r types.Route) string {
	switch {
	case r.AuthorizationType == types.AuthorizationTypeJwt && len(r.AuthorizationScopes) == 0:
		return "JWT without a scope"
	case r.AuthorizationType == types.AuthorizationTypeJwt:
		return "JWT with any of " + strings.Join(slices.Sorted(slices.Values(r.AuthorizationScopes)), ", ")
	case r.AuthorizationType == "":
		return "authorization NONE"
	default:
		return "authorization " + string(r.AuthorizationType)
	}
}

// gains says who can call a route as it is.
func (c *comparison) gains(r types.Route) string {
	switch {
	case r.AuthorizationType == types.AuthorizationTypeNone || r.AuthorizationType == "":
		return "everybody can call it, without a token"
	case r.AuthorizationType == types.AuthorizationTypeJwt && len(r.AuthorizationScopes) == 0:
		return "whoever has any token for the API can call it, daemons too"
	case r.AuthorizationType == types.AuthorizationTypeJwt:
		return c.holders(r.AuthorizationScopes) + " can call it"
	case r.AuthorizationType == types.AuthorizationTypeCustom:
		return "whoever its authorizer lets in can call it"
	default:
		return "whoever IAM lets in can call it"
	}
}

// holds reports whether new tokens of a declared client carry any of the scopes.
func (c *comparison) holds(client access.Client, scopes []string) bool {
	return slices.ContainsFunc(c.live(client.Scopes), func(s string) bool { return slices.Contains(scopes, s) })
}

// holders are the users of clients that are declared with any of the scopes.
func (c *comparison) holders(scopes []string) string {
	var names []string
	for _, client := range c.Model.Clients {
		if c.holds(client, scopes) {
			names = append(names, client.Name)
		}
	}
	if len(names) == 0 {
		return "whoever has a token with " + strings.Join(scopes, " or ")
	}
	return "users of " + strings.Join(names, ", ")
}

func (c *comparison) route(want access.Route, got types.Route, g deployed.Gateway) {
	kind := types.AuthorizationTypeJwt
	switch {
	case want.IsPublic():
		kind = types.AuthorizationTypeNone
	case want.HasRoles():
		kind = types.AuthorizationTypeCustom
	}
	open := got.AuthorizationType == types.AuthorizationTypeNone || got.AuthorizationType == ""
	f := Finding{Subject: "route " + want.Key, What: Changed, Got: deployedAs(got), Want: wanted(want), Fix: deploy}
	switch {
	case open && kind == types.AuthorizationTypeNone:
	case open:
		f.Effect, f.Access = Widening, "everybody gains access, without a token"
		c.add(f)
	case kind == types.AuthorizationTypeNone:
		f.Effect, f.Access = Breaking, "who calls without a token, as everybody may, is refused with 401"
		c.add(f)
	case got.AuthorizationType != kind:
		f.Effect, f.Access = Widening, c.gains(got)+"; who should is decided otherwise"
		c.add(f)
	case kind == types.AuthorizationTypeJwt:
		c.routeScopes(f, want.Scopes, got.AuthorizationScopes)
	}
	if open {
		return
	}
	if a, ok := g.Authorizer(aws.ToString(got.AuthorizerId)); got.AuthorizationType == kind &&
		(!ok || (a.AuthorizerType == types.AuthorizerTypeJwt) != (kind == types.AuthorizationTypeJwt)) {
		c.add(Finding{
			Subject: "route " + want.Key, What: Changed, Effect: Breaking,
			Got: fmt.Sprintf("authorizer %q", aws.ToString(got.AuthorizerId)), Want: wanted(want),
			Access: "nobody can call it: its authorizer is not among those of the API", Fix: deploy,
		})
	}
}

// routeScopes compares the scopes of a route, any of which is enough.
func (c *comparison) routeScopes(f Finding, want, got []string) {
	added, gone := without(got, want), without(want, got)
	switch {
	case len(got) == 0 && len(want) > 0:
		f.Effect, f.Access = Widening, "whoever has any token for the API gains access, daemons and other clients too"
		c.add(f)
		return
	case len(added) > 0 && len(gone) > 0:
		f.Effect, f.Access = Widening, c.holders(added)+" gain access by "+strings.Join(added, ", ")+"; "+c.loses(gone, got)
	case len(added) > 0:
		f.Effect, f.Access = Widening, c.holders(added)+" gain access by "+strings.Join(added, ", ")
	case len(gone) > 0:
		f.Effect, f.Access = Breaking, c.loses(gone, got)
	default:
		return
	}
	c.add(f)
}

// loses says who has scopes that a route no longer takes, and none that it does.
func (c *comparison) loses(gone, left []string) string {
	var names []string
	for _, client := range c.Model.Clients {
		if c.holds(client, gone) && !c.holds(client, left) {
			names = append(names, client.Name)
		}
	}
	if len(names) == 0 {
		return "no declared client loses access: " + strings.Join(gone, ", ") + " is not taken any more, and others are"
	}
	return "users of " + strings.Join(names, ", ") + " lose access: " + strings.Join(gone, ", ") + " is not taken any more"
}

// without are the values that are not among others, each once.
func without(values, others []string) []string {
	var left []string
	for _, v := range values {
		if !slices.Contains(others, v) && !slices.Contains(left, v) {
			left = append(left, v)
		}
	}
	return left
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
