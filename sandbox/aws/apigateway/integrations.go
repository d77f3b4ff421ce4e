package apigateway

import (
	"maps"
	"regexp"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

type integrationInput struct {
	IntegrationType      *string                      `json:"integrationType"`
	IntegrationSubtype   *string                      `json:"integrationSubtype"`
	IntegrationMethod    *string                      `json:"integrationMethod"`
	IntegrationURI       *string                      `json:"integrationUri"`
	ConnectionType       *string                      `json:"connectionType"`
	ConnectionID         *string                      `json:"connectionId"`
	CredentialsARN       *string                      `json:"credentialsArn"`
	Description          *string                      `json:"description"`
	PayloadFormatVersion *string                      `json:"payloadFormatVersion"`
	TimeoutInMillis      *int                         `json:"timeoutInMillis"`
	RequestParameters    map[string]string            `json:"requestParameters"`
	ResponseParameters   map[string]map[string]string `json:"responseParameters"`
	TLSConfig            *TLSConfig                   `json:"tlsConfig"`

	// PassthroughBehavior is of WebSocket APIs. It is accepted and not kept:
	// terraform-provider-aws sends its default and its acceptance tests read
	// back nothing.
	PassthroughBehavior         *string           `json:"passthroughBehavior"`
	ContentHandlingStrategy     *string           `json:"contentHandlingStrategy"`
	RequestTemplates            map[string]string `json:"requestTemplates"`
	TemplateSelectionExpression *string           `json:"templateSelectionExpression"`
}

// onto returns the integration that comes of putting the members that are
// given over those of i. A request parameter with the value "" and a status
// without response parameters are removed.
func (in integrationInput) onto(i Integration) *Integration {
	set(&i.IntegrationType, in.IntegrationType)
	set(&i.IntegrationMethod, in.IntegrationMethod)
	set(&i.IntegrationURI, in.IntegrationURI)
	set(&i.CredentialsARN, in.CredentialsARN)
	set(&i.Description, in.Description)
	set(&i.PayloadFormatVersion, in.PayloadFormatVersion)
	set(&i.TimeoutInMillis, in.TimeoutInMillis)
	if in.RequestParameters != nil {
		i.RequestParameters = orEmpty(maps.Clone(i.RequestParameters))
		maps.Copy(i.RequestParameters, in.RequestParameters)
		maps.DeleteFunc(i.RequestParameters, func(_, value string) bool { return value == "" })
	}
	if in.ResponseParameters != nil {
		i.ResponseParameters = orEmpty(maps.Clone(i.ResponseParameters))
		maps.Copy(i.ResponseParameters, in.ResponseParameters)
		maps.DeleteFunc(i.ResponseParameters, func(_ string, value map[string]string) bool { return len(value) == 0 })
	}
	if i.IntegrationType == "AWS_PROXY" && i.IntegrationMethod == "" {
		i.IntegrationMethod = "POST"
	}
	return &i
}

// check refuses what HTTP APIs do not have.
func (in integrationInput) check() error {
	if in.ContentHandlingStrategy != nil {
		return unsupported("contentHandlingStrategy")
	}
	if in.RequestTemplates != nil {
		return unsupported("requestTemplates")
	}
	if in.TemplateSelectionExpression != nil {
		return unsupported("templateSelectionExpression")
	}
	if in.IntegrationSubtype != nil && *in.IntegrationSubtype != "" {
		return wire.NotImplemented("integrationSubtype " + *in.IntegrationSubtype)
	}
	switch {
	case in.ConnectionType != nil && *in.ConnectionType == "VPC_LINK":
		return wire.NotImplemented("connectionType VPC_LINK")
	case in.ConnectionType != nil && *in.ConnectionType != "INTERNET":
		return badRequest("Invalid connectionType: got %q, want INTERNET or VPC_LINK", *in.ConnectionType)
	case in.ConnectionID != nil && *in.ConnectionID != "":
		return badRequest("connectionId is supported only for connectionType VPC_LINK")
	case in.TLSConfig != nil && in.TLSConfig.ServerNameToVerify != "":
		return badRequest("tlsConfig is supported only for private integrations")
	}
	return nil
}

// The parts of a Lambda function's invocation ARN.
const (
	invocation  = `arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/`
	functionARN = `arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9:_$-]+`
)

var (
	integrationMethod = regexp.MustCompile(`^(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$`)
	lambdaURI         = regexp.MustCompile(`^(` + invocation + `)?` + functionARN + `(/invocations)?$`)
)

func (i *Integration) check() error {
	if err := length("description", &i.Description, 0, 1024); err != nil {
		return err
	}
	if err := length("integrationUri", &i.IntegrationURI, 1, 2048); err != nil {
		return err
	}
	if !integrationMethod.MatchString(i.IntegrationMethod) {
		return badRequest("Invalid HTTP method specified: got %q, want an HTTP method or ANY", i.IntegrationMethod)
	}
	if i.TimeoutInMillis < 50 || i.TimeoutInMillis > 30000 {
		return badRequest("Timeout should be between 50 ms and 30000 ms: got %d", i.TimeoutInMillis)
	}
	// "Required for HTTP APIs. Supported values for Lambda proxy integrations
	// are 1.0 and 2.0. For all other integrations, 1.0 is the only supported
	// value." (API reference of CreateIntegration.) The texts are guesses.
	if i.PayloadFormatVersion == "" {
		return badRequest("PayloadFormatVersion is a required parameter for integration with protocolType HTTP")
	}
	switch i.IntegrationType {
	case "HTTP_PROXY":
		if i.PayloadFormatVersion != "1.0" {
			return badRequest("Invalid payloadFormatVersion: got %q, want 1.0 for integrationType HTTP_PROXY", i.PayloadFormatVersion)
		}
		if err := checkBackend(i.IntegrationURI); err != nil {
			return err
		}
	case "AWS_PROXY":
		if i.PayloadFormatVersion != "1.0" && i.PayloadFormatVersion != "2.0" {
			return badRequest("Invalid payloadFormatVersion: got %q, want 1.0 or 2.0", i.PayloadFormatVersion)
		}
		if !lambdaURI.MatchString(i.IntegrationURI) {
			return badRequest("Invalid integrationUri: got %q, want the ARN or the invocation ARN of a Lambda function", i.IntegrationURI)
		}
		if i.CredentialsARN != "" && !roleARN.MatchString(i.CredentialsARN) {
			return badRequest("Invalid ARN specified in the request: credentialsArn %q", i.CredentialsARN)
		}
	default:
		return badRequest("Invalid integrationType: got %q, want HTTP_PROXY or AWS_PROXY on protocolType HTTP", i.IntegrationType)
	}
	if err := checkRequestParameters(i.RequestParameters); err != nil {
		return err
	}
	return checkResponseParameters(i.ResponseParameters)
}

func (s *Service) createIntegration(c *call) (any, error) {
	in, err := decode[integrationInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	i := in.onto(Integration{ConnectionType: "INTERNET", TimeoutInMillis: 30000})
	if err := i.check(); err != nil {
		return nil, err
	}
	return i, s.change(c, func(api *API) error {
		if len(api.Integrations) >= maxIntegrations {
			return full("Integrations")
		}
		i.IntegrationID = newID(7, api.Integrations)
		api.Integrations[i.IntegrationID] = i
		s.autoDeploy(api)
		return nil
	})
}

func integrationsOf(api *API) map[string]*Integration { return api.Integrations }

func (s *Service) getIntegrations(c *call) (any, error) {
	return list(s, c, integrationsOf, func(i *Integration) string { return i.IntegrationID })
}

func (s *Service) getIntegration(c *call) (any, error) {
	return member(s, c, "Integration", c.PathValue("integrationId"), integrationsOf)
}

func (s *Service) updateIntegration(c *call) (any, error) {
	in, err := decode[integrationInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	var updated *Integration
	err = s.change(c, func(api *API) error {
		id := c.PathValue("integrationId")
		current := api.Integrations[id]
		if current == nil {
			return notFound("Integration", "Invalid Integration identifier specified")
		}
		updated = in.onto(*current)
		if err := updated.check(); err != nil {
			return err
		}
		api.Integrations[id] = updated
		s.autoDeploy(api)
		return nil
	})
	return updated, err
}

func (s *Service) deleteIntegration(c *call) (any, error) {
	return nil, s.change(c, func(api *API) error {
		id := c.PathValue("integrationId")
		if api.Integrations[id] == nil {
			return notFound("Integration", "Invalid Integration identifier specified")
		}
		var users []string
		for _, route := range api.sortedRoutes() {
			if route.Target == "integrations/"+id {
				users = append(users, route.RouteID)
			}
		}
		if len(users) > 0 {
			// The text of https://github.com/milliHQ/terraform-aws-next-js/issues/247.
			return conflict("Cannot delete Integration because it is referenced by the following Routes with Ids: [%s]", strings.Join(users, ", "))
		}
		delete(api.Integrations, id)
		s.autoDeploy(api)
		return nil
	})
}
