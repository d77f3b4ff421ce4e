package logs

import (
	"maps"
	"net/http"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

type tagsInput struct {
	ResourceARN string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
	TagKeys     []string          `json:"tagKeys"`
}

// untagGroupInput is of the older operation, which names the group.
type untagGroupInput struct {
	LogGroupName string   `json:"logGroupName"`
	Tags         []string `json:"tags"`
}

type tagsOutput struct {
	Tags map[string]string `json:"tags"`
}

// groupOf returns the name of the group that an ARN names. The tag operations
// take the form without ":*" only.
func (s *Service) groupOf(arn string) (string, error) {
	name, ok := strings.CutPrefix(arn, s.ARN(""))
	if !ok || !groupName.MatchString(name) {
		return "", invalid("Invalid resource ARN: got %q, want %sNAME", arn, s.ARN(""))
	}
	return name, nil
}

// decodeTags reads the input of an operation that names a group by its ARN.
func (s *Service) decodeTags(r *http.Request) (in tagsInput, name string, err error) {
	if in, err = decode[tagsInput](r); err != nil {
		return in, "", err
	}
	name, err = s.groupOf(in.ResourceARN)
	return in, name, err
}

func (s *Service) tagResource(r *http.Request) (any, error) {
	in, name, err := s.decodeTags(r)
	if err != nil {
		return nil, err
	}
	return nil, s.addTags(name, in.Tags)
}

func (s *Service) untagResource(r *http.Request) (any, error) {
	in, name, err := s.decodeTags(r)
	if err != nil {
		return nil, err
	}
	return nil, s.removeTags(name, in.TagKeys)
}

func (s *Service) listTagsForResource(r *http.Request) (any, error) {
	_, name, err := s.decodeTags(r)
	if err != nil {
		return nil, err
	}
	return s.tags(name)
}

func (s *Service) tagLogGroup(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.addTags(in.LogGroupName, in.Tags)
}

func (s *Service) untagLogGroup(r *http.Request) (any, error) {
	in, err := decode[untagGroupInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.removeTags(in.LogGroupName, in.Tags)
}

func (s *Service) listTagsLogGroup(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	return s.tags(in.LogGroupName)
}

func (s *Service) addTags(name string, tags map[string]string) error {
	return s.changeGroup(name, func(group *Group) error {
		merged, err := tagging.Merge(group.Tags, tags)
		if err != nil {
			return invalid("%v", err)
		}
		group.Tags = merged
		return nil
	})
}

func (s *Service) removeTags(name string, keys []string) error {
	return s.changeGroup(name, func(group *Group) error {
		left := maps.Clone(group.Tags)
		for _, key := range keys {
			delete(left, key)
		}
		group.Tags = left
		return nil
	})
}

func (s *Service) tags(name string) (any, error) {
	var out tagsOutput
	err := s.viewGroup(name, func(group *Group) error {
		out.Tags = group.Tags // replaced when it changes
		return nil
	})
	return out, err
}

// TaggedResources returns the log groups that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for name, group := range all.Groups {
			if len(group.Tags) > 0 {
				resources = append(resources, tagging.Resource{ARN: s.ARN(name), Type: "logs:log-group", Tags: group.Tags})
			}
		}
	})
	return resources
}
