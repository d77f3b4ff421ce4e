package iam

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
// and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const (
	maxRoleName    = 64
	maxPolicyName  = 128
	maxDescription = 1000
	minSession     = 3600  // seconds
	maxSession     = 43200 // seconds
	maxTrust       = 2048  // characters, white space not counted
	maxInline      = 10240 // characters of a role's inline policies, white space not counted
	maxAttached    = 10
	maxItems       = 1000
)

var (
	name     = regexp.MustCompile(`^[\w+=,.@-]+$`)
	rolePath = regexp.MustCompile(`^/([!-.0-~]+/)*$`)
)

func checkName(field, value string, most int) error {
	if value == "" || len(value) > most || !name.MatchString(value) {
		return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+ and have length between 1 and %d", value, field, most)
	}
	return nil
}

func checkDescription(value string) error {
	if utf8.RuneCountInString(value) > maxDescription {
		return invalid("1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to %d", maxDescription)
	}
	return nil
}

// sessionDuration reads the one number that roles have; standard stands for
// none.
func sessionDuration(in url.Values, standard int) (int, error) {
	text := in.Get("MaxSessionDuration")
	if text == "" {
		return standard, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < minSession || seconds > maxSession {
		return 0, invalid("1 validation error detected: Value '%s' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between %d and %d", text, minSession, maxSession)
	}
	return seconds, nil
}

// list returns the members of a list of texts of a request.
func list(in url.Values, field string) []string {
	var members []string
	for i := 1; in.Has(field + ".member." + strconv.Itoa(i)); i++ {
		members = append(members, in.Get(field+".member."+strconv.Itoa(i)))
	}
	return members
}

// tagsOf returns the tags of a request.
func tagsOf(in url.Values) (map[string]string, error) {
	tags := map[string]string{}
	for i := 1; ; i++ {
		prefix := "Tags.member." + strconv.Itoa(i)
		if !in.Has(prefix + ".Key") {
			return tags, nil
		}
		key := in.Get(prefix + ".Key")
		if _, twice := tags[key]; twice {
			return nil, refusal(http.StatusBadRequest, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		tags[key] = in.Get(prefix + ".Value")
	}
}

// page is the part of an answer that every listing has.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// paged returns the part of the items that a request asks for.
func paged[T any](in url.Values, items []T, key func(T) string) ([]T, page, error) {
	limit := 100
	if text := in.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxItems {
			return nil, page{}, invalid("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and %d", text, maxItems)
		}
		limit = n
	}
	items, next, err := wire.Page(items, key, in.Get("Marker"), limit)
	if err != nil {
		return nil, page{}, invalid("Invalid Marker.")
	}
	return items, page{IsTruncated: next != "", Marker: next}, nil
}
