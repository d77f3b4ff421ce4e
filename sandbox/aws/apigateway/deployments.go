package apigateway

import (
	"cmp"
	"maps"
	"slices"
)

// keptDeployments is how many automatic deployments that no stage serves are
// kept. AWS keeps them all; here they would fill the state.
const keptDeployments = 3

type deploymentInput struct {
	Description *string `json:"description"`
	StageName   *string `json:"stageName"`
}

// snapshot adds a deployment of what the API holds now. Members of an API are
// replaced and never changed, so that the deployment may share them.
func (s *Service) snapshot(api *API) *Deployment {
	d := &Deployment{
		DeploymentID:      newID(6, api.Deployments),
		CreatedDate:       s.date(),
		DeploymentStatus:  "DEPLOYED",
		CORSConfiguration: api.CORSConfiguration,
		Authorizers:       maps.Clone(api.Authorizers),
		Integrations:      maps.Clone(api.Integrations),
		Routes:            maps.Clone(api.Routes),
	}
	api.Deployments[d.DeploymentID] = d
	return d
}

// autoDeploy deploys the API to its stages with auto-deploy, after a change.
// It is immediate here; AWS takes seconds. An API without routes cannot be
// deployed, so such a stage keeps serving what it did.
func (s *Service) autoDeploy(api *API) {
	var stages []*Stage
	for _, stage := range api.Stages {
		if stage.AutoDeploy {
			stages = append(stages, stage)
		}
	}
	if len(stages) == 0 {
		return
	}
	deployed, message := "", "Deployment attempt failed: Unable to deploy API because no routes exist in this API"
	if len(api.Routes) > 0 {
		d := s.snapshot(api)
		d.AutoDeployed = true
		d.Description = "Automatic deployment triggered by changes to the Api configuration"
		deployed, message = d.DeploymentID, "Successfully deployed stage with deployment ID '"+d.DeploymentID+"'"
	}
	for _, stage := range stages {
		next := *stage
		next.LastDeploymentStatusMessage = message
		if deployed != "" {
			next.DeploymentID = deployed
			next.LastUpdatedDate = s.date()
		}
		api.Stages[next.StageName] = &next
	}
	api.forget()
}

// forget drops automatic deployments that nothing refers to, but the latest.
func (a *API) forget() {
	var idle []*Deployment
	for _, d := range a.Deployments {
		if d.AutoDeployed && !a.serves(d.DeploymentID) {
			idle = append(idle, d)
		}
	}
	slices.SortFunc(idle, func(x, y *Deployment) int {
		return cmp.Or(y.CreatedDate.Compare(x.CreatedDate), cmp.Compare(x.DeploymentID, y.DeploymentID))
	})
	for i, d := range idle {
		if i >= keptDeployments {
			delete(a.Deployments, d.DeploymentID)
		}
	}
}

func (a *API) serves(deploymentID string) bool {
	for _, stage := range a.Stages {
		if stage.DeploymentID == deploymentID {
			return true
		}
	}
	return false
}

// answer is the deployment without its snapshot.
func (d *Deployment) answer() *Deployment {
	alone := *d
	alone.CORSConfiguration, alone.Authorizers, alone.Integrations, alone.Routes = nil, nil, nil, nil
	return &alone
}

func (s *Service) createDeployment(c *call) (any, error) {
	in, err := decode[deploymentInput](c)
	if err != nil {
		return nil, err
	}
	if err := length("description", in.Description, 0, 1024); err != nil {
		return nil, err
	}
	var created *Deployment
	err = s.change(c, func(api *API) error {
		var stage *Stage
		if in.StageName != nil {
			stage = api.Stages[*in.StageName]
			if stage == nil {
				return notFound("Stage", "Invalid Stage identifier specified")
			}
			if stage.AutoDeploy {
				return badRequest("Unable to deploy to stage %s: auto-deploy is enabled for it", stage.StageName)
			}
		}
		if len(api.Routes) == 0 {
			return badRequest("At least one route is required before deploying the Api.")
		}
		created = s.snapshot(api)
		set(&created.Description, in.Description)
		if stage != nil {
			next := *stage
			next.DeploymentID = created.DeploymentID
			next.LastUpdatedDate = s.date()
			api.Stages[next.StageName] = &next
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created.answer(), nil
}

// answers are the deployments of an API without their snapshots.
func answers(api *API) map[string]*Deployment {
	alone := map[string]*Deployment{}
	for id, d := range api.Deployments {
		alone[id] = d.answer()
	}
	return alone
}

func (s *Service) getDeployments(c *call) (any, error) {
	return list(s, c, answers, func(d *Deployment) string { return d.DeploymentID })
}

func (s *Service) getDeployment(c *call) (any, error) {
	return member(s, c, "Deployment", c.PathValue("deploymentId"), answers)
}

func (s *Service) updateDeployment(c *call) (any, error) {
	in, err := decode[deploymentInput](c)
	if err != nil {
		return nil, err
	}
	if err := length("description", in.Description, 0, 1024); err != nil {
		return nil, err
	}
	var updated *Deployment
	err = s.change(c, func(api *API) error {
		current := api.Deployments[c.PathValue("deploymentId")]
		if current == nil {
			return notFound("Deployment", "Invalid Deployment identifier specified")
		}
		next := *current
		set(&next.Description, in.Description)
		api.Deployments[next.DeploymentID] = &next
		updated = next.answer()
		return nil
	})
	return updated, err
}

func (s *Service) deleteDeployment(c *call) (any, error) {
	return nil, s.change(c, func(api *API) error {
		id := c.PathValue("deploymentId")
		if api.Deployments[id] == nil {
			return notFound("Deployment", "Invalid Deployment identifier specified")
		}
		if api.serves(id) {
			return badRequest("Active stages pointing to this deployment must be moved or deleted")
		}
		delete(api.Deployments, id)
		return nil
	})
}

// Deployed returns an API without what is below it, its stages, and the
// deployment that each serves, or nil for a stage without one. All of it is
// read only.
func (s *Service) Deployed(apiID string) (api API, stages map[*Stage]*Deployment, generation uint64, ok bool) {
	s.state.View(func(all *State) {
		found := all.APIs[apiID]
		generation = s.generation.Load()
		if found == nil {
			return
		}
		ok = true
		api = found.answer()
		stages = map[*Stage]*Deployment{}
		for _, stage := range found.Stages {
			stages[stage] = found.Deployments[stage.DeploymentID]
		}
	})
	return api, stages, generation, ok
}
