package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// maxWidgets is of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html.
const maxWidgets = 500

var (
	dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	widgetTypes   = []string{"alarm", "custom", "explorer", "log", "metric", "text"}
)

// Dashboard is a dashboard.
type Dashboard struct {
	Name     string    `json:"name"`
	Body     string    `json:"body"`
	Modified time.Time `json:"modified"`
}

// dashboardProblem is what is wrong with a part of a dashboard's body.
type dashboardProblem struct{ DataPath, Message string }

// dashboardError refuses a body, with all that is wrong.
type dashboardError struct {
	refused  *wire.Error
	problems []dashboardProblem
}

// Error returns the code and the message.
func (e *dashboardError) Error() string { return e.refused.Error() }

// Unwrap gives the refusal as all others are given.
func (e *dashboardError) Unwrap() error { return e.refused }

type dashboardInput struct {
	DashboardName string
	DashboardBody string
}

type putDashboardOutput struct {
	DashboardValidationMessages []dashboardProblem
}

func (s *Service) putDashboard(r request) (any, error) {
	in, err := decode[dashboardInput](r)
	if err != nil {
		return nil, err
	}
	if !dashboardName.MatchString(in.DashboardName) {
		return nil, invalidValue("The value %s for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).", in.DashboardName)
	}
	if problems := checkDashboard(in.DashboardBody); len(problems) > 0 {
		listed, _ := json.Marshal(problems) // texts can always be written
		refused := &wire.Error{Status: http.StatusBadRequest, Code: "DashboardInvalidInputError", Message: fmt.Sprintf(
			"The dashboard body is invalid, there are %d validation errors: %s", len(problems), listed)}
		return nil, &dashboardError{refused, problems}
	}
	return putDashboardOutput{[]dashboardProblem{}}, s.state.Update(func(all *State) error {
		all.Dashboards[in.DashboardName] = &Dashboard{in.DashboardName, in.DashboardBody, s.Now()}
		return nil
	})
}

// checkDashboard returns what is wrong with a body, by
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html.
// The texts are guesses.
func checkDashboard(body string) []dashboardProblem {
	var document map[string]any
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		return []dashboardProblem{{"/", "The field dashboardBody must be a valid JSON object"}}
	}
	widgets, ok := document["widgets"].([]any)
	if !ok {
		return []dashboardProblem{{"/widgets", "Should have required property 'widgets', a list"}}
	}
	if len(widgets) > maxWidgets {
		return []dashboardProblem{{"/widgets", "Should NOT have more than 500 items"}}
	}
	var problems []dashboardProblem
	for i, each := range widgets {
		at := fmt.Sprintf("/widgets/%d", i)
		widget, ok := each.(map[string]any)
		if !ok {
			problems = append(problems, dashboardProblem{at, "Should be object"})
			continue
		}
		problems = append(problems, checkWidget(at, widget)...)
	}
	return problems
}

func checkWidget(at string, widget map[string]any) (problems []dashboardProblem) {
	add := func(path, message string) { problems = append(problems, dashboardProblem{at + path, message}) }
	kind, _ := widget["type"].(string)
	if !slices.Contains(widgetTypes, kind) {
		add("/type", "Should be one of "+strings.Join(widgetTypes, ", "))
	}
	for name, limits := range map[string][2]float64{"x": {0, 23}, "y": {0, math.MaxInt32}, "width": {1, 24}, "height": {1, 1000}} {
		value, given := widget[name]
		n, isNumber := value.(float64)
		if given && (!isNumber || n != math.Trunc(n) || n < limits[0] || n > limits[1]) {
			add("/"+name, fmt.Sprintf("Should be an integer from %.0f to %.0f", limits[0], limits[1]))
		}
	}
	if _, hasX := widget["x"]; hasX {
		if _, hasY := widget["y"]; !hasY {
			add("/y", "Should be given together with x")
		}
	}
	properties, ok := widget["properties"].(map[string]any)
	if !ok {
		add("", "Should have required property 'properties'")
		return problems
	}
	need := func(name string, is func(any) bool) {
		if value, given := properties[name]; !given || !is(value) {
			add("/properties", "Should have required property '"+name+"'")
		}
	}
	isText := func(v any) bool { text, ok := v.(string); return ok && text != "" }
	isList := func(v any) bool { list, ok := v.([]any); return ok && len(list) > 0 }
	switch kind {
	case "text":
		need("markdown", isText)
	case "log":
		need("region", isText)
		need("query", isText)
	case "alarm":
		need("alarms", isList)
	case "metric":
		need("region", isText)
		if annotations, ok := properties["annotations"].(map[string]any); !ok || !isList(annotations["alarms"]) {
			need("metrics", isList)
		}
	}
	slices.SortFunc(problems, func(a, b dashboardProblem) int { return strings.Compare(a.DataPath, b.DataPath) })
	return problems
}

type dashboardOutput struct {
	DashboardArn  string
	DashboardBody string
	DashboardName string
}

// dashboardARN has no region.
func (s *Service) dashboardARN(name string) string {
	return "arn:aws:cloudwatch::" + s.Account + ":dashboard/" + name
}

func noDashboard(name string) error {
	return missing("DashboardNotFoundError", "Dashboard %s does not exist", name)
}

func (s *Service) getDashboard(r request) (any, error) {
	in, err := decode[dashboardInput](r)
	if err != nil {
		return nil, err
	}
	var out any
	err = noDashboard(in.DashboardName)
	s.state.View(func(all *State) {
		if found := all.Dashboards[in.DashboardName]; found != nil {
			out, err = dashboardOutput{s.dashboardARN(found.Name), found.Body, found.Name}, nil
		}
	})
	return out, err
}

type listDashboardsInput struct{ DashboardNamePrefix, NextToken string }

type dashboardEntry struct {
	DashboardArn  string
	DashboardName string
	LastModified  time.Time
	Size          int
}

type listDashboardsOutput struct {
	DashboardEntries []dashboardEntry
	NextToken        string `json:",omitempty"`
}

func (s *Service) listDashboards(r request) (any, error) {
	in, err := decode[listDashboardsInput](r)
	if err != nil {
		return nil, err
	}
	var entries []dashboardEntry
	s.state.View(func(all *State) {
		for _, name := range slices.Sorted(maps.Keys(all.Dashboards)) {
			if each := all.Dashboards[name]; strings.HasPrefix(name, in.DashboardNamePrefix) {
				entries = append(entries, dashboardEntry{s.dashboardARN(name), name, each.Modified, len(each.Body)})
			}
		}
	})
	entries, next, err := page(entries, func(e dashboardEntry) string { return e.DashboardName }, in.NextToken, nil, 1000, 1000)
	return listDashboardsOutput{entries, next}, err
}

// deleteDashboards deletes all or, if one is not there, none.
func (s *Service) deleteDashboards(r request) (any, error) {
	in, err := decode[struct{ DashboardNames []string }](r)
	if err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		for _, name := range in.DashboardNames {
			if all.Dashboards[name] == nil {
				return noDashboard(name)
			}
		}
		for _, name := range in.DashboardNames {
			delete(all.Dashboards, name)
		}
		return nil
	})
}
