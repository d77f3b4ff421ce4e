package secretsmanager

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// cron is a cron expression of six fields: minutes, which are 0, hours, days of
// the month, months, days of the week, and the year, which is *. One of the days
// is ?. The nearest weekday (W) is not implemented.
type cron struct {
	hours, days, months []int // sorted
	weekdays            []int // 1 is Sunday
	lastDay             bool  // of the month
	nth                 int   // the nth of its month of the one weekday, -1 for the last; 0 for all
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func parseCron(expression string) (*cron, error) {
	wrong := invalidParameter("RotationRules.ScheduleExpression: got %q, want cron(0 HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK *).", expression)
	body, ok := strings.CutSuffix(strings.TrimPrefix(expression, "cron("), ")")
	fields := strings.Fields(body)
	if !ok || len(fields) != 6 || len(expression) > 256 || fields[0] != "0" || fields[5] != "*" || (fields[2] == "?") == (fields[4] == "?") {
		return nil, wrong
	}
	if strings.Contains(fields[2], "W") {
		return nil, wire.NotImplemented("W in schedules of rotation")
	}
	c := &cron{}
	valid := true
	read := func(to *[]int, field string, lowest, highest int, names []string) {
		values, ok := parseField(field, lowest, highest, names)
		*to, valid = values, valid && ok
	}
	read(&c.hours, fields[1], 0, 23, nil)
	read(&c.months, fields[3], 1, 12, monthNames)
	switch {
	case fields[2] == "L":
		c.lastDay = true
	case fields[2] != "?":
		read(&c.days, fields[2], 1, 31, nil)
	default:
		field := fields[4]
		if rest, last := strings.CutSuffix(field, "L"); last {
			field, c.nth = rest, -1
		} else if rest, nth, ok := strings.Cut(field, "#"); ok {
			n, err := strconv.Atoi(nth)
			valid = valid && err == nil && n >= 1 && n <= 5
			field, c.nth = rest, n
		}
		read(&c.weekdays, field, 1, 7, weekdayNames)
		valid = valid && (c.nth == 0 || len(c.weekdays) == 1)
	}
	if !valid || c.after(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, wrong
	}
	for i := 1; i < len(c.hours); i++ {
		if c.hours[i]-c.hours[i-1] < 4 {
			return nil, invalidParameter("RotationRules.ScheduleExpression: got %q, want at least four hours between rotations.", expression)
		}
	}
	return c, nil
}

// parseField reads *, and lists of numbers, ranges and increments.
func parseField(field string, lowest, highest int, names []string) ([]int, bool) {
	number := func(text string) (int, bool) {
		if at := slices.Index(names, strings.ToUpper(text)); at >= 0 {
			return at + 1, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil && n >= lowest && n <= highest
	}
	var values []int
	for part := range strings.SplitSeq(field, ",") {
		span, increment, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(increment)
			if err != nil || n < 1 || n > highest {
				return nil, false
			}
			step = n
		}
		first, last := lowest, highest
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			var ok bool
			if first, ok = number(from); !ok {
				return nil, false
			}
			switch {
			case ranged:
				if last, ok = number(to); !ok || last < first {
					return nil, false
				}
			case !stepped:
				last = first
			}
		}
		for n := first; n <= last; n += step {
			values = append(values, n)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), true
}

// after returns the first time of the schedule after another, or the zero time
// when there is none.
func (c *cron) after(at time.Time) time.Time {
	at = at.UTC()
	date := day(at)
	for range 4*366 + 1 { // the 29th of February comes within four years, but for 2100
		if c.on(date) {
			for _, hour := range c.hours {
				if next := date.Add(time.Duration(hour) * time.Hour); next.After(at) {
					return next
				}
			}
		}
		date = date.AddDate(0, 0, 1)
	}
	return time.Time{}
}

func (c *cron) on(date time.Time) bool {
	if !slices.Contains(c.months, int(date.Month())) {
		return false
	}
	inLastWeek := date.AddDate(0, 0, 7).Month() != date.Month()
	switch {
	case c.lastDay:
		return date.AddDate(0, 0, 1).Month() != date.Month()
	case c.days != nil:
		return slices.Contains(c.days, date.Day())
	case !slices.Contains(c.weekdays, int(date.Weekday())+1):
		return false
	}
	return c.nth == 0 || c.nth == -1 && inLastWeek || c.nth == (date.Day()+6)/7
}

func (c *cron) lastHour() int { return c.hours[len(c.hours)-1] }
