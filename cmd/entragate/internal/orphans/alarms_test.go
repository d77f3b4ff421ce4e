package orphans

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
)

// told are the ids of a topic and of its subscriptions, one of which waits for its
// confirmation.
type told struct{ topic, confirmed, waiting string }

// makeTopic makes a topic with a policy of its own, with these tags.
func makeTopic(t *testing.T, c *clouds.Clouds, name string, tags map[string]string) told {
	t.Helper()
	var of []snstypes.Tag
	for k, v := range tags {
		of = append(of, snstypes.Tag{Key: &k, Value: &v})
	}
	topic, err := c.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Tags: of})
	require.NoError(t, err)
	_, err = c.SNS.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"), AttributeValue: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Sid":"OnlyByTLS","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"` +
				*topic.TopicArn + `","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`),
	})
	require.NoError(t, err)
	subscribe := func(protocol, endpoint string) string {
		made, err := c.SNS.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: topic.TopicArn, Protocol: &protocol, Endpoint: &endpoint, ReturnSubscriptionArn: true,
		})
		require.NoError(t, err)
		return *made.SubscriptionArn
	}
	return told{*topic.TopicArn, subscribe("sms", "+31612345678"), subscribe("email", "ops@example.com")}
}

func policyOf(t *testing.T, c *clouds.Clouds, topic string) string {
	t.Helper()
	read, err := c.SNS.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &topic})
	require.NoError(t, err)
	return read.Attributes["Policy"]
}

func TestTopicsAreFoundAndDeletedWithAllBelowThem(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	mine := makeTopic(t, c, "alarms", stackTags)
	theirs := makeTopic(t, c, "other", otherTags)
	makeTopic(t, c, "untagged", nil)

	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.ElementsMatch(t, [][2]string{
		{typeTopic, mine.topic},
		{typeTopicPolicy, mine.topic},
		{typeSubscription, mine.confirmed},
	}, found(objects), "one that waits for its confirmation can only be left alone")
	for _, o := range objects {
		require.NotContains(t, o.Name, "+31", "an endpoint may be as good as a password")
	}
	known := []engine.Resource{
		{URN: "topic", Type: typeTopic, ID: mine.topic},
		{URN: "policy", Type: typeTopicPolicy, ID: mine.topic},
		{URN: "confirmed", Type: typeSubscription, ID: mine.confirmed},
	}
	require.Empty(t, Find(objects, known))
	require.Empty(t, Gone(objects, known))
	require.Equal(t, []string{"waiting"}, Gone(objects, []engine.Resource{{URN: "waiting", Type: typeSubscription, ID: mine.waiting}}))

	require.Equal(t, map[string]string{"topic": mine.topic, "policy": mine.topic, "subscription": mine.confirmed},
		Adoptable(objects, []engine.Operation{
			pending(apitype.OperationTypeCreating, "topic", typeTopic, map[string]any{"name": "alarms"}),
			pending(apitype.OperationTypeCreating, "policy", typeTopicPolicy, map[string]any{"arn": mine.topic}),
			pending(apitype.OperationTypeCreating, "subscription", typeSubscription,
				map[string]any{"topic": mine.topic, "protocol": "sms", "endpoint": map[string]any{"ciphertext": "v1:x"}}),
			pending(apitype.OperationTypeCreating, "mail", typeSubscription, map[string]any{"topic": mine.topic, "protocol": "email"}),
		}))

	require.NoError(t, Delete(t.Context(), c, Find(objects, nil)))
	left, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, Delete(t.Context(), c, Find(objects, nil)), "what is gone is no error")
	listed, err := c.SNS.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	require.NoError(t, err)
	require.Len(t, listed.Subscriptions, 4, "those of the two other topics")
	others, err := List(t.Context(), c, Stack{Project: stack.Project, Name: "prod"})
	require.NoError(t, err)
	require.Contains(t, found(others), [2]string{typeTopic, theirs.topic})
}

func TestWhatATopicThatStaysHasIsDeletedAlone(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	mine := makeTopic(t, c, "alarms", stackTags)
	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	known := []engine.Resource{{URN: "topic", Type: typeTopic, ID: mine.topic}}
	orphans := Find(objects, known)
	require.Equal(t, [][2]string{{typeSubscription, mine.confirmed}, {typeTopicPolicy, mine.topic}}, found(orphans))

	require.NoError(t, Delete(t.Context(), c, orphans))
	objects, err = List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Equal(t, [][2]string{{typeTopic, mine.topic}}, found(objects))
	require.Contains(t, policyOf(t, c, mine.topic), mine.topic, "a topic without any policy does not exist")
}

func TestThePolicyThatEveryTopicBeginsWithIsNoObject(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	mine := makeTopic(t, c, "alarms", stackTags)
	require.NoError(t, deleteAWS(t.Context(), c, Object{Type: typeTopicPolicy, ID: mine.topic}))
	reset := policyOf(t, c, mine.topic)
	fresh, err := c.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("fresh")})
	require.NoError(t, err)
	for name, policy := range map[string]string{"one that was reset": reset, "that of a new topic": policyOf(t, c, *fresh.TopicArn)} {
		given, err := givenPolicy(policy)
		require.NoError(t, err, name)
		require.False(t, given, name)
	}
	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	// An update that was cut off before its policy, or a deletion after it, goes on.
	require.NotContains(t, found(objects), [2]string{typeTopicPolicy, mine.topic})
	require.Equal(t, []string{"policy"}, Gone(objects, []engine.Resource{{URN: "policy", Type: typeTopicPolicy, ID: mine.topic}}))
}

func TestWhichPoliciesOfTopicsWereGiven(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		policy string
		given  bool
	}{
		"none":          {"", false},
		"the default":   {`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[]}`, false},
		"without an id": {`{"Version":"2012-10-17","Statement":[]}`, true},
		"with another":  {`{"Version":"2012-10-17","Id":"alarms","Statement":[]}`, true},
		"an id in vain": {`{"Version":"2012-10-17","Statement":[{"Sid":"__default_policy_ID"}]}`, true},
	} {
		given, err := givenPolicy(tc.policy)
		require.NoError(t, err, name)
		require.Equal(t, tc.given, given, name)
	}
	_, err := givenPolicy("{")
	require.Error(t, err)
}
