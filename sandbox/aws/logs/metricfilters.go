package logs

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
// and of the types on it.
const (
	maxFilters      = 100 // of a group
	maxDimensions   = 3
	maxMetricName   = 255
	maxMetricValue  = 100
	maxTestMessages = 50
)

// MetricFilter makes values of a metric of the events of a group.
type MetricFilter struct {
	Name           string         `json:"name"`
	Pattern        string         `json:"pattern"`
	Created        int64          `json:"created"` // ms since 1970
	Transformation Transformation `json:"transformation"`
}

// Transformation says which value of which metric an event gives.
type Transformation struct {
	MetricName      string            `json:"metricName"`
	MetricNamespace string            `json:"metricNamespace"`
	MetricValue     string            `json:"metricValue"` // a number, or a field such as $.latency
	DefaultValue    *float64          `json:"defaultValue,omitempty"`
	Dimensions      map[string]string `json:"dimensions,omitempty"` // fields by name
	Unit            string            `json:"unit"`
}

type metricFilterInput struct {
	LogGroupName          string           `json:"logGroupName"`
	FilterName            string           `json:"filterName"`
	FilterPattern         *string          `json:"filterPattern"`
	MetricTransformations []Transformation `json:"metricTransformations"`

	ApplyOnTransformedLogs    bool     `json:"applyOnTransformedLogs"`
	EmitSystemFieldDimensions []string `json:"emitSystemFieldDimensions"`
	FieldSelectionCriteria    string   `json:"fieldSelectionCriteria"`
}

var filterName = regexp.MustCompile(`^[^:*]{1,512}$`)

func checkFilterName(name string) error {
	if !filterName.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'filterName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]* and have length between 1 and 512", name)
	}
	return nil
}

// putMetricFilter makes a filter, or changes the one of that name, which keeps
// the time of its creation (a guess).
func (s *Service) putMetricFilter(r *http.Request) (any, error) {
	in, err := decode[metricFilterInput](r)
	if err != nil {
		return nil, err
	}
	made, err := in.check()
	if err != nil {
		return nil, err
	}
	watched, err := newWatch(made)
	if err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		if group.Class != "STANDARD" { // the text is a guess
			return refusal("InvalidOperationException", "Metric filters are supported only for log groups of the class STANDARD, got %s", group.Class)
		}
		current := group.Filters[made.Name]
		if current == nil && len(group.Filters) >= maxFilters {
			return refusal("LimitExceededException", "Resource limit exceeded: a log group has at most %d metric filters.", maxFilters)
		}
		if watched.filter.regexes > 0 && group.regexFilters(made.Name) >= maxRegexFilters {
			return refusal("LimitExceededException", "Resource limit exceeded: a log group has at most %d filters with regular expressions.", maxRegexFilters)
		}
		if made.Created = s.millis(); current != nil {
			made.Created = current.Created
		}
		if group.Filters == nil {
			group.Filters = map[string]*MetricFilter{}
		}
		group.Filters[made.Name] = made
		s.watch(group.ID, made.Name, watched)
		return nil
	})
}

// regexFilters counts the filters with regular expressions, but for one.
func (g *Group) regexFilters(but string) (n int) {
	for name, each := range g.Filters {
		if f, err := parseFilter(each.Pattern); err == nil && f.regexes > 0 && name != but {
			n++
		}
	}
	return n
}

func (in metricFilterInput) check() (*MetricFilter, error) {
	switch {
	case in.ApplyOnTransformedLogs:
		return nil, wire.NotImplemented("applyOnTransformedLogs")
	case len(in.EmitSystemFieldDimensions) > 0:
		return nil, wire.NotImplemented("emitSystemFieldDimensions")
	case in.FieldSelectionCriteria != "":
		return nil, wire.NotImplemented("fieldSelectionCriteria")
	}
	if err := checkFilterName(in.FilterName); err != nil {
		return nil, err
	}
	if in.FilterPattern == nil {
		return nil, invalid("1 validation error detected: Value null at 'filterPattern' failed to satisfy constraint: Member must not be null")
	}
	pattern, err := checkPattern(*in.FilterPattern)
	if err != nil {
		return nil, err
	}
	if n := len(in.MetricTransformations); n != 1 {
		return nil, invalid("1 validation error detected: Value at 'metricTransformations' failed to satisfy constraint: Member must have length 1, got %d", n)
	}
	to := in.MetricTransformations[0]
	if to.Unit == "" {
		to.Unit = "None"
	}
	if err := to.check(pattern); err != nil {
		return nil, err
	}
	return &MetricFilter{Name: in.FilterName, Pattern: *in.FilterPattern, Transformation: to}, nil
}

