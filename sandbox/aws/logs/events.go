package logs

import (
	"fmt"
	"net/http"
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
	id := ""
	err = s.viewGroup(in.LogGroupName, func(group *Group) error {
		if group.Streams[in.LogStreamName] == nil {
			return missing("log stream")
		}
		id = group.ID
		return s.journal(group.ID).add(accepted, true)
	})
	if err != nil {
		return nil, err
	}
	s.measure(id, accepted)
	return out, nil
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
