package sns

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// topicName is the rule of https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html.
var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// find returns the topic of an ARN.
func (s *Service) find(all *State, field, arn string) (*Topic, error) {
	fields := strings.Split(arn, ":")
	switch {
	case arn == "":
		return nil, invalid("%s", field)
	case len(fields) < 6:
		return nil, invalid("%s Reason: An ARN must have at least 6 elements, not %d", field, len(fields))
	case fields[0] != "arn" || fields[2] != "sns" || fields[3] != s.Region || len(fields) > 6:
		return nil, invalid("%s", field)
	}
	topic := all.Topics[fields[5]]
	if topic == nil || s.TopicARN(topic.Name) != arn {
		return nil, missing("Topic")
	}
	return topic, nil
}

// view calls fn with the topic that a field of a request names, which fn must
// not change.
func (s *Service) view(r request, action, field string, fn func(*State, *Topic) error) error {
	var err error
	s.state.View(func(all *State) {
		var topic *Topic
		if topic, err = s.permitted(r, all, action, field); err == nil {
			err = fn(all, topic)
		}
	})
	return err
}

// change calls fn with the topic that a field of a request names, to change it.
func (s *Service) change(r request, action, field string, fn func(*State, *Topic) error) error {
	return s.state.Update(func(all *State) error {
		topic, err := s.permitted(r, all, action, field)
		if err != nil {
			return err
		}
		if err := fn(all, topic); err != nil {
			return err
		}
		s.purge(all)
		return nil
	})
}

type topicOutput struct {
	TopicArn string
}

// createTopic makes a topic, or finds the one of that name if it is what the
// request asks for. Attributes and tags that are not given are not compared, and
// the texts are those of messages that were seen.
func (s *Service) createTopic(r request) (any, error) {
	name := r.get("Name")
	attributes := r.entries("Attributes", "key", "value")
	tags, err := tagsOf(r)
	switch {
	case err != nil:
		return nil, err
	case attributes["FifoTopic"] == "true" || strings.HasSuffix(name, ".fifo"):
		return nil, wire.NotImplemented("a FIFO topic")
	case !topicName.MatchString(name):
		return nil, invalid("Topic Name")
	}
	for attribute, value := range attributes {
		if err := s.checkAttribute(attribute, value); err != nil {
			return nil, err
		}
	}
	arn := s.TopicARN(name)
	return topicOutput{arn}, s.state.Update(func(all *State) error {
		if topic := all.Topics[name]; topic != nil {
			return same(topic, attributes, tags)
		}
		merged, err := tagging.Merge(nil, tags)
		if err != nil {
			return invalid("Tags Reason: %v", err)
		}
		topic := &Topic{Name: name, Attributes: map[string]string{"Policy": s.defaultPolicy(arn)}, Tags: merged}
		maps.Copy(topic.Attributes, attributes)
		all.Topics[name] = topic
		return nil
	})
}

