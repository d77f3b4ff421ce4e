package apigateway

import (
	"maps"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

// ARN returns the name of an API as tags and policies know it. It has no
// account (https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html).
func (s *Service) ARN(apiID string) string {
	return "arn:aws:apigateway:" + s.Region + "::/apis/" + apiID
}

// tagged finds the tags that the ARN of the request names, to read or to
// replace. Tags belong to an API or a stage.
func (s *Service) tagged(c *call, all *State) (tags map[string]string, replace func(map[string]string), err error) {
	arn := c.PathValue("arn")
	rest, ok := strings.CutPrefix(arn, s.ARN(""))
	if !ok {
		return nil, nil, badRequest("Invalid ARN specified in the request: got '%s', want %s followed by an API id", arn, s.ARN(""))
	}
	id, stageName, isStage := strings.Cut(rest, "/stages/")
	api := all.APIs[id]
	if api == nil {
		return nil, nil, notFound("Api", "Invalid API identifier specified %s:%s", s.Account, id)
	}
	if !isStage {
		return api.Tags, func(tags map[string]string) { api.Tags = tags }, nil
	}
	stage := api.Stages[stageName]
	if stage == nil {
		return nil, nil, notFound("Stage", "Invalid Stage identifier specified")
	}
	return stage.Tags, func(tags map[string]string) {
		next := *stage
		next.Tags = tags
		api.Stages[stageName] = &next
	}, nil
}

type tagsInput struct {
	Tags map[string]string `json:"tags"`
}

func (s *Service) tagResource(c *call) (any, error) {
	in, err := decode[tagsInput](c)
	if err != nil {
		return nil, err
	}
	err = s.state.Update(func(all *State) error {
		tags, replace, err := s.tagged(c, all)
		if err != nil {
			return err
		}
		merged, err := tagging.Merge(tags, in.Tags)
		if err != nil {
			return badRequest("Invalid tags: %v", err)
		}
		replace(merged)
		s.generation.Add(1)
		return nil
	})
	return struct{}{}, err
}

func (s *Service) untagResource(c *call) (any, error) {
	keys := c.URL.Query()["tagKeys"]
	if len(keys) == 0 {
		return nil, badRequest("tagKeys is required")
	}
	return nil, s.state.Update(func(all *State) error {
		tags, replace, err := s.tagged(c, all)
		if err != nil {
			return err
		}
		left := orEmpty(maps.Clone(tags))
		for _, key := range keys {
			delete(left, key)
		}
		replace(left)
		s.generation.Add(1)
		return nil
	})
}

func (s *Service) getTags(c *call) (any, error) {
	var out tagsInput
	var err error
	s.state.View(func(all *State) {
		out.Tags, _, err = s.tagged(c, all)
	})
	return out, err
}

// TaggedResources returns the APIs and stages that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	add := func(arn, kind string, tags map[string]string) {
		if len(tags) > 0 {
			resources = append(resources, tagging.Resource{ARN: arn, Type: "apigateway:" + kind, Tags: tags})
		}
	}
	s.state.View(func(all *State) {
		for id, api := range all.APIs {
			add(s.ARN(id), "apis", api.Tags)
			for name, stage := range api.Stages {
				add(s.ARN(id)+"/stages/"+name, "stages", stage.Tags)
			}
		}
	})
	return resources
}
