package sns

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

type tag struct {
	Key   string
	Value string
}

type tagsOutput struct {
	Tags []tag `xml:"Tags>member"`
}

// tagsOf returns the tags of a request.
func tagsOf(r request) (map[string]string, error) {
	tags := map[string]string{}
	for i := 1; ; i++ {
		prefix := "Tags.member." + strconv.Itoa(i)
		if !r.Form.Has(prefix + ".Key") {
			return tags, nil
		}
		key := r.get(prefix + ".Key")
		if _, twice := tags[key]; twice {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		tags[key] = r.get(prefix + ".Value")
	}
}

// changeTags calls fn with the tags of a topic, to change them.
func (s *Service) changeTags(r request, action string, fn func(tags map[string]string) (map[string]string, error)) (any, error) {
	err := s.change(r, action, "ResourceArn", func(_ *State, topic *Topic) error {
		next, err := fn(topic.Tags)
		if err != nil {
			return err
		}
		topic.Tags = next
		return nil
	})
	return struct{}{}, ofTags(err)
}

func (s *Service) tagResource(r request) (any, error) {
	add, err := tagsOf(r)
	if err != nil {
		return nil, err
	}
	return s.changeTags(r, "TagResource", func(tags map[string]string) (map[string]string, error) {
		merged, err := tagging.Merge(tags, add)
		switch {
		case err != nil && len(tags)+len(add) > tagging.MaxTags:
			return nil, refusal(http.StatusBadRequest, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
		case err != nil:
			return nil, invalid("Tags Reason: %v", err)
		}
		return merged, nil
	})
}

func (s *Service) untagResource(r request) (any, error) {
	return s.changeTags(r, "UntagResource", func(tags map[string]string) (map[string]string, error) {
		left := maps.Clone(tags)
		for i := 1; r.Form.Has("TagKeys.member." + strconv.Itoa(i)); i++ {
			delete(left, r.get("TagKeys.member."+strconv.Itoa(i)))
		}
		return left, nil
	})
}

func (s *Service) listTagsForResource(r request) (any, error) {
	var out tagsOutput
	err := s.view(r, "ListTagsForResource", "ResourceArn", func(_ *State, topic *Topic) error {
		for _, key := range slices.Sorted(maps.Keys(topic.Tags)) {
			out.Tags = append(out.Tags, tag{key, topic.Tags[key]})
		}
		return nil
	})
	return out, ofTags(err)
}

// ofTags is a refusal in the words of the operations on tags.
func ofTags(err error) error {
	if isMissing(err) {
		return refusal(http.StatusNotFound, "ResourceNotFound", "Resource does not exist")
	}
	return err
}

func isMissing(err error) bool {
	refused, ok := errors.AsType[*wire.Error](err)
	return ok && refused.Code == "NotFound"
}
