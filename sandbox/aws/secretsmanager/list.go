package secretsmanager

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

type listInput struct {
	Filters                []filter
	IncludePlannedDeletion bool
	MaxResults             *int
	NextToken              string
	SortBy                 string
	SortOrder              string
}

// filter matches a secret that has one of the values. A value that begins with
// an exclamation mark is one that the secret must not have. See
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html.
type filter struct {
	Key    string
	Values []string
}

type listOutput struct {
	SecretList []description
	NextToken  string `json:",omitempty"`
}

func (in listInput) check() error {
	if len(in.Filters) > 10 {
		return constraint("filters", "Member must have length less than or equal to 10")
	}
	for _, f := range in.Filters {
		if _, known := attributes[f.Key]; !known && f.Key != "all" {
			return constraint("filters.key", "Member must satisfy enum value set: [description, name, tag-key, tag-value, primary-region, owning-service, all]")
		}
		if len(f.Values) == 0 || len(f.Values) > 10 {
			return constraint("filters.values", "Member must have length between 1 and 10")
		}
		for _, value := range f.Values {
			if strings.TrimPrefix(value, "!") == "" || len(value) > 512 {
				return constraint("filters.values", "Member must have length between 1 and 512")
			}
		}
	}
	if !slices.Contains([]string{"", "asc", "desc"}, in.SortOrder) {
		return constraint("sortOrder", "Member must satisfy enum value set: [asc, desc]")
	}
	if !slices.Contains([]string{"", "created-date", "last-accessed-date", "last-changed-date", "name"}, in.SortBy) {
		return constraint("sortBy", "Member must satisfy enum value set: [created-date, last-accessed-date, last-changed-date, name]")
	}
	return nil
}

// attributes are what filters look at, and whether case matters there. Secrets
// of the sandbox are not replicated and belong to no service, so they have
// nothing there.
var attributes = map[string]struct {
	exact bool
	of    func(*Secret) []string
}{
	"description":    {false, func(s *Secret) []string { return []string{s.Description} }},
	"name":           {true, func(s *Secret) []string { return []string{s.Name} }},
	"tag-key":        {true, func(s *Secret) []string { return slices.Collect(maps.Keys(s.Tags)) }},
	"tag-value":      {true, func(s *Secret) []string { return slices.Collect(maps.Values(s.Tags)) }},
	"primary-region": {true, func(*Secret) []string { return nil }},
	"owning-service": {true, func(*Secret) []string { return nil }},
}

func (f filter) matches(secret *Secret) bool {
	wanted, found := false, false
	for _, value := range f.Values {
		rest, negated := strings.CutPrefix(value, "!")
		has := f.has(secret, rest)
		switch {
		case negated && has:
			return false
		case !negated:
			wanted, found = true, found || has
		}
	}
	return found || !wanted
}

func (f filter) has(secret *Secret, value string) bool {
	if f.Key == "all" {
		return hasWords(secret, value)
	}
	attribute := attributes[f.Key]
	return slices.ContainsFunc(attribute.of(secret), func(text string) bool {
		if !attribute.exact {
			return strings.HasPrefix(strings.ToLower(text), strings.ToLower(value))
		}
		return strings.HasPrefix(text, value)
	})
}

// hasWords reports whether every word of a value is in some attribute. That it
// must be every one, and may be anywhere, is a guess.
func hasWords(secret *Secret, value string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(value)) {
		found := false
		for _, attribute := range attributes {
			found = found || slices.ContainsFunc(attribute.of(secret), func(text string) bool {
				return strings.Contains(strings.ToLower(text), word)
			})
		}
		if !found {
			return false
		}
	}
	return true
}

// listed is a secret and what it is sorted by.
type listed struct {
	key string
	description
}

func (s *Service) listSecrets(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	limit, err := limit(in.MaxResults)
	if err != nil {
		return nil, err
	}
	if err := s.decide(s.Caller(r), "ListSecrets", "*", target{ARN: "*"}, nil); err != nil {
		return nil, err
	}
	var matching []listed
	s.state.View(func(all *State) {
		for _, secret := range all.Secrets {
			if s.gone(secret) || !secret.Deletion.IsZero() && !in.IncludePlannedDeletion {
				continue
			}
			if slices.ContainsFunc(in.Filters, func(f filter) bool { return !f.matches(secret) }) {
				continue
			}
			entry := listed{in.key(secret), secret.describe()}
			entry.SecretVersionsToStages = secret.stages()
			matching = append(matching, entry)
		}
	})
	matching, next, err := page(matching, func(l listed) string { return l.key }, in.NextToken, limit)
	if err != nil {
		return nil, err
	}
	out := listOutput{SecretList: []description{}, NextToken: next}
	for _, entry := range matching {
		out.SecretList = append(out.SecretList, entry.description)
	}
	return out, nil
}

// key is what a secret is sorted by, in ascending order of texts. That secrets
// are listed in ascending order unless they are asked for otherwise is a guess.
func (in listInput) key(secret *Secret) string {
	at := secret.Created
	switch in.SortBy {
	case "last-accessed-date":
		at = secret.Accessed
	case "last-changed-date":
		at = secret.Changed
	case "name":
		at = time.Time{}
	}
	var since int64
	if !at.IsZero() {
		since = at.UnixMilli()
	}
	if in.SortOrder != "desc" {
		return fmt.Sprintf("%019d %s", since, secret.Name)
	}
	// The characters of names are ASCII, so their complements keep the order; the
	// end of a shorter name comes last.
	inverse := []byte(secret.Name)
	for i, b := range inverse {
		inverse[i] = 0x7f - b
	}
	return fmt.Sprintf("%019d %s\x7f", math.MaxInt64-since, inverse)
}
