package apigateway

import (
	"maps"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// apiInput is the request of CreateApi and of UpdateApi.
type apiInput struct {
	Name                      *string           `json:"name"`
	Description               *string           `json:"description"`
	ProtocolType              *string           `json:"protocolType"`
	RouteSelectionExpression  *string           `json:"routeSelectionExpression"`
	APIKeySelectionExpression *string           `json:"apiKeySelectionExpression"`
	CORSConfiguration         *CORS             `json:"corsConfiguration"`
	DisableExecuteAPIEndpoint *bool             `json:"disableExecuteApiEndpoint"`
	DisableSchemaValidation   *bool             `json:"disableSchemaValidation"`
	IPAddressType             *string           `json:"ipAddressType"`
	Version                   *string           `json:"version"`
	Tags                      map[string]string `json:"tags"`
	CredentialsARN            *string           `json:"credentialsArn"`
	RouteKey                  *string           `json:"routeKey"`
	Target                    *string           `json:"target"`
}

// check refuses what neither CreateApi nor UpdateApi takes.
func (in apiInput) check() error {
	if in.Target != nil || in.RouteKey != nil || in.CredentialsARN != nil {
		return wire.NotImplemented("quick create (target, routeKey, credentialsArn)")
	}
	if in.DisableSchemaValidation != nil {
		return unsupported("disableSchemaValidation")
	}
	if err := length("name", in.Name, 1, 128); err != nil {
		return err
	}
	if err := length("description", in.Description, 0, 1024); err != nil {
		return err
	}
	if err := length("version", in.Version, 0, 64); err != nil {
		return err
	}
	// Both spellings are in AWS's documentation.
	expressions := []string{"$request.method $request.path", "${request.method} ${request.path}"}
	if e := in.RouteSelectionExpression; e != nil && !slices.Contains(expressions, *e) {
		return badRequest("Invalid routeSelectionExpression: got %q, want %q on protocolType HTTP", *e, expressions[0])
	}
	if t := in.IPAddressType; t != nil && *t != "ipv4" && *t != "dualstack" {
		return badRequest("Invalid ipAddressType: got %q, want ipv4 or dualstack", *t)
	}
	return in.CORSConfiguration.check()
}

// apply puts the members that are given over those of api. A CORS
// configuration without members is none: terraform-provider-aws sends that
// after it deleted the configuration. That AWS sees it so is a guess.
func (in apiInput) apply(api *API) {
	set(&api.Name, in.Name)
	set(&api.Description, in.Description)
	set(&api.RouteSelectionExpression, in.RouteSelectionExpression)
	set(&api.APIKeySelectionExpression, in.APIKeySelectionExpression)
	set(&api.DisableExecuteAPIEndpoint, in.DisableExecuteAPIEndpoint)
	set(&api.IPAddressType, in.IPAddressType)
	set(&api.Version, in.Version)
	if in.CORSConfiguration != nil {
		api.CORSConfiguration = in.CORSConfiguration
		if in.CORSConfiguration.empty() {
			api.CORSConfiguration = nil
		}
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// answer is the API without what is below it.
func (a *API) answer() API {
	alone := *a
	alone.Authorizers, alone.Integrations, alone.Routes, alone.Stages, alone.Deployments = nil, nil, nil, nil, nil
	return alone
}

func (s *Service) createAPI(c *call) (any, error) {
	in, err := decode[apiInput](c)
	if err != nil {
		return nil, err
	}
	if in.Name == nil || in.ProtocolType == nil {
		return nil, badRequest("Name and ProtocolType are required")
	}
	switch *in.ProtocolType {
	case "HTTP":
	case "WEBSOCKET":
		return nil, wire.NotImplemented("protocolType WEBSOCKET")
	default:
		return nil, badRequest("Invalid protocolType: got %q, want HTTP or WEBSOCKET", *in.ProtocolType)
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	tags, err := tagging.Merge(nil, in.Tags)
	if err != nil {
		return nil, badRequest("Invalid tags: %v", err)
	}
	api := &API{
		ProtocolType:              "HTTP",
		RouteSelectionExpression:  "$request.method $request.path",
		APIKeySelectionExpression: "$request.header.x-api-key",
		IPAddressType:             "ipv4",
		CreatedDate:               s.date(),
		Tags:                      tags,
	}
	in.apply(api)
	api.fill()
	err = s.state.Update(func(all *State) error {
		api.APIID = newID(10, all.APIs)
		api.APIEndpoint = s.Endpoint(api.APIID)
		all.APIs[api.APIID] = api
		s.generation.Add(1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.answer(), nil
}

func (s *Service) getAPIs(c *call) (any, error) {
	var apis []API
	s.state.View(func(all *State) {
		for api := range maps.Values(all.APIs) {
			apis = append(apis, api.answer())
		}
	})
	return page(c, apis, func(api API) string { return api.APIID })
}

func (s *Service) getAPI(c *call) (any, error) {
	var found API
	err := s.view(c, func(api *API) error {
		found = api.answer()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (s *Service) updateAPI(c *call) (any, error) {
	in, err := decode[apiInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	var updated API
	err = s.change(c, func(api *API) error {
		in.apply(api)
		s.autoDeploy(api)
		updated = api.answer()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

func (s *Service) deleteAPI(c *call) (any, error) {
	return nil, s.state.Update(func(all *State) error {
		id := c.PathValue("apiId")
		if all.APIs[id] == nil {
			return s.noAPI(c)
		}
		delete(all.APIs, id)
		s.generation.Add(1)
		return nil
	})
}

func (s *Service) deleteCORS(c *call) (any, error) {
	return nil, s.change(c, func(api *API) error {
		api.CORSConfiguration = nil
		s.autoDeploy(api)
		return nil
	})
}
