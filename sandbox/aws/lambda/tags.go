package lambda

import (
	"maps"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

type tagsInput struct{ Tags map[string]string }

// tagged returns the function whose tags a request names.
func (s *Service) tagged(c *call) (string, error) {
	arn := c.PathValue("arn")
	name, ok := strings.CutPrefix(arn, s.ARN(""))
	if !ok || !functionName.MatchString(name) {
		return "", invalid("Invalid resource ARN: got '%s', want %sNAME", arn, s.ARN(""))
	}
	return name, nil
}

func (s *Service) tagResource(c *call) (any, error) {
	name, err := s.tagged(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[tagsInput](c)
	if err != nil {
		return nil, err
	}
	return nil, s.change(name, func(fn *Function) error {
		merged, err := tagging.Merge(fn.Tags, in.Tags)
		if err != nil {
			return invalid("%v", err)
		}
		fn.Tags = merged
		return nil
	})
}

func (s *Service) untagResource(c *call) (any, error) {
	name, err := s.tagged(c)
	if err != nil {
		return nil, err
	}
	keys := c.URL.Query()["tagKeys"]
	if len(keys) == 0 {
		return nil, constraint("null", "tagKeys", "Member must not be null")
	}
	return nil, s.change(name, func(fn *Function) error {
		left := maps.Clone(fn.Tags)
		for _, key := range keys {
			delete(left, key)
		}
		fn.Tags = left
		return nil
	})
}

func (s *Service) listTags(c *call) (any, error) {
	name, err := s.tagged(c)
	if err != nil {
		return nil, err
	}
	var out tagsInput
	return &out, s.view(name, func(fn *Function) error {
		out.Tags = fn.Tags
		return nil
	})
}

// TaggedResources returns the functions that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for name, fn := range all.Functions {
			if len(fn.Tags) > 0 {
				resources = append(resources, tagging.Resource{ARN: s.ARN(name), Type: "lambda:function", Tags: fn.Tags})
			}
		}
	})
	return resources
}
