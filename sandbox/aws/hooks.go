package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/kms"
	"github.com/entragate/entragate/sandbox/aws/lambda"
	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
	"github.com/entragate/entragate/sandbox/aws/sns"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// What services of the cloud do by means of others.

// user is who owns the access key that lasts.
func (c *Cloud) user() string { return "arn:aws:iam::" + c.account + ":user/sandbox" }

// exists reports whether there is a user or role.
func (c *Cloud) exists(arn string) bool {
	_, found := c.roles.Tags(arn)
	return found || arn == c.user()
}

// secretsCaller tells Secrets Manager who makes a request.
func (c *Cloud) secretsCaller(r *http.Request) secretsmanager.Caller {
	if session, ok := iam.SessionOf(r.Context()); ok {
		return secretsmanager.Caller{ARN: session.ARN, RoleARN: session.RoleARN, Policies: c.roles.Policies(session.RoleARN)}
	}
	return secretsmanager.Caller{ARN: c.user(), Full: true}
}

// checkSecretKey tells Secrets Manager whether a caller may use a key through
// it.
func (c *Cloud) checkSecretKey(keyID string, caller secretsmanager.Caller, action string) error {
	principal := caller.ARN
	if caller.RoleARN != "" {
		principal = caller.RoleARN
	}
	err := c.keys.Check(keyID, kms.Use{Principal: principal, Action: action, Context: map[string]string{
		"kms:ViaService": "secretsmanager." + c.region + ".amazonaws.com",
	}})
	if refused, ok := errors.AsType[*wire.Error](err); ok && refused.Code == "AccessDeniedException" {
		return errors.New(refused.Message) // Secrets Manager has words of its own for it
	}
	return err
}

// checkLogKey tells CloudWatch Logs whether it may use a key for a log group, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
func (c *Cloud) checkLogKey(keyARN, groupARN string) error {
	for _, action := range []string{"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"} {
		if err := c.keys.Check(keyARN, kms.Use{
			Principal: "logs." + c.region + ".amazonaws.com", Action: action,
			Context: map[string]string{"kms:EncryptionContext:aws:logs:arn": groupARN},
		}); err != nil {
			return err
		}
	}
	return nil
}

// mayRotate tells Secrets Manager whether it may invoke a function for a secret.
func (c *Cloud) mayRotate(functionARN, secretARN string) bool {
	return c.lambda.Permits(secretsmanager.Principal, secretARN, functionARN)
}

// rotate invokes a function for a secret.
func (c *Cloud) rotate(ctx context.Context, functionARN, secretARN string, payload []byte) ([]byte, error) {
	answer, err := c.invokeAs(ctx, secretsmanager.Principal, secretARN, functionARN, payload)
	if errors.Is(err, lambda.ErrNotPermitted) {
		return nil, fmt.Errorf("%w: %w", secretsmanager.ErrNotPermitted, err)
	}
	return answer, err
}

// invokeAs invokes a function in the name of a service. What the function failed
// with is left to its log.
func (c *Cloud) invokeAs(ctx context.Context, service, source, functionARN string, payload []byte) ([]byte, error) {
	result, err := c.lambda.InvokeAs(ctx, service, source, functionARN, payload)
	switch {
	case err != nil:
		return nil, fmt.Errorf("invoking %s: %w", functionARN, err)
	case result.Failure != "":
		return nil, fmt.Errorf("invoking %s: the function failed: %s", functionARN, result.Failure)
	}
	return result.Payload, nil
}

// onRotation logs what Secrets Manager tells of rotations.
func (c *Cloud) onRotation(kind, secretARN, detail string) {
	log := c.log.Info
	if strings.HasSuffix(kind, "Failed") {
		log = c.log.Warn
	}
	log("rotation", "event", kind, "secret", secretARN, "detail", detail)
}

// topicsCaller tells SNS who makes a request.
func (c *Cloud) topicsCaller(r *http.Request) sns.Caller {
	if session, ok := iam.SessionOf(r.Context()); ok {
		return sns.Caller{ARN: session.ARN, RoleARN: session.RoleARN}
	}
	return sns.Caller{ARN: c.user()}
}

// checkTopicKey tells SNS whether a service may publish to a topic that a key
// encrypts. The policy of the key may look at where the message comes from, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html.
func (c *Cloud) checkTopicKey(keyID string, by sns.Publisher, topicARN string) error {
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		if err := c.keys.Check(keyID, kms.Use{
			Principal: by.Service, Action: action,
			Context: map[string]string{
				"aws:SourceArn": by.SourceARN, "aws:SourceAccount": c.account, "kms:EncryptionContext:aws:sns:topicArn": topicARN,
			},
		}); err != nil {
			return err
		}
	}
	return nil
}

// alarms is who publishes for alarms.
const alarms = "cloudwatch.amazonaws.com"

// notify publishes what an alarm tells a topic, and logs it. What SNS refuses
// fails for the alarm's owner in silence, but for the alarm's history.
func (c *Cloud) notify(topicARN, subject string, message []byte) error {
	var alarm struct{ AlarmArn string }
	if err := json.Unmarshal(message, &alarm); err != nil {
		return fmt.Errorf("reading the message of an alarm: %w", err)
	}
	c.log.Warn("alarm", "topic", topicARN, "subject", subject)
	err := c.topics.PublishAs(sns.Publisher{Service: alarms, SourceARN: alarm.AlarmArn}, topicARN, subject, string(message))
	if refused, ok := errors.AsType[*wire.Error](err); ok {
		err = errors.New(refused.Message) // the history has no codes
	}
	if err != nil {
		c.log.Warn("alarm told nobody", "topic", topicARN, "alarm", alarm.AlarmArn, "err", err)
	}
	return err
}

// measureFunction takes what Lambda counts.
func (c *Cloud) measureFunction(function, metric string, value float64) {
	c.metrics.Record("AWS/Lambda", metric, map[string]string{"FunctionName": function}, value, c.now())
}
