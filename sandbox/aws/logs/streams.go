package logs

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

var streamName = regexp.MustCompile(`^[^:*]{1,512}$`)

func checkStreamName(name string) error {
	if !streamName.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]* and have length between 1 and 512", name)
	}
	return nil
}

type streamInput struct {
	LogGroupName        string `json:"logGroupName"`
	LogGroupIdentifier  string `json:"logGroupIdentifier"`
	LogStreamName       string `json:"logStreamName"`
	LogStreamNamePrefix string `json:"logStreamNamePrefix"`
	OrderBy             string `json:"orderBy"`
	Descending          bool   `json:"descending"`
	NextToken           string `json:"nextToken"`
	Limit               *int   `json:"limit"`
}

// group returns the name of the group that a request names by name or by ARN.
func (s *Service) group(name, identifier string) (string, error) {
	if identifier == "" {
		return name, nil
	}
	if name != "" {
		return "", invalid("logGroupName and logGroupIdentifier are mutually exclusive parameters.")
	}
	if !strings.HasPrefix(identifier, "arn:") {
		return identifier, nil
	}
	return s.groupOf(identifier)
}

func (s *Service) createLogStream(r *http.Request) (any, error) {
	in, err := decode[streamInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkStreamName(in.LogStreamName); err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		if group.Streams[in.LogStreamName] != nil {
			return refusal("ResourceAlreadyExistsException", "The specified log stream already exists")
		}
		group.Streams[in.LogStreamName] = &Stream{in.LogStreamName, s.millis()}
		return nil
	})
}

func (s *Service) deleteLogStream(r *http.Request) (any, error) {
	in, err := decode[streamInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		if group.Streams[in.LogStreamName] == nil {
			return missing("log stream")
		}
		if err := s.journal(group.ID).dropStream(in.LogStreamName); err != nil {
			return err
		}
		delete(group.Streams, in.LogStreamName)
		return nil
	})
}

type streamAnswer struct {
	ARN                 string `json:"arn"`
	LogStreamName       string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   int64  `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken"`
	StoredBytes         int64  `json:"storedBytes"` // always 0, as of 2019
}

type streamsOutput struct {
	LogStreams []streamAnswer `json:"logStreams"`
	NextToken  string         `json:"nextToken,omitempty"`
}

func (s *Service) describeLogStreams(r *http.Request) (any, error) {
	in, err := decode[streamInput](r)
	if err != nil {
		return nil, err
	}
	name, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == "LastEventTime"
	switch {
	case in.OrderBy != "" && in.OrderBy != "LogStreamName" && !byTime:
		return nil, invalid("Invalid orderBy: got %q, want LogStreamName or LastEventTime", in.OrderBy)
	case byTime && in.LogStreamNamePrefix != "":
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	var streams []streamAnswer
	err = s.viewGroup(name, func(group *Group) error {
		of := map[string]*streamAnswer{}
		for _, stream := range group.Streams {
			if strings.HasPrefix(stream.Name, in.LogStreamNamePrefix) {
				of[stream.Name] = &streamAnswer{
					ARN: s.ARN(name) + ":log-stream:" + stream.Name, LogStreamName: stream.Name, CreationTime: stream.Created,
					UploadSequenceToken: "0",
				}
			}
		}
		live := s.live(group, nil, nil, func(e event) bool { return of[e.Stream] != nil })
		live.each(head, false, func(e event) bool {
			stream := of[e.Stream]
			if stream.FirstEventTimestamp == 0 {
				stream.FirstEventTimestamp = e.At
			}
			stream.LastEventTimestamp = e.At
			stream.LastIngestionTime = max(stream.LastIngestionTime, e.Ingested)
			return true
		})
		for _, stream := range of {
			streams = append(streams, *stream)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	page, next, err := wire.Page(streams, func(a streamAnswer) string { return a.order(byTime, in.Descending) }, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return streamsOutput{page, next}, nil
}

// order is the key that streams are sorted by, inverted to descend.
func (a streamAnswer) order(byTime, descending bool) string {
	key := a.LogStreamName
	if byTime {
		key = fmt.Sprintf("%020d/%s", a.LastEventTimestamp, key)
	}
	if !descending {
		return key
	}
	// The byte at the end puts a name before those that it begins.
	inverted := append([]byte(key), 0)
	for i := range inverted {
		inverted[i] = ^inverted[i]
	}
	return string(inverted)
}
