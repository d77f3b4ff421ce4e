package guard

import (
	"fmt"
	"slices"
)

// maxRotationDays is how old a secret may get.
const maxRotationDays = 90

const (
	secretType   = "aws:secretsmanager/secret:Secret"
	rotationType = "aws:secretsmanager/secretRotation:SecretRotation"
)

// secrets are the rules on Secrets Manager.
var secrets = []Rule{
	{
		ID:        "secret-rotation-days",
		Title:     fmt.Sprintf("secrets are rotated every %d days or sooner", maxRotationDays),
		Fix:       "set rotationRules.automaticallyAfterDays or scheduleExpression to less",
		URL:       "https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html#secretsmanager-4",
		Severity:  Medium,
		Mandatory: true,
		Public:    []string{"SecretsManager.4", "SECRETSMANAGER_SECRET_PERIODIC_ROTATION", "CKV_AWS_304"},
		types:     []string{rotationType},
		one:       secretRotationDays,
	},
	{
		ID:       "secret-rotation",
		Title:    "secrets are rotated",
		Fix:      "add a SecretRotation; writing a new value with the program is none",
		URL:      "https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html#secretsmanager-1",
		Severity: Medium,
		Public: []string{
			"SecretsManager.1", "SECRETSMANAGER_ROTATION_ENABLED_CHECK", "CKV2_AWS_57", "AwsSolutions-SMG4",
			"secretsmanager_automatic_rotation_enabled",
		},
		stack: secretRotation,
	},
}

// logs are the rules on CloudWatch Logs.
var logs = []Rule{{
	ID:       "log-retention",
	Title:    "logs are kept for a stated time",
	Fix:      "set retentionInDays",
	URL:      "https://docs.aws.amazon.com/config/latest/developerguide/cw-loggroup-retention-period-check.html",
	Severity: Low,
	Public:   []string{"CW_LOGGROUP_RETENTION_PERIOD_CHECK", "CKV_AWS_66", "cloudwatch_log_group_retention_policy_specific_days_enabled"},
	types:    []string{"aws:cloudwatch/logGroup:LogGroup"},
	one:      logRetention,
}}

func secretRotationDays(r Resource) []string {
	days, schedule := r.at("rotationRules", "automaticallyAfterDays"), r.at("rotationRules", "scheduleExpression")
	switch {
	case !days.known || !schedule.known:
		return nil
	case days.number() > maxRotationDays:
		return []string{fmt.Sprintf("rotationRules: automaticallyAfterDays: %s, want at most %d", days.got(), maxRotationDays)}
	case days.unset() && schedule.unset():
		return []string{"rotationRules: not set"}
	case schedule.unset():
		return nil
	}
	longest, err := longestInterval(schedule.text())
	switch {
	case err != nil && schedule.secret: // the error tells the value
		return []string{"rotationRules: scheduleExpression: got a secret value, which is no schedule"}
	case err != nil:
		return []string{"rotationRules: scheduleExpression: " + err.Error()}
	case longest > maxRotationDays:
		return []string{fmt.Sprintf("rotationRules: scheduleExpression: %s, which is up to %g days, want at most %d",
			schedule.got(), longest, maxRotationDays)}
	}
	return nil
}

// secretRotation finds the secrets that no rotation of the stack is for. A
// rotation knows its secret by id, or before there is one by what its id was made
// from.
func secretRotation(resources []Resource) []Violation {
	var ids, urns []string
	for _, r := range resources {
		if r.Type == rotationType {
			ids, urns = append(ids, r.at("secretId").text()), append(urns, r.Depends["secretId"]...)
		}
	}
	var found []Violation
	for _, r := range resources {
		arn := r.at("arn").text()
		if r.Type != secretType || slices.Contains(urns, r.URN) || arn != "" && slices.Contains(ids, arn) {
			continue
		}
		found = append(found, Violation{URN: r.URN, Message: "no SecretRotation of this stack is for " + r.Name})
	}
	return found
}

func logRetention(r Resource) []string {
	days := r.at("retentionInDays")
	if !days.known || days.number() > 0 {
		return nil
	}
	return []string{"retentionInDays: " + orUnset(days) + ", which is for ever"}
}
