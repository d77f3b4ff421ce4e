package kms

import (
	"net/http"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

type listInput struct {
	KeyID  string `json:"KeyId"`
	Limit  *int
	Marker string
}

// page returns a part of the items that a request asks for.
func page[T any](in listInput, items []T, key func(T) string, standard, most int) ([]T, string, error) {
	limit := standard
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > most {
		return nil, "", constraint(limit, "limit", "Member must have value between 1 and the largest page")
	}
	items, next, err := wire.Page(items, key, in.Marker, limit)
	if err != nil {
		return nil, "", refusal("InvalidMarkerException", "The request was rejected because the marker that specifies where pagination should next begin is not valid.")
	}
	return items, next, nil
}

type keyEntry struct {
	KeyID  string `json:"KeyId"`
	KeyArn string
}

type keysOutput struct {
	Keys       []keyEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listKeys(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.identityAllows(s.caller(r), action(r), "*", nil); err != nil {
		return nil, err
	}
	var keys []keyEntry
	s.state.View(func(all *State) {
		for id, key := range all.Keys {
			if !s.gone(key) {
				keys = append(keys, keyEntry{id, s.keyARN(id)})
			}
		}
	})
	keys, next, err := page(in, keys, func(k keyEntry) string { return k.KeyID }, listStandard, listMost)
	return keysOutput{keys, next, next != ""}, err
}

// TaggedResources returns the keys that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for id, key := range all.Keys {
			if len(key.Tags) > 0 && !s.gone(key) {
				resources = append(resources, tagging.Resource{ARN: s.keyARN(id), Type: "kms:key", Tags: key.Tags})
			}
		}
	})
	return resources
}
