package logs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxPattern is how long a filter pattern may be.
const maxPattern = 1024

// backwardSince is the earliest start of a search that begins with the latest
// events.
var backwardSince = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

type filterEventsInput struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"` // included
	EndTime             *int64   `json:"endTime"`   // included
	FilterPattern       string   `json:"filterPattern"`
	NextToken           string   `json:"nextToken"`
	Limit               *int     `json:"limit"`
	StartFromHead       *bool    `json:"startFromHead"`
}

type filteredEvent struct {
	EventID       string `json:"eventId"`
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	IngestionTime int64  `json:"ingestionTime"`
	Message       string `json:"message"`
}

type filterEventsOutput struct {
	Events    []filteredEvent `json:"events"`
	NextToken string          `json:"nextToken,omitempty"`
}

func (s *Service) filterLogEvents(r *http.Request) (any, error) {
	in, err := decode[filterEventsInput](r)
	if err != nil {
		return nil, err
	}
	name, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return nil, invalid("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
	}
	limit, err := limit(in.Limit, maxPageEvents, maxPageEvents)
	if err != nil {
		return nil, err
	}
	filter, err := checkPattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	from, backward, err := in.from()
	if err != nil {
		return nil, err
	}
	var found reach
	err = s.viewGroup(name, func(group *Group) error {
		for _, stream := range in.LogStreamNames {
			if group.Streams[stream] == nil {
				return missing("log stream")
			}
		}
		found = s.live(group, in.StartTime, in.EndTime, func(e event) bool {
			return (len(in.LogStreamNames) == 0 || slices.Contains(in.LogStreamNames, e.Stream)) &&
				strings.HasPrefix(e.Stream, in.LogStreamNamePrefix) && filter.matches(&message{text: e.Message})
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	events, more := found.page(from, backward, limit)
	out := filterEventsOutput{Events: make([]filteredEvent, len(events))}
	for i, e := range events {
		out.Events[i] = filteredEvent{fmt.Sprintf("%056d", e.ID), e.Stream, e.At, e.Ingested, e.Message}
	}
	if more {
		out.NextToken = token(events[len(events)-1].position(), backward)
	}
	return out, nil
}

// from tells where a search begins. A token keeps to the direction of the first
// request.
func (in filterEventsInput) from() (at position, backward bool, err error) {
	switch {
	case in.NextToken != "":
		return parseToken(in.NextToken)
	case in.StartFromHead == nil || *in.StartFromHead:
		return head, false, nil
	case in.StartTime == nil || *in.StartTime < backwardSince:
		return tail, true, invalid("startFromHead can be false only with a startTime on or after 2024-01-01T00:00:00Z.")
	}
	return tail, true, nil
}

// checkPattern reads the filter pattern of a request.
func checkPattern(pattern string) (*filter, error) {
	if len(pattern) > maxPattern {
		return nil, invalid("Invalid filter pattern: got %d characters, want at most %d", len(pattern), maxPattern)
	}
	read, err := parseFilter(pattern)
	if err != nil {
		return nil, invalid("Invalid filter pattern: %v", err)
	}
	return read, nil
}
