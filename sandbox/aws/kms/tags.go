package kms

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

type tag struct{ TagKey, TagValue string }

type tagsInput struct {
	KeyID   string `json:"KeyId"`
	Tags    []tag
	TagKeys []string
}

type tagsOutput struct {
	Tags       []tag
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// merge puts tags over others.
func merge(current map[string]string, add []tag) (map[string]string, error) {
	added := map[string]string{}
	for _, each := range add {
		if _, twice := added[each.TagKey]; twice {
			return nil, refusal("TagException", "Duplicate tag keys")
		}
		added[each.TagKey] = each.TagValue
	}
	merged, err := tagging.Merge(current, added)
	if err != nil {
		return nil, refusal("TagException", "%v", err)
	}
	return merged, nil
}

func (s *Service) tagResource(r *http.Request) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, notPending, func(key *Key) error {
		merged, err := merge(key.Tags, in.Tags)
		if err != nil {
			return err
		}
		key.Tags = merged
		return nil
	})
}

func (s *Service) untagResource(r *http.Request) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, notPending, func(key *Key) error {
		left := maps.Clone(key.Tags)
		for _, name := range in.TagKeys {
			delete(left, name)
		}
		key.Tags = left
		return nil
	})
}

func (s *Service) listResourceTags(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	var tags []tag
	err = s.view(r, s.byID, in.KeyID, anyState, func(key *Key) error {
		for name, value := range key.Tags {
			tags = append(tags, tag{name, value})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tags, next, err := page(in, tags, func(t tag) string { return t.TagKey }, tagListStandard, tagListMost)
	slices.SortFunc(tags, func(a, b tag) int { return cmp.Compare(a.TagKey, b.TagKey) })
	return tagsOutput{tags, next, next != ""}, err
}
