package rotate

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// secretsManager is AWS Secrets Manager.
type secretsManager struct{ client *secretsmanager.Client }

// newSecretsManager makes a client that calls once: the rotator tries again
// itself.
func newSecretsManager(config aws.Config) Secrets {
	return secretsManager{secretsmanager.NewFromConfig(config, func(o *secretsmanager.Options) { o.Retryer = aws.NopRetryer{} })}
}

// retryable knows which failures of AWS are worth another try.
var retryable = retry.NewStandard()

// awsError marks what may succeed later.
func awsError(err error) error {
	if err != nil && retryable.IsErrorRetryable(err) {
		return &TemporaryError{Err: err}
	}
	return err
}

func (s secretsManager) Describe(ctx context.Context, arn string) (Secret, error) {
	out, err := s.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &arn})
	if err != nil {
		return Secret{}, awsError(err)
	}
	secret := Secret{
		ARN: aws.ToString(out.ARN), RotationEnabled: aws.ToBool(out.RotationEnabled),
		Tags: map[string]string{}, Versions: map[string][]Stage{},
		LastRotated: aws.ToTime(out.LastRotatedDate), NextRotation: aws.ToTime(out.NextRotationDate),
	}
	for _, tag := range out.Tags {
		secret.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	for version, stages := range out.VersionIdsToStages {
		secret.Versions[version] = []Stage{}
		for _, stage := range stages {
			secret.Versions[version] = append(secret.Versions[version], Stage(stage))
		}
	}
	return secret, nil
}

func (s secretsManager) Value(ctx context.Context, arn, version string, stage Stage) (Hidden, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &arn, VersionId: optional(version), VersionStage: optional(string(stage)),
	})
	// A version without a value is not found either; that the secret exists is
	// known by then.
	if notFound := (*types.ResourceNotFoundException)(nil); errors.As(err, &notFound) {
		return "", fmt.Errorf("%w: %w", ErrNoValue, err)
	}
	if err != nil {
		return "", awsError(err)
	}
	return Hidden(aws.ToString(out.SecretString)), nil
}

func (s secretsManager) Put(ctx context.Context, arn, version string, value Hidden) error {
	_, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &arn, ClientRequestToken: &version, SecretString: aws.String(string(value)), VersionStages: []string{string(Pending)},
	})
	return awsError(err)
}

func (s secretsManager) MoveStage(ctx context.Context, arn string, stage Stage, to, from string) error {
	_, err := s.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &arn, VersionStage: aws.String(string(stage)), MoveToVersionId: optional(to), RemoveFromVersionId: optional(from),
	})
	return awsError(err)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
