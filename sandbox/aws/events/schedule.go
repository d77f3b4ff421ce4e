package events

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// schedule is when a rule is due, in UTC.
type schedule interface {
	// next is the first time after another one; zero if there is none. A rate
	// counts from anchor.
	next(anchor, after time.Time) time.Time
	// last is the last time that is not after another one.
	last(anchor, at time.Time) time.Time
}

var rateText = regexp.MustCompile(`^rate\(([1-9]\d{0,8}) (minute|minutes|hour|hours|day|days)\)$`)

// parseSchedule reads a schedule expression, see
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html.
func parseSchedule(text string) (schedule, error) {
	if inner, ok := strings.CutPrefix(text, "cron("); ok && strings.HasSuffix(inner, ")") {
		return parseCron(strings.TrimSuffix(inner, ")"))
	}
	parts := rateText.FindStringSubmatch(text)
	if parts == nil {
		return nil, fmt.Errorf("schedule: got %q, want rate(VALUE UNIT) or cron(FIELDS)", text)
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, err
	}
	if (n == 1) == strings.HasSuffix(parts[2], "s") {
		return nil, fmt.Errorf("schedule: got %q, want a singular unit with 1 and a plural one else", text)
	}
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(parts[2], "s")]
	if every := time.Duration(n) * unit; every/unit == time.Duration(n) && every <= maxRate {
		return rate(every), nil
	}
	return nil, fmt.Errorf("schedule: got %q, want at most a hundred years", text)
}

// maxRate keeps times within what can be computed; AWS names no limit.
const maxRate = 100 * 365 * 24 * time.Hour

type rate time.Duration

func (r rate) next(anchor, after time.Time) time.Time {
	return r.last(anchor, after).Add(time.Duration(r))
}

func (r rate) last(anchor, at time.Time) time.Time {
	periods := at.Sub(anchor) / time.Duration(r)
	if at.Before(anchor.Add(periods * time.Duration(r))) {
		periods--
	}
	return anchor.Add(periods * time.Duration(r))
}

// cron is what each field may be.
type cron struct {
	minutes, hours, months, years []int
	day                           func(day time.Time) bool
}

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

const (
	firstYear = 1970
	lastYear  = 2199
)

var errField = errors.New("cron: a field has no value of its kind")

// parseCron reads the six fields: minutes, hours, day of the month, month, day
// of the week and year.
func parseCron(text string) (schedule, error) {
	fields := strings.Split(text, " ")
	if len(fields) != 6 {
		return nil, fmt.Errorf("cron: got %d fields, want six", len(fields))
	}
	var c cron
	var err error
	for _, each := range []struct {
		to          *[]int
		text        string
		first, last int
		names       []string
	}{
		{&c.minutes, fields[0], 0, 59, nil},
		{&c.hours, fields[1], 0, 23, nil},
		{&c.months, fields[3], 1, 12, monthNames},
		{&c.years, fields[5], firstYear, lastYear, nil},
	} {
		if *each.to, err = values(each.text, each.first, each.last, each.names); err != nil {
			return nil, err
		}
	}
	ofMonth, ofWeek := fields[2], fields[4]
	switch {
	case (ofMonth == "?") == (ofWeek == "?"):
		return nil, errors.New("cron: want a ? in just one of day of the month and day of the week")
	case ofWeek == "?":
		c.day, err = dayOfMonth(ofMonth)
	default:
		c.day, err = dayOfWeek(ofWeek)
	}
	return c, err
}

// values reads a list of numbers, ranges, names, * and steps.
func values(text string, first, last int, names []string) ([]int, error) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = number(stepText, 1, last, nil); err != nil {
				return nil, err
			}
		}
		from, to := first, last
		if span != "*" {
			fromText, toText, ranged := strings.Cut(span, "-")
			var err error
			if from, err = number(fromText, first, last, names); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = number(toText, first, last, names); err != nil || to < from {
					return nil, errField
				}
			case !stepped:
				to = from
			}
		}
		for n := from; n <= to; n += step {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func number(text string, first, last int, names []string) (int, error) {
	if i := slices.Index(names, strings.ToUpper(text)); i >= 0 {
		return first + i, nil
	}
	if text == "" || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, errField
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < first || n > last {
		return 0, errField
	}
	return n, nil
}

// lastDay is the last day of a day's month.
func lastDay(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// dayOfMonth reads that field: also L, the last day, and nW, the weekday nearest
// to day n.
func dayOfMonth(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(day time.Time) bool { return day.Day() == lastDay(day) }, nil
	}
	if nearest, ok := strings.CutSuffix(text, "W"); ok {
		n, err := number(nearest, 1, 31, nil)
		return func(day time.Time) bool { return n <= lastDay(day) && day.Day() == weekdayNear(day, n) }, err
	}
	days, err := values(text, 1, 31, nil)
	return func(day time.Time) bool { return slices.Contains(days, day.Day()) }, err
}

// weekdayNear is the weekday nearest to the nth, in the same month.
func weekdayNear(day time.Time, n int) int {
	switch time.Date(day.Year(), day.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == lastDay(day) {
			return n - 2
		}
		return n + 1
	}
	return n
}

// dayOfWeek reads that field, 1 being Sunday: also L, Saturday, nL, the last of
// the month, and n#k, the kth of the month.
func dayOfWeek(text string) (func(time.Time) bool, error) {
	weekday := func(day time.Time) int { return int(day.Weekday()) + 1 }
	if text == "L" {
		return func(day time.Time) bool { return weekday(day) == 7 }, nil
	}
	if of, ok := strings.CutSuffix(text, "L"); ok {
		n, err := number(of, 1, 7, dayNames)
		return func(day time.Time) bool { return weekday(day) == n && day.Day() > lastDay(day)-7 }, err
	}
	if of, nth, ok := strings.Cut(text, "#"); ok {
		n, err := number(of, 1, 7, dayNames)
		k, kErr := number(nth, 1, 5, nil)
		return func(day time.Time) bool { return weekday(day) == n && (day.Day()-1)/7+1 == k }, errors.Join(err, kErr)
	}
	days, err := values(text, 1, 7, dayNames)
	return func(day time.Time) bool { return slices.Contains(days, weekday(day)) }, err
}

// due reports whether a day is one of the schedule's.
func (c cron) due(day time.Time) bool {
	return slices.Contains(c.years, day.Year()) && slices.Contains(c.months, int(day.Month())) && c.day(day)
}

func (c cron) next(_, after time.Time) time.Time {
	after = after.UTC()
	first := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC)
	for day := first; day.Year() <= lastYear; day = day.AddDate(0, 0, 1) {
		if !c.due(day) {
			continue
		}
		for _, hour := range c.hours {
			for _, minute := range c.minutes {
				at := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
				if at.After(after) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

func (c cron) last(_, at time.Time) time.Time {
	at = at.UTC()
	first := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	for day := first; day.Year() >= firstYear; day = day.AddDate(0, 0, -1) {
		if !c.due(day) {
			continue
		}
		for _, hour := range slices.Backward(c.hours) {
			for _, minute := range slices.Backward(c.minutes) {
				found := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
				if !found.After(at) {
					return found
				}
			}
		}
	}
	return time.Time{}
}
