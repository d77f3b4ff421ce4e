package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

const (
	// cloudWatch is who publishes alarms.
	cloudWatch = "cloudwatch.amazonaws.com"
	// snsKey is the alias of AWS's own key for SNS, whose policy nobody can change.
	snsKey = "alias/aws/sns"
)

// keyFix is what makes a key of use for alarms.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
const keyFix = "encrypt the topic with a customer-managed key whose policy lets cloudwatch.amazonaws.com do kms:Decrypt and kms:GenerateDataKey*"

// topic looks whether an alarm can publish to a topic, and whom that reaches.
func (x *examination) topic(ctx context.Context, topic, alarm string) {
	subject := "topic " + topic
	got, err := x.Clouds.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
	switch {
	case gone(err):
		x.fail(subject, "it does not exist: alarms tell nobody", deploy)
		return
	case err != nil:
		x.unable(subject, err)
		return
	}
	published := map[string]string{"aws:SourceArn": alarm, "aws:SecureTransport": "true"}
	if named, err := arn.Parse(alarm); err == nil {
		published["aws:SourceAccount"] = named.AccountID
		published["aws:SourceOwner"] = named.AccountID // in the policy that topics are made with
	}
	x.permits(subject, got.Attributes["Policy"], grant{service: cloudWatch, actions: []string{"sns:Publish"}, context: published},
		"alarms tell nobody", "let cloudwatch.amazonaws.com publish to it in its policy")
	switch key := got.Attributes["KmsMasterKeyId"]; {
	case key == "":
		x.warn(subject, "it is not encrypted", keyFix)
	case key == snsKey || strings.HasSuffix(key, ":"+snsKey):
		x.awsKey(subject)
	default:
		x.topicKey(ctx, subject, key, topic, published)
	}
	x.subscriptions(ctx, subject, topic)
}

// awsKey fails for a key of AWS's own.
// https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
func (x *examination) awsKey(subject string) {
	x.fail(subject, "it is encrypted with AWS's own key for SNS, which alarms may not use: they tell nobody, in silence", keyFix)
}

// topicKey looks whether alarms may use the key of a topic.
func (x *examination) topicKey(ctx context.Context, topicSubject, id, topic string, published map[string]string) {
	subject := "key " + id
	key, err := x.Clouds.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	switch {
	case gone(err):
		x.fail(subject, "it does not exist: alarms tell nobody", keyFix)
		return
	case err != nil:
		x.unable(subject, err)
		return
	case key.KeyMetadata.KeyManager == kmstypes.KeyManagerTypeAws:
		x.awsKey(topicSubject)
		return
	case key.KeyMetadata.KeyState != kmstypes.KeyStateEnabled:
		x.fail(subject, fmt.Sprintf("it is %s: alarms tell nobody", key.KeyMetadata.KeyState), "enable it, or "+keyFix)
	default:
		x.ok(subject, "is enabled")
	}
	policy, err := x.Clouds.KMS.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: key.KeyMetadata.KeyId, PolicyName: aws.String("default")})
	if err != nil {
		x.unable(subject, err)
		return
	}
	used := map[string]string{"kms:EncryptionContext:aws:sns:topicArn": topic}
	maps.Copy(used, published)
	x.permits(subject, aws.ToString(policy.Policy), grant{
		service: cloudWatch, actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, context: used,
	}, "alarms tell nobody, in silence", keyFix)
}

// subscriptions looks who is told.
func (x *examination) subscriptions(ctx context.Context, subject, topic string) {
	var told, pending []string
	pages := sns.NewListSubscriptionsByTopicPaginator(x.Clouds.SNS, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			x.unable(subject, err)
			return
		}
		for _, s := range page.Subscriptions {
			if arn.IsARN(aws.ToString(s.SubscriptionArn)) {
				told = append(told, endpoint(s))
			} else {
				pending = append(pending, endpoint(s))
			}
		}
	}
	if len(pending) > 0 {
		x.warn(subject, "not confirmed, and so not told: "+strings.Join(pending, ", "),
			"they confirm by the link that they were sent; `pulumi up --replace` of the subscription sends another")
	}
	switch {
	case len(told) > 0:
		x.ok(subject, "tells "+strings.Join(told, ", "))
	default:
		x.warn(subject, "alarms reach nobody: it has no confirmed subscription", "add one to alarms.subscriptions in the configuration, and run `pulumi up`")
	}
}

// endpoint names who is told, and shows no more than that: the path of an address
// may be as good as a password.
func endpoint(s snstypes.Subscription) string {
	protocol, address := aws.ToString(s.Protocol), aws.ToString(s.Endpoint)
	switch protocol {
	case "http", "https":
		if u, err := url.Parse(address); err == nil {
			return protocol + " " + u.Hostname()
		}
		return protocol
	case "sms":
		return protocol + " …" + address[max(0, len(address)-3):]
	}
	return protocol + " " + address
}