// same refuses to find a topic that is another than the one asked for.
func same(topic *Topic, attributes, tags map[string]string) error {
	for name, value := range attributes {
		if topic.Attributes[name] != value {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(tags) > 0 && !maps.Equal(topic.Tags, tags) {
		return invalid("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

// deleteTopic deletes a topic with all its subscriptions. One that is not there
// is as good as deleted
// (https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html).
func (s *Service) deleteTopic(r request) (any, error) {
	err := s.change(r, "DeleteTopic", "TopicArn", func(all *State, topic *Topic) error {
		maps.DeleteFunc(all.Subscriptions, func(_ string, each *Subscription) bool { return each.TopicARN == s.TopicARN(topic.Name) })
		delete(all.Topics, topic.Name)
		return nil
	})
	if isMissing(err) {
		return nil, nil
	}
	return nil, err
}

// getTopicAttributes leaves out what was never set, as AWS does for most.
func (s *Service) getTopicAttributes(r request) (any, error) {
	var out map[string]string
	err := s.view(r, "GetTopicAttributes", "TopicArn", func(all *State, topic *Topic) error {
		out = map[string]string{"DisplayName": ""}
		maps.Copy(out, topic.Attributes)
		confirmed, pending := 0, 0
		for _, each := range s.of(all, topic) {
			if each.Pending {
				pending++
			} else {
				confirmed++
			}
		}
		out["TopicArn"], out["Owner"] = s.TopicARN(topic.Name), s.Account
		out["SubscriptionsConfirmed"], out["SubscriptionsPending"] = strconv.Itoa(confirmed), strconv.Itoa(pending)
		out["SubscriptionsDeleted"] = strconv.Itoa(topic.Deleted)
		out["EffectiveDeliveryPolicy"] = topic.effectivePolicy()
		return nil
	})
	return sorted(out), err
}

// setTopicAttributes sets one attribute; an empty value removes it.
func (s *Service) setTopicAttributes(r request) (any, error) {
	name, value := r.get("AttributeName"), r.get("AttributeValue")
	return nil, s.change(r, "SetTopicAttributes", "TopicArn", func(_ *State, topic *Topic) error {
		if err := s.checkAttribute(name, value); err != nil {
			return err
		}
		next := maps.Clone(topic.Attributes)
		next[name] = value
		if value == "" {
			delete(next, name)
		}
		topic.Attributes = next
		return nil
	})
}

type topicsOutput struct {
	Topics    []topicOutput `xml:"Topics>member"`
	NextToken string        `xml:",omitempty"`
}

func (s *Service) listTopics(r request) (any, error) {
	var topics []topicOutput
	s.state.View(func(all *State) {
		for name := range all.Topics {
			topics = append(topics, topicOutput{s.TopicARN(name)})
		}
	})
	topics, next, err := page(r, topics, func(t topicOutput) string { return t.TopicArn })
	return topicsOutput{topics, next}, err
}

var (
	keyName      = regexp.MustCompile(`^[A-Za-z0-9:/_-]{1,256}$`)
	roleARN      = regexp.MustCompile(`^arn:aws:iam::\d{12}:role/[\w+=,.@/-]+$`)
	feedbackRole = regexp.MustCompile(`^(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)FeedbackRoleArn$`)
	feedbackRate = regexp.MustCompile(`^(HTTP|Firehose|Lambda|Application|SQS)SuccessFeedbackSampleRate$`)
)

// maxDisplayName is of https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html.
const maxDisplayName = 100 // characters

// checkAttribute refuses what a topic cannot have. Whether there is the key that
// encrypts it shows when something is published, as in AWS.
func (s *Service) checkAttribute(name, value string) error {
	var ok bool
	switch {
	case name == "Policy":
		return s.checkPolicy(value)
	case name == "DeliveryPolicy":
		_, err := parseTopicDelivery(value)
		return err
	case name == "DisplayName":
		ok = utf8.RuneCountInString(value) <= maxDisplayName && !strings.ContainsAny(value, "\r\n")
	case name == "KmsMasterKeyId":
		ok = value == "" || keyName.MatchString(value)
	case name == "SignatureVersion":
		ok = value == "" || value == "1" || value == "2"
	case name == "TracingConfig":
		ok = value == "" || value == "PassThrough" || value == "Active"
	case feedbackRole.MatchString(name):
		ok = value == "" || roleARN.MatchString(value)
	case feedbackRate.MatchString(name):
		rate, err := strconv.Atoi(value)
		ok = value == "" || err == nil && rate >= 0 && rate <= 100
	case name == "FifoTopic" || name == "ContentBasedDeduplication" || name == "ArchivePolicy" || name == "FifoThroughputScope":
		return invalid("%s Reason: only FIFO topics have it", name)
	default:
		return invalid("AttributeName")
	}
	if !ok {
		return invalid("%s", name)
	}
	return nil
}
