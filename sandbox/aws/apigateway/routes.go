package apigateway

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/edge/routekey"
)

type routeInput struct {
	RouteKey            *string  `json:"routeKey"`
	APIKeyRequired      *bool    `json:"apiKeyRequired"`
	AuthorizationType   *string  `json:"authorizationType"`
	AuthorizerID        *string  `json:"authorizerId"`
	AuthorizationScopes []string `json:"authorizationScopes"`
	OperationName       *string  `json:"operationName"`
	Target              *string  `json:"target"`

	ModelSelectionExpression         *string        `json:"modelSelectionExpression"`
	RouteResponseSelectionExpression *string        `json:"routeResponseSelectionExpression"`
	RequestModels                    map[string]any `json:"requestModels"`
	RequestParameters                map[string]any `json:"requestParameters"`
}

// check refuses what HTTP APIs do not have.
func (in routeInput) check() error {
	switch {
	case in.APIKeyRequired != nil && *in.APIKeyRequired:
		return unsupported("apiKeyRequired")
	case in.ModelSelectionExpression != nil:
		return unsupported("modelSelectionExpression")
	case in.RouteResponseSelectionExpression != nil:
		return unsupported("routeResponseSelectionExpression")
	case len(in.RequestModels) > 0:
		return unsupported("requestModels")
	case len(in.RequestParameters) > 0:
		return unsupported("requestParameters")
	}
	return length("operationName", in.OperationName, 0, 64)
}

// onto returns the route that comes of putting the members that are given over
// those of r.
func (in routeInput) onto(r Route) *Route {
	set(&r.RouteKey, in.RouteKey)
	set(&r.AuthorizationType, in.AuthorizationType)
	set(&r.AuthorizerID, in.AuthorizerID)
	set(&r.OperationName, in.OperationName)
	set(&r.Target, in.Target)
	if in.AuthorizationScopes != nil {
		r.AuthorizationScopes = in.AuthorizationScopes
	}
	// Setting the type to one without an authorizer takes the authorizer off
	// (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2184).
	if in.AuthorizationType != nil && in.AuthorizerID == nil && (r.AuthorizationType == "NONE" || r.AuthorizationType == "AWS_IAM") {
		r.AuthorizerID = ""
	}
	return &r
}

// checkRouteKey refuses what is neither $default nor METHOD /path, and what
// does not go together with the other routes. The texts about the format and
// about conflicts are AWS's, see https://github.com/anomalyco/sst/issues/5031
// and https://github.com/plutomi/plutomi/issues/271. That variables conflict
// within one method only is a guess.
func (r *Route) checkRouteKey(api *API) error {
	for _, other := range api.Routes {
		if other.RouteKey == r.RouteKey && other.RouteID != r.RouteID {
			return conflict("Route with key %s already exists for this API", r.RouteKey)
		}
	}
	if r.RouteKey == routekey.Default {
		return nil
	}
	key, err := routekey.Parse(r.RouteKey)
	switch {
	case errors.Is(err, routekey.ErrForm):
		return badRequest("The provided route key is not formatted properly for HTTP protocol. " +
			`Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"`)
	case err != nil:
		return badRequest("Invalid %v", err)
	}
	for _, other := range api.sortedRoutes() {
		if parsed, err := routekey.Parse(other.RouteKey); err == nil && other.RouteID != r.RouteID && key.Conflicts(parsed) {
			return conflict(`The provided route key "%s" has a conflicting variable on the same hierarchical level as "%s"`, r.RouteKey, other.RouteKey)
		}
	}
	return nil
}

// check refuses a route that does not fit the API it is to be in.
func (r *Route) check(api *API) error {
	if r.RouteKey == "" {
		return badRequest("Route key is required")
	}
	if err := r.checkRouteKey(api); err != nil {
		return err
	}
	if r.Target != "" {
		id, ok := strings.CutPrefix(r.Target, "integrations/")
		if !ok {
			return badRequest("Invalid target: got %q, want integrations/INTEGRATION_ID", r.Target)
		}
		if api.Integrations[id] == nil {
			return notFound("Integration", "Invalid Integration identifier specified")
		}
	}
	return r.checkAuthorization(api)
}

