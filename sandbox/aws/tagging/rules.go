// Package tagging simulates the Resource Groups Tagging API, which finds
// resources of every service by their tags, and holds the rules for tags that
// the services share.
package tagging

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxTags is how many tags a resource may have, see
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html.
const MaxTags = 50

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// Merge returns the tags current with add put over them, or says which rule
// add breaks. It changes neither.
func Merge(current, add map[string]string) (map[string]string, error) {
	for key, value := range add {
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			return nil, fmt.Errorf("tag key %q: got %d characters, want 1 to 128", key, utf8.RuneCountInString(key))
		case utf8.RuneCountInString(value) > 256:
			return nil, fmt.Errorf("value of tag %q: got %d characters, want at most 256", key, utf8.RuneCountInString(value))
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, fmt.Errorf("tag key %q: the prefix aws: is reserved for AWS use", key)
		case !tagText.MatchString(key) || !tagText.MatchString(value):
			return nil, fmt.Errorf("tag %q=%q: want letters, numbers, spaces and _.:/=+-@", key, value)
		}
	}
	merged := map[string]string{}
	maps.Copy(merged, current)
	maps.Copy(merged, add)
	if len(merged) > MaxTags {
		return nil, fmt.Errorf("got %d tags, want at most %d", len(merged), MaxTags)
	}
	return merged, nil
}
