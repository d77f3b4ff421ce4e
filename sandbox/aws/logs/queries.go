package logs

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/logs/insights"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
// and of the sandbox.
const (
	maxQueryGroups = 50
	maxQueryLimit  = 100_000
	maxResultRows  = 10_000 // of one answer
	maxRemembered  = 100    // queries
)

// history is the latest queries, the oldest first. They are kept in memory only.
type history struct {
	mu      sync.Mutex
	queries []*ranQuery
}

// ranQuery is a query and what it found.
type ranQuery struct {
	id      string
	text    string
	groups  []string
	created int64
	result  insights.Result
}

func (h *history) add(q *ranQuery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queries = append(h.queries, q)
	if len(h.queries) > maxRemembered {
		h.queries = slices.Clone(h.queries[1:])
	}
}

func (h *history) all() []*ranQuery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.queries)
}

func (h *history) find(id string) (*ranQuery, error) {
	for _, q := range h.all() {
		if q.id == id {
			return q, nil
		}
	}
	return nil, missing("query")
}

type startQueryInput struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupNames       []string `json:"logGroupNames"`
	LogGroupIdentifiers []string `json:"logGroupIdentifiers"`
	StartTime           *int64   `json:"startTime"` // seconds since 1970, included
	EndTime             *int64   `json:"endTime"`   // likewise
	QueryString         string   `json:"queryString"`
	QueryLanguage       string   `json:"queryLanguage"`
	Limit               *int     `json:"limit"`
}

type startQueryOutput struct {
	QueryID string `json:"queryId"`
}

// malformedQuery refuses a query that cannot be read.
type malformedQuery struct {
	Type    string       `json:"__type"`
	Message string       `json:"message"`
	Detail  compileError `json:"queryCompileError"`
}

type compileError struct {
	Location *errorLocation `json:"location,omitempty"`
	Message  string         `json:"message"`
}

type errorLocation struct {
	Start int `json:"startCharOffset"`
	End   int `json:"endCharOffset"`
}

func newMalformedQuery(err error) *malformedQuery {
	detail := compileError{Message: err.Error()}
	if at, ok := errors.AsType[*insights.Error](err); ok {
		detail.Location = &errorLocation{at.Start, at.End}
	}
	return &malformedQuery{"MalformedQueryException", err.Error(), detail}
}

func (m *malformedQuery) Error() string { return m.Type + ": " + m.Message }

func (s *Service) serveStartQuery(w http.ResponseWriter, r *http.Request) {
	out, err := s.startQuery(r)
	if malformed, ok := errors.AsType[*malformedQuery](err); ok {
		wire.JSON11.Write(w, http.StatusBadRequest, malformed)
		return
	}
	if err != nil {
		wire.JSON11.WriteError(w, err)
		return
	}
	wire.JSON11.Write(w, http.StatusOK, out)
}

// startQuery runs a query at once: none is ever found running.
func (s *Service) startQuery(r *http.Request) (any, error) {
	in, err := decode[startQueryInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkLanguage(in.QueryLanguage); err != nil {
		return nil, err
	}
	groups, err := s.queried(in)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.Limit, maxQueryLimit, maxQueryLimit)
	if err != nil {
		return nil, err
	}
	if in.StartTime == nil || in.EndTime == nil || *in.StartTime < 0 || *in.StartTime > *in.EndTime { // the text is a guess
		return nil, invalid("startTime and endTime: want both, in seconds since 1970, the start not after the end")
	}
	if err := checkQueryLength(in.QueryString); err != nil {
		return nil, err
	}
	query, err := insights.Parse(in.QueryString)
	if err != nil {
		return nil, newMalformedQuery(err)
	}
	// That all of the last second is included is a guess.
	events, err := s.eventsOf(groups, *in.StartTime*1000, *in.EndTime*1000+999)
	if err != nil {
		return nil, err
	}
	ran := &ranQuery{id: uuid.NewString(), text: in.QueryString, groups: groups, created: s.millis(), result: query.Run(events)}
	// The smaller of this limit and that in the query counts (a guess).
	ran.result.Rows = ran.result.Rows[:min(limit, len(ran.result.Rows))]
	s.ran.add(ran)
	return startQueryOutput{ran.id}, nil
}

