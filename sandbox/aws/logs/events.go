package logs

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html.
const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 1_048_576
	eventOverhead  = 26 // bytes counted for each event
	tooOld         = 14 * 24 * time.Hour
	tooNew         = 2 * time.Hour
)

type putEventsInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	LogEvents     []struct {
		Timestamp *int64  `json:"timestamp"`
		Message   *string `json:"message"`
	} `json:"logEvents"`
}

type rejected struct {
	TooNew  *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOld  *int `json:"tooOldLogEventEndIndex,omitempty"`
	Expired *int `json:"expiredLogEventEndIndex,omitempty"`
}

type putEventsOutput struct {
	NextSequenceToken     string    `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejected `json:"rejectedLogEventsInfo,omitempty"`
}

func (s *Service) putLogEvents(r *http.Request) (any, error) {
	in, err := decode[putEventsInput](r)
	if err != nil {
		return nil, err
	}
	if n := len(in.LogEvents); n < 1 || n > maxBatchEvents {
		return nil, invalid("Log events in a single PutLogEvents request: got %d, want 1 to %d", n, maxBatchEvents)
	}
	now := s.millis()
	out := putEventsOutput{NextSequenceToken: fmt.Sprintf("%056d", now)}
	info := &rejected{}
	var accepted []event
	var size int
	var before int64
	for i, e := range in.LogEvents {
		if e.Timestamp == nil || e.Message == nil || *e.Message == "" || *e.Timestamp < 0 {
			return nil, invalid("Log event %d: timestamp and message are required", i)
		}
		if *e.Timestamp < before {
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		before = *e.Timestamp
		size += len(*e.Message) + eventOverhead
		switch {
		case *e.Timestamp < now-tooOld.Milliseconds():
			end := i + 1
			info.TooOld = &end
		case *e.Timestamp > now+tooNew.Milliseconds():
			if info.TooNew == nil {
				info.TooNew = &i
			}
		default:
			accepted = append(accepted, event{Stream: in.LogStreamName, At: *e.Timestamp, Ingested: now, Message: *e.Message})
		}
	}
	if size > maxBatchBytes {
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	if *info != (rejected{}) {
		out.RejectedLogEventsInfo = info
	}
	return out, s.viewGroup(in.LogGroupName, func(group *Group) error {
		if group.Streams[in.LogStreamName] == nil {
			return missing("log stream")
		}
		return s.journal(group.ID).add(accepted, true)
	})
}

// Deliver appends one line to a stream, which it creates, for the services
// that write logs for their users. Lines are not written through to the disk
// one by one, so a power failure may lose the last ones, but a kill does not.
func (s *Service) Deliver(groupARN, stream string, at time.Time, line string) error {
	name, err := s.groupOf(groupARN)
	if err != nil {
		return fmt.Errorf("delivering to log group: %w", err)
	}
	if err := checkStreamName(stream); err != nil {
		return fmt.Errorf("delivering to log group %s: %w", name, err)
	}
	message := strings.ToValidUTF8(line, "\uFFFD")
	err = s.addEvents(name, stream, []event{{Stream: stream, At: at.UnixMilli(), Ingested: s.millis(), Message: message}})
	if err != nil {
		return fmt.Errorf("delivering to log group %s: %w", name, err)
	}
	return nil
}

type getEventsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"` // included
	EndTime            *int64 `json:"endTime"`   // excluded
	NextToken          string `json:"nextToken"`
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
}

type outputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	IngestionTime int64  `json:"ingestionTime"`
	Message       string `json:"message"`
}

type getEventsOutput struct {
	Events            []outputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

// position is where an event stands among those of its group.
func (e event) position() string { return fmt.Sprintf("%020d-%020d", e.At, e.ID) }

var eventToken = regexp.MustCompile(`^([fb])/(\d{20}-\d{20})$`)

func within(e event, start, end *int64) bool {
	return (start == nil || e.At >= *start) && (end == nil || e.At < *end)
}

// getLogEvents pages through a stream both ways. At either end it answers the
// token it was given, which is how clients know that they are there.
func (s *Service) getLogEvents(r *http.Request) (any, error) {
	in, err := decode[getEventsInput](r)
	if err != nil {
		return nil, err
	}
	name, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.Limit, 10_000, 10_000)
	if err != nil {
		return nil, err
	}
	var events []event
	err = s.viewGroup(name, func(group *Group) error {
		if group.Streams[in.LogStreamName] == nil {
			return missing("log stream")
		}
		events = s.live(group, func(e event) bool { return e.Stream == in.LogStreamName && within(e, in.StartTime, in.EndTime) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	forward := in.StartFromHead
	at := ""
	if in.NextToken != "" {
		parts := eventToken.FindStringSubmatch(in.NextToken)
		if parts == nil {
			return nil, invalid("The specified nextToken is invalid.")
		}
		forward, at = parts[1] == "f", parts[2]
		events = slices.DeleteFunc(events, func(e event) bool {
			return forward && e.position() <= at || !forward && e.position() >= at
		})
	}
	if len(events) > limit {
		if forward {
			events = events[:limit]
		} else {
			events = events[len(events)-limit:]
		}
	}
	first, last := cmp.Or(at, event{}.position()), cmp.Or(at, event{}.position())
	out := getEventsOutput{Events: []outputEvent{}}
	for i, e := range events {
		if i == 0 {
			first = e.position()
		}
		last = e.position()
		out.Events = append(out.Events, outputEvent{e.At, e.Ingested, e.Message})
	}
	out.NextForwardToken, out.NextBackwardToken = "f/"+last, "b/"+first
	return out, nil
}

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
	limit, err := limit(in.Limit, 10_000, 10_000)
	if err != nil {
		return nil, err
	}
	if len(in.FilterPattern) > 1024 {
		return nil, invalid("Invalid filter pattern: got %d characters, want at most 1024", len(in.FilterPattern))
	}
	matches, err := ParseFilter(in.FilterPattern)
	if err != nil {
		return nil, invalid("Invalid filter pattern: %v", err)
	}
	after := ""
	if in.NextToken != "" {
		raw, err := base64.RawURLEncoding.DecodeString(in.NextToken)
		if err != nil {
			return nil, invalid("The specified nextToken is invalid.")
		}
		after = string(raw)
	}
	var events []event
	err = s.viewGroup(name, func(group *Group) error {
		for _, stream := range in.LogStreamNames {
			if group.Streams[stream] == nil {
				return missing("log stream")
			}
		}
		events = s.live(group, func(e event) bool {
			return (in.StartTime == nil || e.At >= *in.StartTime) && (in.EndTime == nil || e.At <= *in.EndTime) &&
				(len(in.LogStreamNames) == 0 || slices.Contains(in.LogStreamNames, e.Stream)) &&
				strings.HasPrefix(e.Stream, in.LogStreamNamePrefix) && e.position() > after && matches(e.Message)
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := filterEventsOutput{Events: []filteredEvent{}}
	if len(events) > limit {
		events = events[:limit]
		out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(events[limit-1].position()))
	}
	for _, e := range events {
		out.Events = append(out.Events, filteredEvent{fmt.Sprintf("%056d", e.ID), e.Stream, e.At, e.Ingested, e.Message})
	}
	return out, nil
}
