package apigateway

import (
	"maps"
	"regexp"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

type stageInput struct {
	StageName            *string                        `json:"stageName"`
	AutoDeploy           *bool                          `json:"autoDeploy"`
	Description          *string                        `json:"description"`
	DeploymentID         *string                        `json:"deploymentId"`
	AccessLogSettings    *AccessLogSettings             `json:"accessLogSettings"`
	DefaultRouteSettings *routeSettingsInput            `json:"defaultRouteSettings"`
	RouteSettings        map[string]*routeSettingsInput `json:"routeSettings"`
	StageVariables       map[string]string              `json:"stageVariables"`
	Tags                 map[string]string              `json:"tags"`
	ClientCertificateID  *string                        `json:"clientCertificateId"`
}

type routeSettingsInput struct {
	DataTraceEnabled       *bool    `json:"dataTraceEnabled"`
	DetailedMetricsEnabled *bool    `json:"detailedMetricsEnabled"`
	LoggingLevel           *string  `json:"loggingLevel"`
	ThrottlingBurstLimit   *int     `json:"throttlingBurstLimit"`
	ThrottlingRateLimit    *float64 `json:"throttlingRateLimit"`
}

func (in *routeSettingsInput) check() error {
	if in == nil {
		return nil
	}
	// The text of https://github.com/terraform-aws-modules/terraform-aws-apigateway-v2/issues/42.
	if in.DataTraceEnabled != nil && *in.DataTraceEnabled || in.LoggingLevel != nil && *in.LoggingLevel != "OFF" && *in.LoggingLevel != "" {
		return badRequest("Execution logs are not supported on protocolType HTTP")
	}
	if in.ThrottlingBurstLimit != nil && *in.ThrottlingBurstLimit < 0 {
		return badRequest("Invalid throttlingBurstLimit: got %d, want 0 or more", *in.ThrottlingBurstLimit)
	}
	if in.ThrottlingRateLimit != nil && *in.ThrottlingRateLimit < 0 {
		return badRequest("Invalid throttlingRateLimit: got %g, want 0 or more", *in.ThrottlingRateLimit)
	}
	return nil
}

// onto returns the settings that come of putting the members that are given
// over those of r. So an empty object removes no throttle, which is what
// https://github.com/hashicorp/terraform-provider-aws/pull/43307 warns of.
func (in *routeSettingsInput) onto(r RouteSettings) *RouteSettings {
	set(&r.DetailedMetricsEnabled, in.DetailedMetricsEnabled)
	if in.ThrottlingBurstLimit != nil {
		r.ThrottlingBurstLimit = in.ThrottlingBurstLimit
	}
	if in.ThrottlingRateLimit != nil {
		r.ThrottlingRateLimit = in.ThrottlingRateLimit
	}
	return &r
}

var (
	stageName     = regexp.MustCompile(`^(\$default|[A-Za-z0-9_-]{1,128})$`)
	variableName  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9._~:/?#&=,-]{0,512}$`)
)

// check refuses what is wrong whatever the stage holds already.
func (in stageInput) check() error {
	if in.ClientCertificateID != nil && *in.ClientCertificateID != "" {
		return unsupported("clientCertificateId")
	}
	if err := length("description", in.Description, 0, 1024); err != nil {
		return err
	}
	for name, value := range in.StageVariables {
		if !variableName.MatchString(name) {
			return badRequest("Stage variable name %q is invalid: want 1 to 64 alphanumeric characters and underscores", name)
		}
		if !variableValue.MatchString(value) {
			return badRequest("Stage variable value %q of %s is invalid. Please use values with alphanumeric characters and the symbols ' ', '-', '.', '_', ':', '/', '?', '&', '=', and ','.", value, name)
		}
	}
	if err := in.DefaultRouteSettings.check(); err != nil {
		return err
	}
	for _, settings := range in.RouteSettings {
		if err := settings.check(); err != nil {
			return err
		}
	}
	return nil
}

// onto returns the stage that comes of putting the members that are given over
// those of stage, or why it cannot be. A stage variable with the value "" and
// access log settings without members are removed; the latter is a guess.
func (in stageInput) onto(stage Stage, api *API) (*Stage, error) {
	set(&stage.AutoDeploy, in.AutoDeploy)
	set(&stage.Description, in.Description)
	if in.DeploymentID != nil && *in.DeploymentID != "" {
		// AWS refuses the two together, see
		// https://github.com/aws-controllers-k8s/apigatewayv2-controller/pull/15; the text is a guess.
		if stage.AutoDeploy {
			return nil, badRequest("Deployment ID cannot be set for a stage with auto-deploy enabled")
		}
		if api.Deployments[*in.DeploymentID] == nil {
			return nil, notFound("Deployment", "Invalid Deployment identifier specified")
		}
		stage.DeploymentID = *in.DeploymentID
	}
	if in.AccessLogSettings != nil {
		stage.AccessLogSettings = in.AccessLogSettings
		if *in.AccessLogSettings == (AccessLogSettings{}) {
			stage.AccessLogSettings = nil
		}
	}
	if in.DefaultRouteSettings != nil {
		stage.DefaultRouteSettings = in.DefaultRouteSettings.onto(*stage.DefaultRouteSettings)
	}
	stage.RouteSettings = orEmpty(maps.Clone(stage.RouteSettings))
	for key, settings := range in.RouteSettings {
		if !api.hasRoute(key) {
			// The text of https://github.com/terraform-aws-modules/terraform-aws-apigateway-v2/issues/80.
			return nil, notFound("Route", "Unable to find Route by key %s within the provided RouteSettings", key)
		}
		if settings == nil {
			continue
		}
		// A route's settings inherit nothing (terraform-aws-apigateway-v2#78).
		stage.RouteSettings[key] = settings.onto(RouteSettings{})
	}
	stage.StageVariables = orEmpty(maps.Clone(stage.StageVariables))
	maps.Copy(stage.StageVariables, in.StageVariables)
	maps.DeleteFunc(stage.StageVariables, func(_, value string) bool { return value == "" })
	if len(stage.StageVariables) > maxVariables {
		return nil, badRequest("Invalid stageVariables: got %d, want at most %d", len(stage.StageVariables), maxVariables)
	}
	return &stage, nil
}

func (a *API) hasRoute(key string) bool {
	for _, route := range a.Routes {
		if route.RouteKey == key {
			return true
		}
	}
	return false
}

func (s *Service) createStage(c *call) (any, error) {
	in, err := decode[stageInput](c)
	if err != nil {
		return nil, err
	}
	if in.StageName == nil {
		return nil, badRequest("Stage name is required")
	}
	if !stageName.MatchString(*in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_- or $default: got %q", *in.StageName)
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	tags, err := tagging.Merge(nil, in.Tags)
	if err != nil {
		return nil, badRequest("Invalid tags: %v", err)
	}
	now := s.date()
	fresh := Stage{
		StageName: *in.StageName, DefaultRouteSettings: &RouteSettings{},
		CreatedDate: now, LastUpdatedDate: now, Tags: tags,
	}
	// Logging is enabled outside of the state's lock, so the API is checked twice.
	var stage *Stage
	build := func(api *API) error {
		if api.Stages[fresh.StageName] != nil {
			// Seen of REST APIs (https://github.com/hashicorp/terraform-provider-aws/issues/1153);
			// that HTTP APIs say the same is a guess.
			return conflict("Stage already exists")
		}
		if len(api.Stages) >= maxStages {
			return full("Stages")
		}
		var err error
		stage, err = in.onto(fresh, api)
		return err
	}
	if err := s.view(c, build); err != nil {
		return nil, err
	}
	if err := s.enableLogging(stage.AccessLogSettings); err != nil {
		return nil, err
	}
	err = s.change(c, func(api *API) error {
		if err := build(api); err != nil {
			return err
		}
		api.Stages[stage.StageName] = stage
		if stage.AutoDeploy {
			s.autoDeploy(api)
			stage = api.Stages[stage.StageName]
		}
		return nil
	})
	return stage, err
}

func stagesOf(api *API) map[string]*Stage { return api.Stages }

func (s *Service) getStages(c *call) (any, error) {
	return list(s, c, stagesOf, func(stage *Stage) string { return stage.StageName })
}

func (s *Service) getStage(c *call) (any, error) {
	return member(s, c, "Stage", c.PathValue("stageName"), stagesOf)
}

// changeStage replaces the stage that the request names by what fn returns.
func (s *Service) changeStage(c *call, fn func(*API, Stage) (*Stage, error)) error {
	return s.change(c, func(api *API) error {
		updated, err := s.updatedStage(c, api, fn)
		if err != nil {
			return err
		}
		api.Stages[updated.StageName] = updated
		return nil
	})
}

func (s *Service) updatedStage(c *call, api *API, fn func(*API, Stage) (*Stage, error)) (*Stage, error) {
	current := api.Stages[c.PathValue("stageName")]
	if current == nil {
		return nil, notFound("Stage", "Invalid Stage identifier specified")
	}
	updated, err := fn(api, *current)
	if err != nil {
		return nil, err
	}
	updated.LastUpdatedDate = s.date()
	return updated, nil
}

func (s *Service) updateStage(c *call) (any, error) {
	in, err := decode[stageInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	merge := func(api *API, current Stage) (*Stage, error) { return in.onto(current, api) }
	var stage *Stage
	err = s.view(c, func(api *API) error {
		var err error
		stage, err = s.updatedStage(c, api, merge)
		return err
	})
	if err != nil {
		return nil, err
	}
	if in.AccessLogSettings != nil {
		if err := s.enableLogging(stage.AccessLogSettings); err != nil {
			return nil, err
		}
	}
	err = s.change(c, func(api *API) error {
		began := !api.autoDeploys(c.PathValue("stageName"))
		var err error
		stage, err = s.updatedStage(c, api, merge)
		if err != nil {
			return err
		}
		api.Stages[stage.StageName] = stage
		if stage.AutoDeploy && began {
			s.autoDeploy(api)
			stage = api.Stages[stage.StageName]
		}
		return nil
	})
	return stage, err
}

func (a *API) autoDeploys(stageName string) bool {
	stage := a.Stages[stageName]
	return stage != nil && stage.AutoDeploy
}

func (s *Service) deleteStage(c *call) (any, error) {
	return nil, s.change(c, func(api *API) error {
		name := c.PathValue("stageName")
		if api.Stages[name] == nil {
			return notFound("Stage", "Invalid Stage identifier specified")
		}
		delete(api.Stages, name)
		return nil
	})
}

func (s *Service) deleteAccessLogSettings(c *call) (any, error) {
	return nil, s.changeStage(c, func(_ *API, stage Stage) (*Stage, error) {
		stage.AccessLogSettings = nil
		return &stage, nil
	})
}

func (s *Service) deleteRouteSettings(c *call) (any, error) {
	return nil, s.changeStage(c, func(_ *API, stage Stage) (*Stage, error) {
		key := c.PathValue("routeKey")
		if stage.RouteSettings[key] == nil {
			return nil, notFound("RouteSettings", "Unable to find RouteSettings by key %s", key)
		}
		stage.RouteSettings = maps.Clone(stage.RouteSettings)
		delete(stage.RouteSettings, key)
		return &stage, nil
	})
}
