package secretsmanager

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Rules are when a secret is rotated: after days, or by an expression. Secrets
// Manager rotates some time in a window; the sandbox does it when the window
// begins, which for an interval is the same time of day as the last rotation.
type Rules struct {
	AutomaticallyAfterDays *int   `json:",omitempty"`
	Duration               string `json:",omitempty"`
	ScheduleExpression     string `json:",omitempty"`
}

var (
	rateForm     = regexp.MustCompile(`^rate\((\d{1,5}) (hours?|days?)\)$`)
	durationForm = regexp.MustCompile(`^(\d{1,2})h$`)
)

// schedule is a parsed expression: one of the two.
type schedule struct {
	every time.Duration
	cron  *cron
}

// parse refuses what is no schedule, see
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html.
func (r Rules) parse() (schedule, error) {
	var parsed schedule
	days := r.AutomaticallyAfterDays
	switch {
	case days != nil && r.ScheduleExpression != "":
		return parsed, invalidParameter("You can specify either RotationRules.AutomaticallyAfterDays or RotationRules.ScheduleExpression, but not both.")
	case days == nil && r.ScheduleExpression == "":
		return parsed, invalidParameter("You must specify RotationRules.AutomaticallyAfterDays or RotationRules.ScheduleExpression.")
	case days != nil && (*days < 1 || *days > 1000):
		return parsed, invalidParameter("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
	case days != nil:
		parsed.every = time.Duration(*days) * 24 * time.Hour
	case strings.HasPrefix(r.ScheduleExpression, "cron("):
		var err error
		if parsed.cron, err = parseCron(r.ScheduleExpression); err != nil {
			return parsed, err
		}
	default:
		var err error
		if parsed.every, err = parseRate(r.ScheduleExpression); err != nil {
			return parsed, err
		}
	}
	if r.Duration == "" {
		return parsed, nil
	}
	form := durationForm.FindStringSubmatch(r.Duration)
	if form == nil {
		return parsed, invalidParameter("RotationRules.Duration: got %q, want hours such as 3h.", r.Duration)
	}
	hours, _ := strconv.Atoi(form[1]) // it is digits
	window := time.Duration(hours) * time.Hour
	if hours < 1 || hours > 24 || parsed.every > 0 && window > parsed.every || parsed.cron != nil && parsed.cron.lastHour()+hours > 24 {
		return parsed, invalidParameter("RotationRules.Duration: the window of %s must not extend into the next window or the next UTC day.", r.Duration)
	}
	return parsed, nil
}

func parseRate(expression string) (time.Duration, error) {
	form := rateForm.FindStringSubmatch(expression)
	if form == nil {
		return 0, invalidParameter("RotationRules.ScheduleExpression: got %q, want rate(N hours), rate(N days) or cron().", expression)
	}
	n, _ := strconv.Atoi(form[1]) // it is digits
	every := time.Duration(n) * time.Hour
	if strings.HasPrefix(form[2], "day") {
		every *= 24
	}
	if every < 4*time.Hour || every > 999*24*time.Hour {
		return 0, invalidParameter("RotationRules.ScheduleExpression: got %q, want at least four hours and at most 999 days.", expression)
	}
	return every, nil
}

// next returns when a secret is rotated next that was rotated last at a time.
// For intervals it may be in the past.
func (r Rules) next(last, now time.Time) time.Time {
	parsed, err := r.parse()
	switch {
	case err != nil: // it was checked when it was set
		return time.Time{}
	case parsed.cron != nil:
		return parsed.cron.after(now)
	}
	return last.Add(parsed.every)
}

// described are the rules as answers have them: with the number of days between
// rotations, where it is known.
func (r Rules) described() Rules {
	parsed, err := r.parse()
	if err == nil && parsed.every >= 24*time.Hour {
		days := int(parsed.every / (24 * time.Hour))
		r.AutomaticallyAfterDays = &days
	}
	return r
}