// queried returns the names of the groups that a query is on.
func (s *Service) queried(in startQueryInput) ([]string, error) {
	names, given := slices.Clone(in.LogGroupNames), 0
	for _, is := range []bool{in.LogGroupName != "", len(in.LogGroupNames) > 0, len(in.LogGroupIdentifiers) > 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified, got %d", given)
	}
	if in.LogGroupName != "" {
		names = append(names, in.LogGroupName)
	}
	for _, identifier := range in.LogGroupIdentifiers {
		name, err := s.group("", identifier)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(names) > maxQueryGroups {
		return nil, invalid("Log groups of a query: got %d, want 1 to %d", len(names), maxQueryGroups)
	}
	return names, nil
}

// eventsOf returns the events of groups from start until end, both included.
func (s *Service) eventsOf(groups []string, start, end int64) ([]insights.Event, error) {
	var events []insights.Event
	for _, name := range groups {
		var live reach
		err := s.viewGroup(name, func(group *Group) error {
			live = s.live(group, &start, &end, func(event) bool { return true })
			return nil
		})
		if err != nil {
			return nil, err
		}
		live.each(head, false, func(e event) bool {
			events = append(events, insights.Event{
				Timestamp: e.At, Ingested: e.Ingested, Message: e.Message, Stream: e.Stream, Log: s.Account + ":" + name,
				Ptr: base64.StdEncoding.EncodeToString([]byte(name + "/" + e.position().String())),
			})
			return true
		})
	}
	return events, nil
}

type describeQueriesInput struct {
	LogGroupName  string `json:"logGroupName"`
	Status        string `json:"status"`
	QueryLanguage string `json:"queryLanguage"`
	MaxResults    *int   `json:"maxResults"`
	NextToken     string `json:"nextToken"`
}

type queryAnswer struct {
	QueryID       string  `json:"queryId"`
	QueryString   string  `json:"queryString"`
	QueryLanguage string  `json:"queryLanguage"`
	Status        string  `json:"status"`
	CreateTime    int64   `json:"createTime"`
	LogGroupName  string  `json:"logGroupName"` // the first of them (a guess)
	BytesScanned  float64 `json:"bytesScanned"`
}

type describeQueriesOutput struct {
	Queries   []queryAnswer `json:"queries"`
	NextToken string        `json:"nextToken,omitempty"`
}

// complete is the status of all queries.
const complete = "Complete"

// describeQueries lists queries, the latest first (a guess).
func (s *Service) describeQueries(r *http.Request) (any, error) {
	in, err := decode[describeQueriesInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkLanguage(in.QueryLanguage); err != nil {
		return nil, err
	}
	if statuses := []string{"", "Cancelled", complete, "Failed", "Running", "Scheduled"}; !slices.Contains(statuses, in.Status) {
		return nil, invalid("status: got %q, want one of %s", in.Status, strings.Join(statuses[1:], ", "))
	}
	limit, err := limit(in.MaxResults, 1000, 1000)
	if err != nil {
		return nil, err
	}
	var found []queryAnswer
	for _, q := range s.ran.all() {
		if (in.Status == "" || in.Status == complete) && (in.LogGroupName == "" || slices.Contains(q.groups, in.LogGroupName)) {
			found = append(found, queryAnswer{q.id, q.text, queryLanguage, complete, q.created, q.groups[0], float64(q.result.BytesScanned)})
		}
	}
	key := func(q queryAnswer) string { return fmt.Sprintf("%019d/%s", math.MaxInt64-q.CreateTime, q.QueryID) }
	page, next, err := wire.Page(found, key, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return describeQueriesOutput{page, next}, nil
}
