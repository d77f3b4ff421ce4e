// Package cloudwatch simulates the part of Amazon CloudWatch that watches a
// stack: metrics, alarms that are evaluated on the sandbox's clock and tell SNS
// topics of changes, and dashboards.
//
// Metrics are kept as sums and values of a minute, the latest of each metric, and
// reach the state file at every [Service.Tick]: a kill loses those of the last
// minute. Percentiles are exact, or of many different values a minute to half a
// percent. What is usual, for alarms on anomalies, is a simple model of the
// sandbox's own.
//
// Not implemented, and refused as such: composite alarms, periods below a minute
// and several at once, Metrics Insights, metric math that needs other points in
// time, trimmed means and the like, anomaly detectors of their own (alarms need
// none), metric streams, contributor insights.
package cloudwatch

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Options configure a [Service].
type Options struct {
	Account string
	Region  string
	Dir     string // holds cloudwatch.json and metrics.json; "" keeps all in memory
	Now     func() time.Time

	// Notify publishes to a topic that an alarm's change of state is told to. It
	// is not called under a lock. Without it nobody is told.
	Notify func(topicARN, subject string, message []byte) error
}

// State is what is kept durable at once. Metrics are kept apart.
type State struct {
	Alarms     map[string]*Alarm     `json:"alarms"`     // keyed by name
	Dashboards map[string]*Dashboard `json:"dashboards"` // keyed by name
	History    []historyItem         `json:"history"`    // the oldest first
}

// Service is CloudWatch of one account and region. It is an [http.Handler] of
// requests that are already authenticated.
type Service struct {
	Options
	state      *store.Store[State]
	operations map[string]func(request) (any, error)
	metrics    *metrics

	ticking   sync.Mutex           // one tick at a time
	mu        sync.Mutex           // of evaluated
	evaluated map[string]time.Time // the last minute that an alarm was evaluated for
}

// New opens the service.
func New(options Options) (*Service, error) {
	path := func(name string) string {
		if options.Dir == "" {
			return ""
		}
		return filepath.Join(options.Dir, name)
	}
	state, err := store.Open(path("cloudwatch.json"), &State{Alarms: map[string]*Alarm{}, Dashboards: map[string]*Dashboard{}})
	if err != nil {
		return nil, err
	}
	metrics, err := openMetrics(path("metrics.json"))
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options, state: state, metrics: metrics, evaluated: map[string]time.Time{}}
	s.operations = map[string]func(request) (any, error){
		"PutMetricAlarm":          s.putMetricAlarm,
		"DescribeAlarms":          s.describeAlarms,
		"DescribeAlarmsForMetric": s.describeAlarmsForMetric,
		"DescribeAlarmHistory":    s.describeAlarmHistory,
		"DeleteAlarms":            s.deleteAlarms,
		"EnableAlarmActions":      s.enableAlarmActions,
		"DisableAlarmActions":     s.disableAlarmActions,
		"SetAlarmState":           s.setAlarmState,
		"PutMetricData":           s.putMetricData,
		"GetMetricData":           s.getMetricData,
		"GetMetricStatistics":     s.getMetricStatistics,
		"ListMetrics":             s.listMetrics,
		"PutDashboard":            s.putDashboard,
		"GetDashboard":            s.getDashboard,
		"ListDashboards":          s.listDashboards,
		"DeleteDashboards":        s.deleteDashboards,
		"TagResource":             s.tagResource,
		"UntagResource":           s.untagResource,
		"ListTagsForResource":     s.listTagsForResource,
	}
	return s, nil
}

// ServeHTTP answers one request of the CloudWatch API, in the protocol of the
// request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, err := read(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	run, ok := s.operations[in.operation]
	if !ok {
		WriteError(w, r, wire.NotImplemented("CloudWatch operation "+in.operation))
		return
	}
	result, err := run(in)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	in.protocol.write(w, in.operation, result)
}

// Close makes the metrics durable.
func (s *Service) Close() error { return s.metrics.save() }

// AlarmARN returns the name of an alarm as other services know it.
func (s *Service) AlarmARN(name string) string {
	return "arn:aws:cloudwatch:" + s.Region + ":" + s.Account + ":alarm:" + name
}

// named is what the requests of roles name.
type named struct {
	AlarmName   string
	AlarmNames  []string
	ResourceARN string
}

// Request tells what a request does and to what, in the words of policies, see
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html.
// A request on several alarms is on all of them (a guess).
func (s *Service) Request(r *http.Request, body []byte) (action, resource string) {
	in, err := parse(r, body)
	if err != nil {
		return "cloudwatch:*", "*"
	}
	action = "cloudwatch:" + in.operation
	names, err := decode[named](in)
	switch {
	case err != nil:
		return action, "*"
	case names.ResourceARN != "":
		return action, names.ResourceARN
	case names.AlarmName != "":
		return action, s.AlarmARN(names.AlarmName)
	case len(names.AlarmNames) == 1:
		return action, s.AlarmARN(names.AlarmNames[0])
	case len(names.AlarmNames) > 1:
		return action, s.AlarmARN("*")
	}
	return action, "*"
}

// TaggedResources returns the alarms that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for name, alarm := range all.Alarms {
			if len(alarm.Tags) > 0 {
				resources = append(resources, tagging.Resource{ARN: s.AlarmARN(name), Type: "cloudwatch:alarm", Tags: alarm.Tags})
			}
		}
	})
	return resources
}

func refusal(code, format string, args ...any) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid refuses what the shape of a request does not have, or what belongs
// together. The code is AWS's; texts that are not of the first form are guesses.
func invalid(format string, args ...any) error { return refusal("ValidationError", format, args...) }

func constraint(value any, at, want string) error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, at, want)
}

func invalidValue(format string, args ...any) error {
	return refusal("InvalidParameterValueException", format, args...)
}

func invalidCombination(format string, args ...any) error {
	return refusal("InvalidParameterCombinationException", format, args...)
}

func missing(code, format string, args ...any) error {
	return &wire.Error{Status: http.StatusNotFound, Code: code, Message: fmt.Sprintf(format, args...)}
}

// page returns a part of the items that a request asks for.
func page[T any](items []T, key func(T) string, token string, given *int, standard, most int) ([]T, string, error) {
	limit := standard
	if given != nil {
		limit = *given
	}
	if limit < 1 || limit > most {
		return nil, "", constraint(limit, "maxRecords", fmt.Sprintf("Member must have value between 1 and %d", most))
	}
	items, next, err := wire.Page(items, key, token, limit)
	if err != nil {
		return nil, "", refusal("InvalidNextToken", "The next token specified is invalid.")
	}
	return items, next, nil
}
