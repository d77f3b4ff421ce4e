package components

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarmTopicType is in every URN: changing it replaces everything below.
const alarmTopicType = "entragate:index:AlarmTopic"

// AlarmTopic is the Amazon SNS topic that alarms go to, with those who are told.
type AlarmTopic struct {
	pulumi.ResourceState

	// ARN names the topic.
	ARN pulumi.StringOutput `pulumi:"arn"`

	// ready is what must be there before an alarm is of use.
	ready []pulumi.Resource
}

// AlarmTopicArgs configures an [AlarmTopic].
type AlarmTopicArgs struct {
	// KeyARN is the customer-managed KMS key that encrypts messages, whose policy
	// must let cloudwatch.amazonaws.com use it. AWS's own key for SNS does not,
	// and alarms would tell nobody, in silence.
	// https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
	KeyARN pulumi.StringInput `pulumi:"keyArn"`
	// Subscriptions are who is told.
	Subscriptions []Subscription `pulumi:"subscriptions,optional"`
	// AllowLocalhost permits http to loopback addresses, for development.
	// Default: false.
	AllowLocalhost bool `pulumi:"allowLocalhost,optional"`
	// Tags are those of the topic.
	Tags map[string]string `pulumi:"tags,optional"`
}

// Subscription is one who is told of alarms.
type Subscription struct {
	// Protocol is email, email-json, https, sms, sqs or lambda; http too for
	// loopback addresses, where that is allowed. Mail is sent once its reader has
	// confirmed. A queue or function must let the topic send to it, by its own
	// policy.
	Protocol string `json:"protocol" pulumi:"protocol"`
	// Endpoint is an address, a URL, a number such as +31612345678, or an ARN. It is
	// encrypted in the state, since whoever knows such a URL can use it.
	Endpoint string `json:"endpoint" pulumi:"endpoint"`
}

// NewAlarmTopic creates a topic.
func NewAlarmTopic(ctx *pulumi.Context, name string, args *AlarmTopicArgs, opts ...pulumi.ResourceOption) (*AlarmTopic, error) {
	var p problems
	if args.KeyARN == nil {
		p.add("keyArn", "missing key", "", "a customer-managed key that lets cloudwatch.amazonaws.com use it")
	}
	p.subscriptions("subscriptions", args.Subscriptions, args.AllowLocalhost)
	p.tags(args.Tags)
	if err := p.err(); err != nil {
		return nil, fmt.Errorf("alarm topic %q: %w", name, err)
	}
	made := &AlarmTopic{}
	if err := ctx.RegisterComponentResourceV2(alarmTopicType, name, pulumi.Map{}, made, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(made)
	topic, err := sns.NewTopic(ctx, name, &sns.TopicArgs{
		KmsMasterKeyId: args.KeyARN,
		Tags:           awsTags(args.Tags),
	}, child)
	if err != nil {
		return nil, err
	}
	policy, err := newTopicPolicy(ctx, name, topic, child)
	if err != nil {
		return nil, err
	}
	made.ARN, made.ready = topic.Arn, []pulumi.Resource{policy}
	for _, s := range args.Subscriptions {
		subscription, err := sns.NewTopicSubscription(ctx, name+"-"+s.id(), &sns.TopicSubscriptionArgs{
			Topic:    topic.Arn,
			Protocol: pulumi.String(s.Protocol),
			Endpoint: pulumi.ToSecret(pulumi.String(s.Endpoint)).(pulumi.StringOutput),
		}, child, pulumi.DependsOn([]pulumi.Resource{policy}))
		if err != nil {
			return nil, err
		}
		made.ready = append(made.ready, subscription)
	}
	return made, ctx.RegisterResourceOutputs(made, pulumi.Map{"arn": made.ARN})
}

// newTopicPolicy lets the account's own alarms publish, and nobody else from
// outside IAM; none without TLS.
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
func newTopicPolicy(ctx *pulumi.Context, name string, topic *sns.Topic, child pulumi.ResourceOrInvokeOption) (pulumi.Resource, error) {
	caller := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, child)
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, child)
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, child)
	return sns.NewTopicPolicy(ctx, name, &sns.TopicPolicyArgs{
		Arn: topic.Arn,
		Policy: pulumi.JSONMarshal(policyDocument(
			map[string]any{
				"Sid": "AlarmsOfThisAccount", "Effect": "Allow", "Action": "sns:Publish", "Resource": topic.Arn,
				"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"},
				"Condition": map[string]any{
					"StringEquals": map[string]any{"aws:SourceAccount": caller.AccountId()},
					"ArnLike": map[string]any{
						"aws:SourceArn": pulumi.Sprintf("arn:%s:cloudwatch:%s:%s:alarm:*", partition.Partition(), region.Name(), caller.AccountId()),
					},
				},
			},
			map[string]any{
				"Sid": "OnlyByTLS", "Effect": "Deny", "Action": "sns:Publish", "Resource": topic.Arn,
				"Principal": "*",
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			},
		)),
	}, child)
}

// id is what tells a subscription from the others, whatever their order. It does
// not show the endpoint.
func (s Subscription) id() string {
	sum := sha256.Sum256([]byte(s.Endpoint))
	return s.Protocol + "-" + hex.EncodeToString(sum[:4])
}

var (
	phoneNumber = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	lambdaARN   = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]+)?$`)
	queueARN    = regexp.MustCompile(`^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+$`)
)

// subscriptions checks who is told. An endpoint may be as good as a password, so
// no problem shows one.
func (p *problems) subscriptions(path string, all []Subscription, allowLocalhost bool) {
	seen := map[Subscription]bool{}
	for i, s := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		if seen[s] {
			p.add(at, "subscription is listed twice", s.Protocol, "each once")
		}
		seen[s] = true
		p.subscription(at, s, allowLocalhost)
	}
}

func (p *problems) subscription(at string, s Subscription, allowLocalhost bool) {
	protocols := "email, email-json, https, sms, sqs or lambda"
	good, want := false, ""
	switch s.Protocol {
	case "email", "email-json":
		address, err := mail.ParseAddress(s.Endpoint)
		good, want = err == nil && address.Address == s.Endpoint, "an address such as ops@example.com"
	case "https":
		u, err := url.Parse(s.Endpoint)
		good, want = err == nil && u.Scheme == "https" && u.Hostname() != "", "a URL that begins with https://"
	case "sms":
		good, want = phoneNumber.MatchString(s.Endpoint), "a number such as +31612345678"
	case "sqs":
		good, want = queueARN.MatchString(s.Endpoint), `"arn:aws:sqs:<region>:<account>:<name>"`
	case "lambda":
		good, want = lambdaARN.MatchString(s.Endpoint), `"arn:aws:lambda:<region>:<account>:function:<name>"`
	case "http":
		if !allowLocalhost {
			p.add(at+".protocol", "messages would not be encrypted on their way", s.Protocol, protocols)
			return
		}
		u, err := url.Parse(s.Endpoint)
		good, want = err == nil && u.Scheme == "http" && isLoopback(u.Hostname()), "a URL of a loopback address, or protocol https"
	default:
		p.add(at+".protocol", "unknown protocol", s.Protocol, protocols)
		return
	}
	if !good {
		p.add(at+".endpoint", "malformed endpoint", "", want)
	}
}
