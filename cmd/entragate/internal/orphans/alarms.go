package orphans

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// alarmObjects are the stack's alarms on metrics.
func alarmObjects(ctx context.Context, client *cloudwatch.Client, mine tagged) ([]Object, error) {
	var objects []Object
	pages := cloudwatch.NewDescribeAlarmsPaginator(client, &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, alarm := range page.MetricAlarms {
			listed, err := client.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: alarm.AlarmArn})
			if err != nil {
				if ignoreGone(err) == nil {
					continue
				}
				return nil, err
			}
			if !mine(tagsOf(listed.Tags, func(t cloudwatchtypes.Tag) (key, value *string) { return t.Key, t.Value })) {
				continue
			}
			name := aws.ToString(alarm.AlarmName)
			objects = append(objects, Object{
				Cloud: "aws", Type: typeAlarm, ID: name, Name: name, importID: name, distinct: map[string]string{"name": name},
			})
		}
	}
	return objects, nil
}

// topicObjects are the stack's topics, with their policies and subscriptions.
func topicObjects(ctx context.Context, client *sns.Client, mine tagged) ([]Object, error) {
	var objects []Object
	pages := sns.NewListTopicsPaginator(client, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, topic := range page.Topics {
			listed, err := client.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: topic.TopicArn})
			if err != nil {
				if ignoreGone(err) == nil {
					continue
				}
				return nil, err
			}
			if !mine(tagsOf(listed.Tags, func(t snstypes.Tag) (key, value *string) { return t.Key, t.Value })) {
				continue
			}
			found, err := topicWithBelow(ctx, client, aws.ToString(topic.TopicArn))
			if err != nil {
				return nil, err
			}
			objects = append(objects, found...)
		}
	}
	return objects, nil
}

// topicWithBelow is a topic, if it is still there, with what it has. The default
// policy that every topic begins with is no object.
func topicWithBelow(ctx context.Context, client *sns.Client, topic string) ([]Object, error) {
	read, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
	if err != nil {
		return nil, ignoreGone(err)
	}
	name := topic[strings.LastIndex(topic, ":")+1:]
	objects := []Object{{
		Cloud: "aws", Type: typeTopic, ID: topic, Name: name, importID: topic, distinct: map[string]string{"name": name},
	}}
	given, err := givenPolicy(read.Attributes["Policy"])
	if err != nil {
		return nil, fmt.Errorf("reading the policy of topic %s: %w", name, err)
	}
	if given {
		objects = append(objects, Object{
			Cloud: "aws", Type: typeTopicPolicy, ID: topic, Parent: topic, Name: name, importID: topic,
			distinct: map[string]string{"arn": topic},
		})
	}
	subscriptions, err := subscriptionObjects(ctx, client, topic, name)
	return append(objects, subscriptions...), err
}

// subscriptionObjects are the confirmed subscriptions of a topic. The others have
// no ARN in lists, cannot be ended, and end by themselves in two days or with
// their topic: they are never orphans, and one that the state knows counts as
// gone. It is read again if alarms depend on it; otherwise it is made again, which
// asks its subscriber once more and changes nothing else (a guess). Endpoints may
// be as good as passwords: they are in no name, and encrypted in the state, so that
// the protocol has to tell subscriptions apart.
// https://aws.amazon.com/about-aws/whats-new/2023/05/amazon-sns-automatic-deletion-unconfirmed-subscriptions/
func subscriptionObjects(ctx context.Context, client *sns.Client, topic, name string) ([]Object, error) {
	var objects []Object
	pages := sns.NewListSubscriptionsByTopicPaginator(client, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, ignoreGone(err)
		}
		for _, s := range page.Subscriptions {
			id, protocol := aws.ToString(s.SubscriptionArn), aws.ToString(s.Protocol)
			if !arn.IsARN(id) {
				continue // "PendingConfirmation", or "Deleted" for those that another account ended
			}
			objects = append(objects, Object{
				Cloud: "aws", Type: typeSubscription, ID: id, Parent: topic, Name: name + ": " + protocol, importID: id,
				distinct: map[string]string{"topic": topic, "protocol": protocol},
			})
		}
	}
	return objects, nil
}

// defaultPolicyID is the id of the policy that AWS gives to a topic.
// https://docs.aws.amazon.com/cli/latest/reference/sns/get-topic-attributes.html
const defaultPolicyID = "__default_policy_ID"

// givenPolicy tells whether a topic's policy is another than the default.
func givenPolicy(policy string) (bool, error) {
	if policy == "" {
		return false, nil
	}
	var document struct {
		ID string `json:"Id"`
	}
	err := json.Unmarshal([]byte(policy), &document)
	return document.ID != defaultPolicyID, err
}

// resetPolicy gives a topic the default policy again, as the provider does: none
// at all is not possible.
func resetPolicy(ctx context.Context, client *sns.Client, topic string) error {
	parsed, err := arn.Parse(topic)
	if err != nil {
		return err
	}
	policy, err := json.Marshal(map[string]any{
		"Version": "2008-10-17", "Id": defaultPolicyID,
		"Statement": []any{map[string]any{
			"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"}, "Resource": topic,
			"Action": []string{
				"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic",
				"SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish", "SNS:Receive",
			},
			"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": parsed.AccountID}},
		}},
	})
	if err != nil {
		return err
	}
	_, err = client.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: aws.String(string(policy)),
	})
	return err
}
