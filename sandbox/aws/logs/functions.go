package logs

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Line is one line of a log, with its time.
type Line struct {
	At   time.Time
	Text string
}

// Append writes lines to a stream, for the services that write the logs of
// functions. It makes the stream, and the group too if create says so and it is
// not there. As with [Service.Deliver], a power failure may lose the last lines.
func (s *Service) Append(group, stream string, create bool, lines []Line) error {
	if err := checkStreamName(stream); err != nil {
		return err
	}
	if create {
		if err := s.addGroup(groupInput{LogGroupName: group, LogGroupClass: "STANDARD"}); err != nil && !exists(err) {
			return err
		}
	}
	events := make([]event, len(lines))
	now := s.millis()
	for i, line := range lines {
		events[i] = event{Stream: stream, At: line.At.UnixMilli(), Ingested: now, Message: strings.ToValidUTF8(line.Text, "\uFFFD")}
	}
	return s.addEvents(group, stream, events)
}

// addEvents appends to a stream, which it makes if it is not there, and lets the
// metric filters see them.
func (s *Service) addEvents(group, stream string, events []event) error {
	id := ""
	add := func(group *Group) error {
		if group.Streams[stream] == nil {
			return nil
		}
		id = group.ID
		return s.journal(group.ID).add(events, false)
	}
	err := s.viewGroup(group, add)
	if err == nil && id == "" {
		err = s.changeGroup(group, func(group *Group) error {
			if group.Streams[stream] == nil {
				group.Streams[stream] = &Stream{stream, s.millis()}
			}
			return add(group)
		})
	}
	if err != nil {
		return err
	}
	s.measure(id, events)
	return nil
}

// exists reports whether something was there before it should be made.
func exists(err error) bool {
	refusal, ok := errors.AsType[*wire.Error](err)
	return ok && refusal.Code == "ResourceAlreadyExistsException"
}

// named is what the requests of roles name.
type named struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

// Request tells what a request does and to what, in the words of policies, see
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html.
// Refusals of AWS name a stream without a name where an operation is of a group.
// That those on other things are of all groups is a guess.
func (s *Service) Request(r *http.Request, body []byte) (action, resource string) {
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), Target)
	var in named
	if wire.Decode(body, &in) != nil || in.LogGroupName == "" {
		return "logs:" + operation, s.StreamARN("", "")
	}
	return "logs:" + operation, s.StreamARN(in.LogGroupName, in.LogStreamName)
}

// StreamARN returns the name of a stream as policies know it.
func (s *Service) StreamARN(group, stream string) string {
	return s.ARN(group) + ":log-stream:" + stream
}
