package orphans

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/entragate/entragate/components"
)

// secretObjects are the stack's secrets, with their policies and rotations. Those
// that are marked for deletion do not exist any more. What changed within the
// last five minutes may be missing on AWS.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
func secretObjects(ctx context.Context, client *secretsmanager.Client, mine tagged) ([]Object, error) {
	var objects []Object
	pages := secretsmanager.NewListSecretsPaginator(client, &secretsmanager.ListSecretsInput{
		Filters: []secretstypes.Filter{{Key: secretstypes.FilterNameStringTypeTagKey, Values: []string{components.TagProject}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, listed := range page.SecretList {
			if !mine(tagsOf(listed.Tags, func(t secretstypes.Tag) (key, value *string) { return t.Key, t.Value })) {
				continue
			}
			found, err := secretWithBelow(ctx, client, aws.ToString(listed.ARN))
			if err != nil {
				return nil, err
			}
			objects = append(objects, found...)
		}
	}
	return objects, nil
}

// secretWithBelow is a secret, if it is still there, with what it has.
func secretWithBelow(ctx context.Context, client *secretsmanager.Client, arn string) ([]Object, error) {
	secret, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &arn})
	if err != nil {
		return nil, ignoreGone(err)
	}
	if secret.DeletedDate != nil {
		return nil, nil
	}
	policy, err := client.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: &arn})
	if err != nil {
		return nil, ignoreGone(err)
	}
	name := aws.ToString(secret.Name)
	objects := []Object{{
		Cloud: "aws", Type: typeSecret, ID: arn, Name: name, importID: arn, distinct: map[string]string{"name": name},
	}}
	if policy.ResourcePolicy != nil {
		objects = append(objects, Object{
			Cloud: "aws", Type: typePolicy, ID: arn, Parent: arn, Name: name, importID: arn,
			distinct: map[string]string{"secretArn": arn},
		})
	}
	if aws.ToBool(secret.RotationEnabled) {
		objects = append(objects, Object{
			Cloud: "aws", Type: typeRotation, ID: arn, Parent: arn, Name: name, importID: arn,
			distinct: map[string]string{"secretId": arn},
		})
	}
	return objects, nil
}

// polling is how often something is looked at, and how long at most.
type polling struct{ every, most time.Duration }

// rotationPolling outlasts the rotation function, which may take four minutes.
var rotationPolling = polling{every: 2 * time.Second, most: 5 * time.Minute}

// cancelRotation ends the rotation of a secret that stays. It waits for one that
// is under way: cancelled, that would leave its version pending, no other could
// begin as long as it is, and who deploys may not take the label away. One that
// goes on failing is cancelled all the same.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
func cancelRotation(ctx context.Context, client *secretsmanager.Client, arn string, wait polling) error {
	deadline := time.NewTimer(wait.most)
	defer deadline.Stop()
	ticks := time.NewTicker(wait.every)
	defer ticks.Stop()
	for waiting := true; waiting; {
		secret, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &arn})
		if err != nil {
			return err
		}
		if !rotating(secret.VersionIdsToStages) {
			break
		}
		select {
		case <-ticks.C:
		case <-deadline.C:
			waiting = false
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err := client.CancelRotateSecret(ctx, &secretsmanager.CancelRotateSecretInput{SecretId: &arn})
	return err
}

// rotating tells by the labels of versions whether a rotation has not ended.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
func rotating(versions map[string][]string) bool {
	for _, labels := range versions {
		if slices.Contains(labels, "AWSPENDING") && !slices.Contains(labels, "AWSCURRENT") {
			return true
		}
	}
	return false
}

// keyObjects are the stack's keys. Those that wait for their deletion do not
// exist any more.
func keyObjects(ctx context.Context, client *kms.Client, mine tagged) ([]Object, error) {
	var objects []Object
	pages := kms.NewListKeysPaginator(client, &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, listed := range page.Keys {
			key, tags, err := describeKey(ctx, client, aws.ToString(listed.KeyId))
			if err != nil {
				return nil, err
			}
			if key == nil || !mine(tags) {
				continue
			}
			id, description := aws.ToString(key.KeyId), aws.ToString(key.Description)
			objects = append(objects, Object{
				Cloud: "aws", Type: typeKey, ID: id, Name: description, importID: id,
				distinct: map[string]string{"description": description},
			})
		}
	}
	return objects, nil
}

// describeKey reads a key of the account's own; nil if it is none, or if it was
// deleted.
func describeKey(ctx context.Context, client *kms.Client, id string) (*kmstypes.KeyMetadata, map[string]string, error) {
	described, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return nil, nil, ignoreClosed(ignoreGone(err))
	}
	key := described.KeyMetadata
	if key.KeyManager != kmstypes.KeyManagerTypeCustomer || key.DeletionDate != nil {
		return nil, nil, nil
	}
	tags := map[string]string{}
	pages := kms.NewListResourceTagsPaginator(client, &kms.ListResourceTagsInput{KeyId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, ignoreClosed(ignoreGone(err))
		}
		maps.Copy(tags, tagsOf(page.Tags, func(t kmstypes.Tag) (key, value *string) { return t.TagKey, t.TagValue }))
	}
	return key, tags, nil
}

// ignoreClosed drops the refusal of a key whose own policy shuts the caller out:
// the policies of stacks' keys leave that to IAM, so that it is none of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func ignoreClosed(err error) error {
	refusal, ok := errors.AsType[smithy.APIError](err)
	if ok && refusal.ErrorCode() == "AccessDeniedException" && strings.Contains(refusal.ErrorMessage(), "resource-based policy") {
		return nil
	}
	return err
}
