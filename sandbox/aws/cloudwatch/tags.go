package cloudwatch

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

type tag struct{ Key, Value string }

type tagsInput struct {
	ResourceARN string
	Tags        []tag
	TagKeys     []string
}

func merge(current map[string]string, add []tag) (map[string]string, error) {
	added := map[string]string{}
	for _, each := range add {
		if _, twice := added[each.Key]; twice {
			return nil, invalidValue("The parameter Tags has duplicate keys.")
		}
		added[each.Key] = each.Value
	}
	merged, err := tagging.Merge(current, added)
	if err != nil {
		return nil, invalidValue("%v", err)
	}
	return merged, nil
}

// tagged returns the alarm of an ARN. Dashboards have no tags here.
func (s *Service) tagged(all *State, arn string) (*Alarm, error) {
	name, ok := strings.CutPrefix(arn, s.AlarmARN(""))
	if !ok {
		return nil, invalidValue("The parameter ResourceARN is not valid: %s", arn)
	}
	if all.Alarms[name] == nil {
		return nil, &wire.Error{
			Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Unknown resource " + arn,
			Detail: map[string]string{"ResourceType": "alarm", "ResourceId": name},
		}
	}
	return all.Alarms[name], nil
}

func (s *Service) changeTags(r request, fn func(*Alarm, tagsInput) (map[string]string, error)) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		alarm, err := s.tagged(all, in.ResourceARN)
		if err != nil {
			return err
		}
		tags, err := fn(alarm, in)
		if err == nil {
			alarm.Tags = tags
		}
		return err
	})
}

func (s *Service) tagResource(r request) (any, error) {
	return s.changeTags(r, func(alarm *Alarm, in tagsInput) (map[string]string, error) { return merge(alarm.Tags, in.Tags) })
}

func (s *Service) untagResource(r request) (any, error) {
	return s.changeTags(r, func(alarm *Alarm, in tagsInput) (map[string]string, error) {
		left := maps.Clone(alarm.Tags)
		for _, key := range in.TagKeys {
			delete(left, key)
		}
		return left, nil
	})
}

func (s *Service) listTagsForResource(r request) (any, error) {
	in, err := decode[tagsInput](r)
	if err != nil {
		return nil, err
	}
	out := struct{ Tags []tag }{[]tag{}}
	s.state.View(func(all *State) {
		var alarm *Alarm
		if alarm, err = s.tagged(all, in.ResourceARN); err != nil {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(alarm.Tags)) {
			out.Tags = append(out.Tags, tag{key, alarm.Tags[key]})
		}
	})
	return out, err
}
