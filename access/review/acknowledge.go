package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agext/levenshtein"

	"github.com/entragate/entragate/access"
)

// Acknowledgement is somebody's word that a finding is meant.
type Acknowledgement struct {
	// Rule is the id of a [Rule].
	Rule string `json:"rule"`
	// Subject is that of the finding; "" or "*" is every one of the rule.
	Subject string `json:"subject,omitempty"`
	// Reason is why it is right, for whoever reads it later.
	Reason string `json:"reason"`
	// Expires is the last day on which it counts, as YYYY-MM-DD in UTC.
	Expires string `json:"expires"`
}

// dateOf is the form of [Acknowledgement.Expires].
const dateOf = time.DateOnly

// Validate returns nil, or [access.Problems] with everything that is wrong with
// the acknowledgement at the time now: a rule that is not there, no reason, no
// date, or one more than a year ahead. One that has expired is not wrong: it no
// longer counts, and [Compare] reports it.
func (a Acknowledgement) Validate(now time.Time) error {
	var found access.Problems
	add := func(path, message, got, want string) {
		found = append(found, access.Problem{Path: path, Message: message, Got: got, Want: want})
	}
	if _, known := ruleByID[a.Rule]; !known {
		add("rule", "unknown rule", a.Rule, nearestRule(a.Rule))
	}
	if strings.TrimSpace(a.Reason) == "" {
		add("reason", "missing reason", a.Reason, "why it is right, for whoever reads it later")
	}
	day, err := time.Parse(dateOf, a.Expires)
	last := now.UTC().AddDate(1, 0, 0)
	switch {
	case err != nil:
		add("expires", "malformed date", a.Expires, `the last day on which it counts, such as "2026-03-31"`)
	case day.After(last):
		add("expires", "more than a year ahead", a.Expires, "at most "+last.Format(dateOf)+", to be looked at again by then")
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// nearestRule words what is wanted in place of a rule that is not there.
func nearestRule(got string) string {
	ids := slices.Sorted(maps.Keys(ruleByID))
	distance := func(id string) int { return levenshtein.Distance(strings.ToLower(got), id, nil) }
	best := slices.MinFunc(ids, func(a, b string) int { return distance(a) - distance(b) })
	if distance(best) <= max(2, len(best)/3) {
		return fmt.Sprintf("%q", best)
	}
	return `the id of a rule, such as "route-public"`
}

// counts reports whether the acknowledgement still counts. A date that cannot be
// read is no date at all.
func (a Acknowledgement) counts(now time.Time) bool {
	day, err := time.Parse(dateOf, a.Expires)
	return err == nil && strings.TrimSpace(a.Reason) != "" && now.Before(day.AddDate(0, 0, 1))
}

func (a Acknowledgement) matches(f *Finding) bool {
	return a.Rule == f.Rule && (a.Subject == "" || a.Subject == "*" || a.Subject == f.Subject)
}

// acknowledge marks what somebody answers for, and reports what matches nothing.
func (c *comparison) acknowledge() {
	now := c.options.Now
	if now.IsZero() {
		now = time.Now()
	}
	for i := range c.options.Acknowledged {
		a := c.options.Acknowledged[i]
		used := false
		for _, f := range c.findings {
			if !a.matches(f) {
				continue
			}
			used = true
			if counts := a.counts(now); f.Acknowledged == nil || f.Expired && counts {
				f.Acknowledged, f.Expired = &a, !counts
			}
		}
		if !used {
			c.unmatched(a)
		}
	}
	for _, f := range c.findings {
		c.inherit(f)
	}
}

// unmatched reports an acknowledgement that matches nothing.
func (c *comparison) unmatched(a Acknowledgement) {
	subject := strings.TrimSpace(a.Rule + " " + a.Subject)
	c.find(Finding{
		Rule: "acknowledgement-unused", Subject: subject,
		Words: fmt.Sprintf("The acknowledgement of %s until %s matches nothing that changes.", subject, a.Expires),
		Cause: "acknowledgement of " + subject,
	})
}

// inherit acknowledges a consequence where everything is that it comes of.
func (c *comparison) inherit(f *Finding) {
	if len(f.Because) == 0 || f.Acknowledged != nil && !f.Expired {
		return
	}
	var first *Acknowledgement
	for _, id := range f.Because {
		cause := c.byID[id]
		if cause.Kind != f.Kind {
			continue // it only helped
		}
		if cause.Acknowledged == nil || cause.Expired {
			return
		}
		if first == nil {
			first = cause.Acknowledged
		}
	}
	if first != nil {
		f.Acknowledged, f.Expired = first, false
	}
}
