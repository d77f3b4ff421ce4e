package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// monitoringSuffix follows the API's name in that of what watches over it.
const monitoringSuffix = "monitoring"

// monitoringKeys are the keys of logs and of the topic of alarms; a log key that
// is nil is AWS's own.
type monitoringKeys struct{ logs, topic pulumi.StringInput }

// newMonitoringKeys makes one key for what of both has none, where one is needed.
func newMonitoringKeys(ctx *pulumi.Context, name string, log AccessLogSettings, alarms Alarms, tags map[string]string,
	child pulumi.ResourceOrInvokeOption,
) (monitoringKeys, error) {
	var keys monitoringKeys
	if log.KMSKey != "" {
		keys.logs = pulumi.String(log.KMSKey)
	}
	if alarms.KMSKey != "" {
		keys.topic = pulumi.String(alarms.KMSKey)
	}
	forTopic := alarms.Topic == "" && alarms.KMSKey == ""
	if !forTopic && !log.CreateKey {
		return keys, nil
	}
	caller := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, child)
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, child)
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, child)
	statements := []map[string]any{{
		"Sid": "Administer", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
		"Principal": map[string]any{"AWS": pulumi.Sprintf("arn:%s:iam::%s:root", partition.Partition(), caller.AccountId())},
	}}
	if forTopic {
		// As AWS documents it, without a condition on the source: one that CloudWatch
		// does not meet keeps alarms from everybody, in silence. Who may publish is the
		// topic's own policy.
		// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
		statements = append(statements, map[string]any{
			"Sid": "PublishAlarms", "Effect": "Allow", "Action": []string{"kms:Decrypt", "kms:GenerateDataKey*"}, "Resource": "*",
			"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"},
		})
	}
	if log.CreateKey {
		group := func(prefix string) pulumi.StringOutput {
			return pulumi.Sprintf("arn:%s:logs:%s:%s:log-group:%s%s-*", partition.Partition(), region.Name(), caller.AccountId(), prefix, name)
		}
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
		statements = append(statements, map[string]any{
			"Sid": "WriteLogs", "Effect": "Allow", "Resource": "*",
			"Action":    []string{"kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"},
			"Principal": map[string]any{"Service": pulumi.Sprintf("logs.%s.amazonaws.com", region.Name())},
			"Condition": map[string]any{"ArnLike": map[string]any{
				"kms:EncryptionContext:aws:logs:arn": pulumi.StringArray{
					group(logGroupPrefix), group(functionLogPrefix(ctx)),
				},
			}},
		})
	}
	key, err := kms.NewKey(ctx, name+"-"+monitoringSuffix, &kms.KeyArgs{
		Description:       pulumi.String("Encrypts the logs and alarms of an API"),
		EnableKeyRotation: pulumi.Bool(true),
		Policy:            pulumi.JSONMarshal(policyDocument(statements...)),
		Tags:              awsTags(tags),
	}, child)
	if err != nil {
		return keys, err
	}
	if forTopic {
		keys.topic = key.Arn
	}
	if log.CreateKey {
		keys.logs = key.Arn
	}
	return keys, nil
}

// key checks the ARN of a key, if there is one.
func (p *problems) key(path, arn string) {
	if arn != "" && !keyARN.MatchString(arn) {
		p.add(path, "malformed ARN of a key", arn, `"arn:aws:kms:<region>:<account>:key/<id>"`)
	}
}
