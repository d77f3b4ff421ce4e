package events

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

type tagsInput struct {
	ResourceARN string
	Tags        []tag
	TagKeys     []string
}

// tagged returns the name of the rule that an ARN names.
func (s *Service) tagged(arn string) (string, error) {
	name, ok := strings.CutPrefix(arn, s.RuleARN(""))
	if !ok {
		return "", invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn)
	}
	return strings.TrimPrefix(name, defaultBus+"/"), nil
}

func (s *Service) changeTags(r *http.Request, fn func(*Rule, tagsInput) (map[string]string, error)) error {
	in, err := decode[tagsInput](r)
	if err != nil {
		return err
	}
	name, err := s.tagged(in.ResourceARN)
	if err != nil {
		return err
	}
	return s.change("", name, func(rule *Rule) error {
		tags, err := fn(rule, in)
		if err == nil {
			rule.Tags = tags
		}
		return err
	})
}

func (s *Service) tagResource(r *http.Request) (any, error) {
	return nil, s.changeTags(r, func(rule *Rule, in tagsInput) (map[string]string, error) { return merge(rule.Tags, in.Tags) })
}

func (s *Service) untagResource(r *http.Request) (any, error) {
	return nil, s.changeTags(r, func(rule *Rule, in tagsInput) (map[string]string, error) {
		left := maps.Clone(rule.Tags)
		for _, key := range in.TagKeys {
			delete(left, key)
		}
		return left, nil
	})
}

func (s *Service) listTagsForResource(r *http.Request) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	name, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := struct{ Tags []tag }{[]tag{}}
	err = s.view("", name, func(rule *Rule) error {
		for _, key := range slices.Sorted(maps.Keys(rule.Tags)) {
			out.Tags = append(out.Tags, tag{key, rule.Tags[key]})
		}
		return nil
	})
	return out, err
}
