package apigateway

import (
	"regexp"
	"slices"
	"strings"
)

type authorizerInput struct {
	AuthorizerType                 *string  `json:"authorizerType"`
	Name                           *string  `json:"name"`
	IdentitySource                 []string `json:"identitySource"`
	JWTConfiguration               *JWT     `json:"jwtConfiguration"`
	AuthorizerURI                  *string  `json:"authorizerUri"`
	AuthorizerCredentialsARN       *string  `json:"authorizerCredentialsArn"`
	AuthorizerPayloadFormatVersion *string  `json:"authorizerPayloadFormatVersion"`
	AuthorizerResultTTLInSeconds   *int     `json:"authorizerResultTtlInSeconds"`
	EnableSimpleResponses          *bool    `json:"enableSimpleResponses"`
	IdentityValidationExpression   *string  `json:"identityValidationExpression"`
}

// onto returns the authorizer that comes of putting the members that are given
// over those of a.
func (in authorizerInput) onto(a Authorizer) *Authorizer {
	set(&a.AuthorizerType, in.AuthorizerType)
	set(&a.Name, in.Name)
	if in.IdentitySource != nil {
		a.IdentitySource = in.IdentitySource
	}
	if in.JWTConfiguration != nil {
		a.JWTConfiguration = in.JWTConfiguration
	}
	set(&a.AuthorizerURI, in.AuthorizerURI)
	set(&a.AuthorizerCredentialsARN, in.AuthorizerCredentialsARN)
	set(&a.AuthorizerPayloadFormatVersion, in.AuthorizerPayloadFormatVersion)
	if in.AuthorizerResultTTLInSeconds != nil {
		a.AuthorizerResultTTLInSeconds = in.AuthorizerResultTTLInSeconds
	}
	set(&a.EnableSimpleResponses, in.EnableSimpleResponses)
	return &a
}

