package guard

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var rate = regexp.MustCompile(`^rate\((\d{1,6}) (hour|day)s?\)$`)

// longestInterval returns the most days that a schedule of Secrets Manager lets
// pass between two rotations. Of a cron expression it looks at the months alone,
// since no month of a schedule passes without a rotation, but for days that the
// month does not have.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
func longestInterval(expression string) (days float64, err error) {
	if found := rate.FindStringSubmatch(expression); found != nil {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			return 0, err
		}
		if found[2] == "hour" {
			return float64(n) / 24, nil
		}
		return float64(n), nil
	}
	inner, ok := strings.CutPrefix(expression, "cron(")
	inner, closed := strings.CutSuffix(inner, ")")
	fields := strings.Fields(inner)
	if !ok || !closed || len(fields) != 6 {
		return 0, fmt.Errorf("got %q, want rate(n days), rate(n hours) or cron() with six fields", expression)
	}
	months, err := monthsOf(fields[3])
	if err != nil {
		return 0, fmt.Errorf("got %q: %w", expression, err)
	}
	for i, month := range months {
		// Of a year without a leap day, and the month after the last is in the next.
		next := months[(i+1)%len(months)]
		if i+1 == len(months) {
			next += 12
		}
		days = max(days, first(next).Sub(first(month)).Hours()/24)
	}
	return days, nil
}

func first(month int) time.Time { return time.Date(2021, time.Month(month), 1, 0, 0, 0, 0, time.UTC) }

// monthNames are those of cron expressions.
var monthNames = strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")

// monthsOf reads the months of a cron expression: *, names or numbers, ranges,
// steps, and lists of these.
func monthsOf(field string) ([]int, error) {
	var months []int
	for part := range strings.SplitSeq(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		every := 1
		if stepped {
			n, err := strconv.Atoi(step)
			if err != nil || n < 1 || n > 12 {
				return nil, fmt.Errorf("month %q: got step %q, want 1 to 12", field, step)
			}
			every = n
		}
		from, to := 1, 12
		if span != "*" {
			low, high, ranged := strings.Cut(span, "-")
			var err error
			if from, err = monthOf(low); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = monthOf(high); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
			if to < from {
				return nil, fmt.Errorf("month %q: got a range that ends before it begins", field)
			}
		}
		for month := from; month <= to; month += every {
			months = append(months, month)
		}
	}
	slices.Sort(months)
	return slices.Compact(months), nil
}

func monthOf(text string) (int, error) {
	if i := slices.Index(monthNames, strings.ToUpper(text)); i >= 0 {
		return i + 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 12 {
		return 0, fmt.Errorf("got month %q, want 1 to 12 or JAN to DEC", text)
	}
	return n, nil
}
