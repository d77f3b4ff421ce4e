package access

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Problem is one thing that is wrong, or doubtful, in a model.
type Problem struct {
	// Path says where, such as "routes[3].scopes[0]".
	Path string `json:"path"`
	// Message says what is wrong, in a few words.
	Message string `json:"message"`
	// Got is the value found there, if there is one to show.
	Got string `json:"got,omitempty"`
	// Want says what is wanted instead.
	Want string `json:"want,omitempty"`
}

// Error returns the problem on one line: path, message, value and what is
// wanted.
func (p Problem) Error() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Got != "" {
		fmt.Fprintf(&b, ": got %q", shortened(p.Got))
	}
	if p.Want != "" {
		sep := ", "
		if p.Got == "" {
			sep = ": "
		}
		b.WriteString(sep + "want " + p.Want)
	}
	return b.String()
}

// shortened keeps a long value from filling the screen.
func shortened(value string) string {
	const longest = 100
	if runes := []rune(value); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return value
}

// Problems is every problem of a model, in the order of the model. As an error
// it has one line each; errors.As finds it in what [Model.Validate] returns.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems as errors, for errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// Prefix returns the problems with prefix before each path, such as
// "entragate:access.", for a model that is part of something larger.
func (ps Problems) Prefix(prefix string) Problems {
	out := make(Problems, len(ps))
	for i, p := range ps {
		p.Path = prefix + p.Path
		out[i] = p
	}
	return out
}

// add appends a problem.
func (ps *Problems) add(path, message, got, want string) {
	*ps = append(*ps, Problem{Path: path, Message: message, Got: got, Want: want})
}

// oneOf words what is wanted where one of the candidates is: the nearest of
// them if one is near, and all of them otherwise.
func oneOf(got string, candidates []string) string {
	if near := nearest(got, candidates); near != "" {
		return fmt.Sprintf("%q", near)
	}
	if len(candidates) == 0 {
		return ""
	}
	const most = 10
	quoted := make([]string, 0, most)
	for i, c := range candidates {
		if i == most {
			quoted = append(quoted, "…")
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", c))
	}
	return "one of " + strings.Join(quoted, ", ")
}

// nearest returns the candidate that got was most likely meant to be, or "" if
// none is near. Letter case does not count.
func nearest(got string, candidates []string) string {
	got = strings.ToLower(got)
	best, bestDistance := "", 0
	for _, c := range candidates {
		d := levenshtein.Distance(got, strings.ToLower(c), nil)
		if d > max(2, len(c)/3) || d >= len(c) {
			continue
		}
		if best == "" || d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}
