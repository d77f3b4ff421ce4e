// Package logs simulates the part of Amazon CloudWatch Logs that programs and
// people use with access logs: groups, streams, events with filter patterns,
// metric filters, Insights queries and their definitions, retention, tags, and
// the resource policies of log delivery. Query definitions have no tags, as in AWS.
//
// Not implemented, and refused as such: subscription filters, space-delimited
// filter patterns, queries in SQL and PPL, data protection, export, and
// everything newer.
package logs

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Target is the prefix of X-Amz-Target that names the service.
const Target = "Logs_20140328."

// Options configure a [Service].
type Options struct {
	Account string
	Region  string
	Dir     string // holds logs.json and the events; "" keeps all in memory
	Now     func() time.Time

	// CheckKey returns why the service cannot use a KMS key for a log group, both
	// ARNs; nil means that it can use every one.
	CheckKey func(keyARN, groupARN string) error

	// Record takes the values that metric filters make of events. It is not called
	// under a lock. Without it they make none.
	Record func(namespace, metric string, dimensions map[string]string, value float64, at time.Time)
}

// State is what is kept durable. Events are kept apart.
type State struct {
	Groups   map[string]*Group  `json:"groups"` // keyed by name
	Policies map[string]*Policy `json:"policies"`

	Definitions map[string]*Definition `json:"definitions"` // keyed by id
}

// Group is a log group.
type Group struct {
	ID              string             `json:"id"` // names the file of its events
	Name            string             `json:"name"`
	Class           string             `json:"class"`
	KMSKeyID        string             `json:"kmsKeyId,omitempty"`
	RetentionInDays int                `json:"retentionInDays,omitempty"` // 0 keeps events for ever
	Created         int64              `json:"created"`                   // ms since 1970
	Tags            map[string]string  `json:"tags"`
	Streams         map[string]*Stream `json:"streams"`

	Filters map[string]*MetricFilter `json:"filters,omitempty"` // keyed by name
}

// Stream is a log stream of a group.
type Stream struct {
	Name    string `json:"name"`
	Created int64  `json:"created"` // ms since 1970
}

// Service is CloudWatch Logs of one account and region. It is an
// [http.Handler] of requests that are already authenticated.
type Service struct {
	Options
	state      *store.Store[State]
	operations map[string]func(*http.Request) (any, error)

	mu      sync.Mutex
	events  map[string]*journal // keyed by Group.ID
	watches map[string][]*watch // keyed by Group.ID; lists are replaced as a whole

	ran history
}

// New opens the service and reads the events of its groups.
func New(options Options) (*Service, error) {
	path := ""
	if options.Dir != "" {
		path = filepath.Join(options.Dir, "logs.json")
	}
	state, err := store.Open(path, &State{
		Groups: map[string]*Group{}, Policies: map[string]*Policy{}, Definitions: map[string]*Definition{},
	})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options, state: state, events: map[string]*journal{}, watches: map[string][]*watch{}}
	s.operations = map[string]func(*http.Request) (any, error){
		"CreateLogGroup":           s.createLogGroup,
		"DescribeLogGroups":        s.describeLogGroups,
		"DeleteLogGroup":           s.deleteLogGroup,
		"PutRetentionPolicy":       s.putRetentionPolicy,
		"DeleteRetentionPolicy":    s.deleteRetentionPolicy,
		"AssociateKmsKey":          s.associateKMSKey,
		"DisassociateKmsKey":       s.disassociateKMSKey,
		"TagResource":              s.tagResource,
		"UntagResource":            s.untagResource,
		"ListTagsForResource":      s.listTagsForResource,
		"TagLogGroup":              s.tagLogGroup,
		"UntagLogGroup":            s.untagLogGroup,
		"ListTagsLogGroup":         s.listTagsLogGroup,
		"CreateLogStream":          s.createLogStream,
		"DescribeLogStreams":       s.describeLogStreams,
		"DeleteLogStream":          s.deleteLogStream,
		"PutLogEvents":             s.putLogEvents,
		"GetLogEvents":             s.getLogEvents,
		"FilterLogEvents":          s.filterLogEvents,
		"PutMetricFilter":          s.putMetricFilter,
		"DescribeMetricFilters":    s.describeMetricFilters,
		"DeleteMetricFilter":       s.deleteMetricFilter,
		"TestMetricFilter":         s.testMetricFilter,
		"PutQueryDefinition":       s.putQueryDefinition,
		"DescribeQueryDefinitions": s.describeQueryDefinitions,
		"DeleteQueryDefinition":    s.deleteQueryDefinition,
		"GetQueryResults":          s.getQueryResults,
		"StopQuery":                s.stopQuery,
		"DescribeQueries":          s.describeQueries,
		"PutResourcePolicy":        s.putResourcePolicy,
		"DescribeResourcePolicies": s.describeResourcePolicies,
		"DeleteResourcePolicy":     s.deleteResourcePolicy,
	}
	state.View(func(all *State) {
		for _, group := range all.Groups {
			if s.events[group.ID], err = openJournal(s.journalPath(group.ID), usualCapacity); err != nil {
				return
			}
			if err = s.watchAll(group); err != nil {
				return
			}
		}
	})
	return s, err
}

func (s *Service) journalPath(groupID string) string {
	if s.Dir == "" {
		return ""
	}
	return filepath.Join(s.Dir, "events-"+groupID+".ndjson")
}

// ServeHTTP answers one request of the CloudWatch Logs API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") == Target+"StartQuery" { // its refusals have more than a text
		s.serveStartQuery(w, r)
		return
	}
	wire.ServeJSON11(w, r, Target, "CloudWatch Logs", s.operations)
}

// Close ends writing to the files of the events.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first error
	for _, j := range s.events {
		if err := j.close(); first == nil {
			first = err
		}
	}
	return first
}

// decode reads the body of a request.
func decode[T any](r *http.Request) (T, error) {
	var in T
	return in, wire.DecodeRequest(r, &in)
}

func refusal(code, format string, args ...any) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refusal("InvalidParameterException", format, args...)
}

func missing(what string) error {
	return refusal("ResourceNotFoundException", "The specified %s does not exist.", what)
}

// millis is the time as the service gives it.
func (s *Service) millis() int64 { return s.Now().UnixMilli() }