// checkAuthorization has the texts of https://github.com/anomalyco/sst/issues/4097
// (JWT) and https://github.com/aws/aws-cdk/issues/27576 (scopes). That for
// CUSTOM is modelled on the first.
func (r *Route) checkAuthorization(api *API) error {
	authorizer := api.Authorizers[r.AuthorizerID]
	switch r.AuthorizationType {
	case "JWT":
		if authorizer == nil || authorizer.AuthorizerType != "JWT" {
			return badRequest("Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid JWT authorizer.")
		}
	case "CUSTOM":
		if authorizer == nil || authorizer.AuthorizerType != "REQUEST" {
			return badRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM requires a valid authorizer.")
		}
	case "NONE", "AWS_IAM":
		if r.AuthorizerID != "" {
			return badRequest("Invalid authorizer ID specified. Authorization type %s does not take an authorizer.", r.AuthorizationType)
		}
	default:
		return badRequest("Invalid authorizationType: got %q, want NONE, AWS_IAM, CUSTOM or JWT", r.AuthorizationType)
	}
	if len(r.AuthorizationScopes) == 0 {
		return nil
	}
	if r.AuthorizationType != "JWT" {
		return badRequest("Invalid Route authorization type specified. Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization types")
	}
	if len(r.AuthorizationScopes) > maxScopes {
		return badRequest("Invalid authorizationScopes: got %d, want at most %d", len(r.AuthorizationScopes), maxScopes)
	}
	for _, scope := range r.AuthorizationScopes {
		if err := length("authorizationScopes", &scope, 1, 64); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) createRoute(c *call) (any, error) {
	in, err := decode[routeInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	r := in.onto(Route{AuthorizationType: "NONE"})
	return r, s.change(c, func(api *API) error {
		if err := r.check(api); err != nil {
			return err
		}
		if len(api.Routes) >= maxRoutes {
			return full("Routes")
		}
		r.RouteID = newID(7, api.Routes)
		api.Routes[r.RouteID] = r
		s.autoDeploy(api)
		return nil
	})
}

func routesOf(api *API) map[string]*Route { return api.Routes }

func (a *API) sortedRoutes() []*Route {
	return slices.SortedFunc(maps.Values(a.Routes), func(x, y *Route) int { return cmp.Compare(x.RouteKey, y.RouteKey) })
}

func (s *Service) getRoutes(c *call) (any, error) {
	return list(s, c, routesOf, func(r *Route) string { return r.RouteID })
}

func (s *Service) getRoute(c *call) (any, error) {
	return member(s, c, "Route", c.PathValue("routeId"), routesOf)
}

func (s *Service) updateRoute(c *call) (any, error) {
	in, err := decode[routeInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	// An authorizer without its type is refused, see
	// https://github.com/hashicorp/terraform-provider-aws/pull/35821.
	if in.AuthorizerID != nil && *in.AuthorizerID != "" && in.AuthorizationType == nil {
		return nil, badRequest("Unable to update route. Authorizer type is invalid or null.")
	}
	var updated *Route
	err = s.change(c, func(api *API) error {
		id := c.PathValue("routeId")
		current := api.Routes[id]
		if current == nil {
			return notFound("Route", "Invalid Route identifier specified")
		}
		updated = in.onto(*current)
		if err := updated.check(api); err != nil {
			return err
		}
		api.Routes[id] = updated
		s.autoDeploy(api)
		return nil
	})
	return updated, err
}

// deleteRoute leaves the stages' settings for the route key, which then apply
// to nothing. Whether AWS does so too is not known.
func (s *Service) deleteRoute(c *call) (any, error) {
	return nil, s.change(c, func(api *API) error {
		id := c.PathValue("routeId")
		if api.Routes[id] == nil {
			return notFound("Route", "Invalid Route identifier specified")
		}
		delete(api.Routes, id)
		s.autoDeploy(api)
		return nil
	})
}