var metricName = regexp.MustCompile(`^[^:*$]{1,255}$`)

// check refuses what AWS refuses. The texts are guesses, but for that on default
// values, and so is that a namespace of AWS's own is refused.
func (t Transformation) check(pattern *filter) error {
	for name, value := range map[string]string{"metricName": t.MetricName, "metricNamespace": t.MetricNamespace} {
		if !metricName.MatchString(value) {
			return invalid("1 validation error detected: Value '%s' at 'metricTransformations.1.member.%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*$]* and have length between 1 and %d", value, name, maxMetricName)
		}
	}
	switch {
	case strings.HasPrefix(t.MetricNamespace, "AWS/"):
		return invalid("Invalid metric transformation: metricNamespace: got %q, want one that does not begin with AWS/", t.MetricNamespace)
	case len(t.Dimensions) > 0 && t.DefaultValue != nil:
		return invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	case len(t.Dimensions) > maxDimensions:
		return invalid("Invalid metric transformation: dimensions: got %d, want at most %d", len(t.Dimensions), maxDimensions)
	case len(t.MetricValue) > maxMetricValue:
		return invalid("Invalid metric transformation: metricValue: got %d characters, want at most %d", len(t.MetricValue), maxMetricValue)
	case !slices.Contains(units, t.Unit):
		return invalid("Invalid metric transformation: unit: got %q, want one of %v", t.Unit, units)
	}
	if _, ok := number(t.MetricValue); !ok {
		if err := checkField("metricValue", t.MetricValue, pattern); err != nil {
			return err
		}
	}
	for name, field := range t.Dimensions {
		if !dimensionName.MatchString(name) || strings.TrimSpace(name) == "" {
			return invalid("Invalid metric transformation: dimensions: got the name %q, want 1 to 255 ASCII characters, not all blank, of which the first is no colon", name)
		}
		if err := checkField("dimension "+name, field, pattern); err != nil {
			return err
		}
	}
	return nil
}

var dimensionName = regexp.MustCompile(`^[ -9;-~][ -~]{0,254}$`)

// units are the values of MetricTransformation.unit.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
	"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count",
	"Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
	"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
}

// checkField refuses a field that the pattern does not name: it is taken from
// what was matched. That this holds for dimensions too is a guess.
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_logs.MetricFilterProps.html
func checkField(at, field string, pattern *filter) error {
	if _, ok := pattern.selects(field); !ok {
		return invalid("Invalid metric transformation: %s: got %q, want a number or a field that the pattern names, such as { %s = * }", at, field, "$.field")
	}
	return nil
}

func (s *Service) deleteMetricFilter(r *http.Request) (any, error) {
	in, err := decode[metricFilterInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkFilterName(in.FilterName); err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		if group.Filters[in.FilterName] == nil {
			return missing("metric filter")
		}
		delete(group.Filters, in.FilterName)
		s.watch(group.ID, in.FilterName, nil)
		return nil
	})
}

type testFilterInput struct {
	FilterPattern    string   `json:"filterPattern"`
	LogEventMessages []string `json:"logEventMessages"`
}

type matchRecord struct {
	EventNumber     int               `json:"eventNumber"` // from 1
	EventMessage    string            `json:"eventMessage"`
	ExtractedValues map[string]string `json:"extractedValues"`
}

type testFilterOutput struct {
	Matches []matchRecord `json:"matches"`
}

func (s *Service) testMetricFilter(r *http.Request) (any, error) {
	in, err := decode[testFilterInput](r)
	if err != nil {
		return nil, err
	}
	if n := len(in.LogEventMessages); n < 1 || n > maxTestMessages || slices.Contains(in.LogEventMessages, "") {
		return nil, invalid("logEventMessages: got %d, want 1 to %d and none empty", n, maxTestMessages)
	}
	pattern, err := checkPattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	out := testFilterOutput{Matches: []matchRecord{}}
	for i, text := range in.LogEventMessages {
		m := &message{text: text}
		if !pattern.matches(m) {
			continue
		}
		record := matchRecord{i + 1, text, map[string]string{}}
		for _, s := range pattern.selectors {
			if value, ok := m.value(s.path); ok {
				record.ExtractedValues[s.text] = value
			}
		}
		out.Matches = append(out.Matches, record)
	}
	return out, nil
}