var (
	requestSource = regexp.MustCompile("^\\$request\\.(header|querystring)\\.[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	// A Lambda authorizer may also be keyed by context and stage variables, see
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html.
	lambdaSource = regexp.MustCompile(`^\$(context|stageVariables)\.[A-Za-z0-9_.-]+$`)
	authorizeURI = regexp.MustCompile(`^` + invocation + functionARN + `/invocations$`)
	roleARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}:role/\S+|\*:user/\*)$`)
)

// check refuses an authorizer that API Gateway would refuse whatever else the
// API holds.
func (a *Authorizer) check() error {
	if err := length("name", &a.Name, 1, 128); err != nil {
		return err
	}
	switch a.AuthorizerType {
	case "JWT":
		return a.checkJWT()
	case "REQUEST":
		return a.checkRequest()
	}
	return badRequest("Invalid authorizerType: got %q, want JWT or REQUEST", a.AuthorizerType)
}

func (a *Authorizer) checkJWT() error {
	if len(a.IdentitySource) != 1 || !requestSource.MatchString(a.IdentitySource[0]) {
		return badRequest("Invalid identitySource: got %q, want exactly one of the form $request.header.NAME or $request.querystring.NAME for a JWT authorizer", a.IdentitySource)
	}
	if a.AuthorizerURI != "" || a.AuthorizerCredentialsARN != "" || a.AuthorizerPayloadFormatVersion != "" ||
		a.AuthorizerResultTTLInSeconds != nil || a.EnableSimpleResponses {
		return badRequest("authorizerUri, authorizerCredentialsArn, authorizerPayloadFormatVersion, authorizerResultTtlInSeconds and enableSimpleResponses are supported only for REQUEST authorizers")
	}
	jwt := a.JWTConfiguration
	if jwt == nil || jwt.Issuer == "" {
		return badRequest("jwtConfiguration with an issuer is required for a JWT authorizer")
	}
	// awsdocs/amazon-api-gateway-developer-guide#79 has the scheme, not the text.
	if !strings.HasPrefix(jwt.Issuer, "https://") || len(jwt.Issuer) > 2048 {
		return badRequest("Invalid issuer: %s. Issuer must be a URL with the scheme https and at most 2048 characters", jwt.Issuer)
	}
	if len(jwt.Audience) < 1 || len(jwt.Audience) > maxAudiences {
		return badRequest("Invalid audience: got %d entries, want 1 to %d", len(jwt.Audience), maxAudiences)
	}
	if slices.Contains(jwt.Audience, "") {
		return badRequest("Invalid audience: got an empty entry")
	}
	return nil
}

func (a *Authorizer) checkRequest() error {
	if a.JWTConfiguration != nil {
		return badRequest("jwtConfiguration is supported only for JWT authorizers")
	}
	if !authorizeURI.MatchString(a.AuthorizerURI) {
		return badRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", a.AuthorizerURI)
	}
	if v := a.AuthorizerPayloadFormatVersion; v != "1.0" && v != "2.0" {
		return badRequest("Invalid authorizerPayloadFormatVersion: got %q, want 1.0 or 2.0", v)
	}
	if a.EnableSimpleResponses && a.AuthorizerPayloadFormatVersion != "2.0" {
		return badRequest("enableSimpleResponses requires authorizerPayloadFormatVersion 2.0")
	}
	for _, source := range a.IdentitySource {
		if !requestSource.MatchString(source) && !lambdaSource.MatchString(source) {
			return badRequest("Invalid identitySource: got %q, want $request.header.NAME, $request.querystring.NAME, $context.NAME or $stageVariables.NAME", source)
		}
	}
	if ttl := a.AuthorizerResultTTLInSeconds; ttl != nil {
		if *ttl < 0 || *ttl > 3600 {
			return badRequest("Invalid authorizerResultTtlInSeconds: got %d, want 0 to 3600", *ttl)
		}
		if *ttl > 0 && len(a.IdentitySource) == 0 {
			return badRequest("identitySource is required when authorization caching is enabled")
		}
	}
	if arn := a.AuthorizerCredentialsARN; arn != "" && !roleARN.MatchString(arn) {
		return badRequest("Invalid ARN specified in the request: authorizerCredentialsArn %q", arn)
	}
	return nil
}

// checkIssuer fetches what a JWT authorizer depends on, as AWS does before it
// answers. The text is that of haandol/cognito-kakao-example#1.
func (s *Service) checkIssuer(c *call, in authorizerInput, a *Authorizer) error {
	if in.JWTConfiguration == nil || a.AuthorizerType != "JWT" {
		return nil
	}
	issuer := a.JWTConfiguration.Issuer
	if err := s.CheckIssuer(c.Context(), issuer); err != nil {
		return badRequest("Caught exception when connecting to %s/.well-known/openid-configuration for issuer %s. Please try again later. "+
			"Error: Invalid issuer: %s. Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'",
			strings.TrimSuffix(issuer, "/"), issuer, issuer)
	}
	return nil
}

// freeName refuses a second authorizer of one name. The text, which speaks of
// a RestApi for HTTP APIs too, is that of https://github.com/aws/aws-cdk/issues/13711.
func (a *Authorizer) freeName(api *API) error {
	for _, other := range api.Authorizers {
		if other.Name == a.Name && other.AuthorizerID != a.AuthorizerID {
			return badRequest("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", a.Name)
		}
	}
	return nil
}

func (s *Service) createAuthorizer(c *call) (any, error) {
	in, err := decode[authorizerInput](c)
	if err != nil {
		return nil, err
	}
	if in.IdentityValidationExpression != nil {
		return nil, unsupported("identityValidationExpression")
	}
	a := in.onto(Authorizer{IdentitySource: []string{}})
	if err := s.view(c, a.acceptable); err != nil {
		return nil, err
	}
	if err := s.checkIssuer(c, in, a); err != nil {
		return nil, err
	}
	return a, s.change(c, func(api *API) error {
		if err := a.acceptable(api); err != nil {
			return err
		}
		if len(api.Authorizers) >= maxAuthorizers {
			return full("Authorizers")
		}
		a.AuthorizerID = newID(7, api.Authorizers)
		api.Authorizers[a.AuthorizerID] = a
		s.autoDeploy(api)
		return nil
	})
}

func (a *Authorizer) acceptable(api *API) error {
	if err := a.check(); err != nil {
		return err
	}
	return a.freeName(api)
}

func authorizersOf(api *API) map[string]*Authorizer { return api.Authorizers }

func (s *Service) getAuthorizers(c *call) (any, error) {
	return list(s, c, authorizersOf, func(a *Authorizer) string { return a.AuthorizerID })
}

func (s *Service) getAuthorizer(c *call) (any, error) {
	return member(s, c, "Authorizer", c.PathValue("authorizerId"), authorizersOf)
}

func (s *Service) updateAuthorizer(c *call) (any, error) {
	in, err := decode[authorizerInput](c)
	if err != nil {
		return nil, err
	}
	if in.IdentityValidationExpression != nil {
		return nil, unsupported("identityValidationExpression")
	}
	id := c.PathValue("authorizerId")
	var updated *Authorizer
	// The API may change while the issuer is fetched, so this runs twice.
	merge := func(api *API) error {
		current := api.Authorizers[id]
		if current == nil {
			return notFound("Authorizer", "Invalid Authorizer identifier specified")
		}
		updated = in.onto(*current)
		// That the type is fixed is a guess: nothing shows it changing.
		if updated.AuthorizerType != current.AuthorizerType {
			return badRequest("Authorizer type cannot be changed from %s to %s", current.AuthorizerType, updated.AuthorizerType)
		}
		return updated.acceptable(api)
	}
	if err := s.view(c, merge); err != nil {
		return nil, err
	}
	if err := s.checkIssuer(c, in, updated); err != nil {
		return nil, err
	}
	err = s.change(c, func(api *API) error {
		if err := merge(api); err != nil {
			return err
		}
		api.Authorizers[id] = updated
		s.autoDeploy(api)
		return nil
	})
	return updated, err
}

func (s *Service) deleteAuthorizer(c *call) (any, error) {
	return nil, s.change(c, func(api *API) error {
		id := c.PathValue("authorizerId")
		a := api.Authorizers[id]
		if a == nil {
			return notFound("Authorizer", "Invalid Authorizer identifier specified")
		}
		for _, route := range api.sortedRoutes() {
			if route.AuthorizerID == id {
				// The text of https://github.com/anomalyco/sst/issues/5586.
				return conflict("Cannot delete authorizer '%s', is referenced in route: %s", a.Name, route.RouteKey)
			}
		}
		delete(api.Authorizers, id)
		s.autoDeploy(api)
		return nil
	})
}
