package secretsmanager

import (
	"maps"
	"net/http"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

type tag struct{ Key, Value string }

// tagList are tags as the service writes them.
type tagList []tag

func listOf(tags map[string]string) tagList {
	var list tagList
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag{key, tags[key]})
	}
	return list
}

// mergedInto returns the tags current with the list put over them.
func (l tagList) mergedInto(current map[string]string) (map[string]string, error) {
	add := map[string]string{}
	for _, tag := range l {
		if _, twice := add[tag.Key]; twice { // the text is a guess
			return nil, invalidParameter("Tag key %s is given twice.", tag.Key)
		}
		add[tag.Key] = tag.Value
	}
	merged, err := tagging.Merge(current, add)
	if err != nil {
		return nil, invalidParameter("%v", err)
	}
	return merged, nil
}

type tagsInput struct {
	SecretID string `json:"SecretId"`
	Tags     tagList
	TagKeys  []string
}

func (s *Service) tagResource(r *http.Request) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	add, err := in.Tags.mergedInto(nil)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "TagResource", in.SecretID, ofTags(add))
	if err != nil {
		return nil, err
	}
	return nil, s.change(on.ARN, func(secret *Secret) error {
		merged, err := in.Tags.mergedInto(secret.Tags)
		if err != nil {
			return err
		}
		secret.Tags, secret.Changed = merged, s.Now()
		return nil
	})
}

func (s *Service) untagResource(r *http.Request) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "UntagResource", in.SecretID, keys{"aws:tagkeys": in.TagKeys})
	if err != nil {
		return nil, err
	}
	return nil, s.change(on.ARN, func(secret *Secret) error {
		left := maps.Clone(secret.Tags)
		maps.DeleteFunc(left, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		secret.Tags, secret.Changed = left, s.Now()
		return nil
	})
}

// TaggedResources returns the secrets that have tags. Those that are marked for
// deletion are left out (a guess).
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for _, secret := range all.Secrets {
			if len(secret.Tags) > 0 && secret.Deletion.IsZero() {
				resources = append(resources, tagging.Resource{ARN: secret.ARN, Type: "secretsmanager:secret", Tags: secret.Tags})
			}
		}
	})
	return resources
}
