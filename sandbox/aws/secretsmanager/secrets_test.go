package secretsmanager_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
	"github.com/entragate/entragate/sandbox/aws/tagging"
)

const (
	day           = 24 * time.Hour
	markedMessage = "You can't perform this operation on the secret because it was marked for deletion."
)

func TestASecretIsAsItWasMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{Path: filepath.Join(t.TempDir(), "secrets.json")})
	ctx := t.Context()
	made, err := b.CreateSecret(ctx, &sdk.CreateSecretInput{
		Name: aws.String("orders/web"), Description: aws.String("of web"), KmsKeyId: aws.String("alias/orders"), SecretString: aws.String("one"),
		Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("1")}},
	})
	require.NoError(t, err)
	require.Regexp(t, "^"+prefix+"orders/web-[A-Za-z0-9]{6}$", *made.ARN)
	require.Len(t, *made.VersionId, 36)

	b.reopen()
	got := b.describe("orders/web")
	require.Equal(t, *made.ARN, *got.ARN)
	require.Equal(t, "of web", *got.Description)
	require.Equal(t, "alias/orders", *got.KmsKeyId)
	require.Equal(t, start, *got.CreatedDate)
	require.Equal(t, start, *got.LastChangedDate)
	require.Equal(t, map[string][]string{*made.VersionId: {"AWSCURRENT"}}, got.VersionIdsToStages)
	require.Equal(t, []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}, got.Tags)
	require.Nil(t, got.RotationEnabled)
	require.Nil(t, got.RotationRules)
	require.Nil(t, got.LastAccessedDate)
	require.Nil(t, got.DeletedDate)

	require.Equal(t, "one", b.get("orders/web", ""))
	require.Equal(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), *b.describe("orders/web").LastAccessedDate, "dates of access have no hour")
	b.move(day)
	require.Equal(t, "one", b.get(*made.ARN, "AWSCURRENT"))
	b.reopen()
	require.Equal(t, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), *b.describe("orders/web").LastAccessedDate)
}

func TestSecretsByPartOfTheirARN(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	arn := b.create("web", "v")
	trap := b.create("web-secret", "v")
	for _, id := range []string{"web", arn, prefix + "web", trap, "web-secret"} {
		require.Equal(t, "v", b.get(id, ""), id)
	}
	for _, id := range []string{
		"we", "web-" + arn[len(arn)-6:], prefix + "we", prefix + "web-AAAAAA", strings.Replace(arn, account, "210987654321", 1),
		prefix + "web-secret", // it ends as if it were complete
	} {
		_, err := b.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: &id})
		requireRefusal(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("exists", "v")
	long := strings.Repeat("x", 65537)
	for name, test := range map[string]struct {
		change     func(*sdk.CreateSecretInput)
		code, text string
	}{
		"exists":             {func(in *sdk.CreateSecretInput) { in.Name = aws.String("exists") }, "ResourceExistsException", "The operation failed because the secret exists already exists."},
		"name":               {func(in *sdk.CreateSecretInput) { in.Name = aws.String("a b") }, "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters"},
		"no name":            {func(in *sdk.CreateSecretInput) { in.Name = aws.String("") }, "ValidationException", "name"},
		"long name":          {func(in *sdk.CreateSecretInput) { in.Name = aws.String(strings.Repeat("n", 513)) }, "ValidationException", "512"},
		"long description":   {func(in *sdk.CreateSecretInput) { in.Description = aws.String(strings.Repeat("d", 2049)) }, "ValidationException", "2048"},
		"long key":           {func(in *sdk.CreateSecretInput) { in.KmsKeyId = aws.String(strings.Repeat("d", 2049)) }, "ValidationException", "kmsKeyId"},
		"both values":        {func(in *sdk.CreateSecretInput) { in.SecretBinary = []byte("b") }, "InvalidParameterException", "both a binary secret value and a string"},
		"empty value":        {func(in *sdk.CreateSecretInput) { in.SecretString = aws.String("") }, "ValidationException", "secretString"},
		"long value":         {func(in *sdk.CreateSecretInput) { in.SecretString = &long }, "ValidationException", "65536"},
		"long binary":        {func(in *sdk.CreateSecretInput) { in.SecretString, in.SecretBinary = nil, []byte(long) }, "ValidationException", "secretBinary"},
		"short token":        {func(in *sdk.CreateSecretInput) { in.ClientRequestToken = aws.String("short") }, "InvalidParameterException", "32-64"},
		"long token":         {func(in *sdk.CreateSecretInput) { in.ClientRequestToken = aws.String(strings.Repeat("t", 65)) }, "InvalidParameterException", "32-64"},
		"tag of AWS":         {func(in *sdk.CreateSecretInput) { in.Tags[0].Key = aws.String("aws:a") }, "InvalidParameterException", "reserved"},
		"tag twice":          {func(in *sdk.CreateSecretInput) { in.Tags = append(in.Tags, in.Tags[0]) }, "InvalidParameterException", "twice"},
		"replicas":           {func(in *sdk.CreateSecretInput) { in.AddReplicaRegions = []types.ReplicaRegionType{{}} }, "NotImplemented", "replication"},
		"an external secret": {func(in *sdk.CreateSecretInput) { in.Type = aws.String("x") }, "NotImplemented", "external"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sdk.CreateSecretInput{
				Name: aws.String("new"), SecretString: aws.String("hunter2"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
			}
			test.change(in)
			_, err := b.CreateSecret(t.Context(), in)
			requireRefusal(t, err, test.code, test.text)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestCreatingTheSameTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	in := &sdk.CreateSecretInput{Name: aws.String("web"), SecretString: aws.String("v"), ClientRequestToken: token()}
	first, err := b.CreateSecret(t.Context(), in)
	require.NoError(t, err)
	again, err := b.CreateSecret(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, *first.ARN, *again.ARN)
	require.Equal(t, *first.VersionId, *again.VersionId)
	in.SecretString = aws.String("w")
	_, err = b.CreateSecret(t.Context(), in)
	requireRefusal(t, err, "ResourceExistsException", "already exists")
}

func TestUpdateSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	ctx := t.Context()
	arn := b.create("web", "one")
	b.move(time.Hour)
	out, err := b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: &arn, Description: aws.String("new"), KmsKeyId: aws.String("alias/k"), ClientRequestToken: token()})
	require.NoError(t, err)
	require.Nil(t, out.VersionId)
	got := b.describe(arn)
	require.Equal(t, "new", *got.Description)
	require.Equal(t, "alias/k", *got.KmsKeyId)
	require.Equal(t, start.Add(time.Hour), *got.LastChangedDate)
	require.Len(t, got.VersionIdsToStages, 1)

	second := token()
	out, err = b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: &arn, SecretBinary: []byte{0, 1}, ClientRequestToken: second, KmsKeyId: aws.String("alias/aws/secretsmanager")})
	require.NoError(t, err)
	require.Equal(t, *second, *out.VersionId)
	value, err := b.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: &arn})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 1}, value.SecretBinary)
	require.Nil(t, value.SecretString)
	require.Equal(t, "one", b.get(arn, "AWSPREVIOUS"))
	require.Nil(t, b.describe(arn).KmsKeyId, "the account's key is left out")

	_, err = b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: &arn, SecretBinary: []byte{0, 1}, ClientRequestToken: second})
	requireRefusal(t, err, "ResourceExistsException", "You can't use ClientRequestToken "+*second+" because that value is already in use for a version of secret "+arn+".")
	_, err = b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: aws.String("absent"), Description: aws.String("")})
	requireRefusal(t, err, "ResourceNotFoundException", "")
}

func TestDeletionAndItsWindow(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{Path: filepath.Join(t.TempDir(), "secrets.json")})
	ctx := t.Context()
	arn := b.create("web", "v")
	out, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn, RecoveryWindowInDays: aws.Int64(7)})
	require.NoError(t, err)
	require.Equal(t, start.Add(7*day), *out.DeletionDate)
	require.Equal(t, start.Add(7*day), *b.describe("web").DeletedDate)

	for name, err := range map[string]error{
		"get":    second(b.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: &arn})),
		"put":    second(b.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: &arn, SecretString: aws.String("w")})),
		"update": second(b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: &arn, Description: aws.String("w")})),
		"delete": second(b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn})),
		"tag":    second(b.TagResource(ctx, &sdk.TagResourceInput{SecretId: &arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})),
		"untag":  second(b.UntagResource(ctx, &sdk.UntagResourceInput{SecretId: &arn, TagKeys: []string{"a"}})),
		"policy": second(b.GetResourcePolicy(ctx, &sdk.GetResourcePolicyInput{SecretId: &arn})),
		"rotate": second(b.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: &arn, RotationLambdaARN: aws.String(function), RotationRules: &types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(1)}})),
		"cancel": second(b.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: &arn})),
		"label":  second(b.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{SecretId: &arn, VersionStage: aws.String("x"), MoveToVersionId: aws.String("y")})),
	} {
		require.Error(t, err, name)
		requireRefusal(t, err, "InvalidRequestException", markedMessage)
	}
	_, err = b.CreateSecret(ctx, &sdk.CreateSecretInput{Name: aws.String("web")})
	requireRefusal(t, err, "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")

	_, err = b.RestoreSecret(ctx, &sdk.RestoreSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.Equal(t, "v", b.get(arn, ""))
	require.Nil(t, b.describe(arn).DeletedDate)

	out, err = b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.Equal(t, start.Add(30*day), *out.DeletionDate)
	b.moveAndTick(30*day - time.Second)
	require.NotNil(t, b.describe(arn).DeletedDate)
	b.moveAndTick(time.Second)
	b.reopen()
	_, err = b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: &arn})
	requireRefusal(t, err, "ResourceNotFoundException", "")
	_, err = b.RestoreSecret(ctx, &sdk.RestoreSecretInput{SecretId: &arn})
	requireRefusal(t, err, "ResourceNotFoundException", "")
	require.NotEqual(t, arn, b.create("web", "v"))
}

func second[T any](_ T, err error) error { return err }

func TestDeletionWithoutRecovery(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	ctx := t.Context()
	for _, first := range []bool{false, true} { // marked before
		arn := b.create("web", "v")
		if first {
			_, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn})
			require.NoError(t, err)
		}
		_, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn, ForceDeleteWithoutRecovery: aws.Bool(true)})
		require.NoError(t, err)
		_, err = b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: &arn})
		requireRefusal(t, err, "ResourceNotFoundException", "")
	}
	arn := b.create("web", "v")
	for days, text := range map[int64]string{6: "between 7 and 30", 31: "between 7 and 30"} {
		_, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn, RecoveryWindowInDays: &days})
		requireRefusal(t, err, "InvalidParameterException", text)
	}
	_, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn, RecoveryWindowInDays: aws.Int64(7), ForceDeleteWithoutRecovery: aws.Bool(true)})
	requireRefusal(t, err, "InvalidParameterException", "in conjunction")
}

func TestTags(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	ctx := t.Context()
	arn := b.create("web", "")
	b.create("untagged", "")
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	_, err := b.TagResource(ctx, &sdk.TagResourceInput{SecretId: aws.String("web"), Tags: []types.Tag{tag("a", "1"), tag("entragate:clientId", "x")}})
	require.NoError(t, err)
	_, err = b.TagResource(ctx, &sdk.TagResourceInput{SecretId: &arn, Tags: []types.Tag{tag("a", "2")}})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{tag("a", "2"), tag("entragate:clientId", "x")}, b.describe(arn).Tags)
	require.Equal(t, []tagging.Resource{{ARN: arn, Type: "secretsmanager:secret", Tags: map[string]string{"a": "2", "entragate:clientId": "x"}}}, b.service.TaggedResources())
	_, err = b.UntagResource(ctx, &sdk.UntagResourceInput{SecretId: &arn, TagKeys: []string{"a", "absent"}})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{tag("entragate:clientId", "x")}, b.describe(arn).Tags)
	_, err = b.TagResource(ctx, &sdk.TagResourceInput{SecretId: &arn, Tags: []types.Tag{tag("a;", "2")}})
	requireRefusal(t, err, "InvalidParameterException", "want letters")
	_, err = b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.Empty(t, b.service.TaggedResources())
}

func TestRandomPasswords(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	password := func(in sdk.GetRandomPasswordInput) string {
		out, err := b.GetRandomPassword(t.Context(), &in)
		require.NoError(t, err)
		return *out.RandomPassword
	}
	require.Len(t, password(sdk.GetRandomPasswordInput{}), 32)
	digits := sdk.GetRandomPasswordInput{ExcludeLowercase: aws.Bool(true), ExcludeUppercase: aws.Bool(true), ExcludePunctuation: aws.Bool(true), ExcludeCharacters: aws.String("01"), PasswordLength: aws.Int64(200)}
	require.Regexp(t, "^[2-9]{200}$", password(digits))
	four := password(sdk.GetRandomPasswordInput{PasswordLength: aws.Int64(4)})
	for _, pattern := range []string{"[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9 ]"} {
		require.Regexp(t, pattern, four)
	}
	require.Len(t, password(sdk.GetRandomPasswordInput{PasswordLength: aws.Int64(1), RequireEachIncludedType: aws.Bool(false)}), 1)
	for text, in := range map[string]*sdk.GetRandomPasswordInput{
		"between 1 and 4096":  {PasswordLength: aws.Int64(4097)},
		"too short":           {PasswordLength: aws.Int64(4), IncludeSpace: aws.Bool(true)},
		"no valid characters": {ExcludeLowercase: aws.Bool(true), ExcludeUppercase: aws.Bool(true), ExcludePunctuation: aws.Bool(true), ExcludeNumbers: aws.Bool(true)},
		"excludeCharacters":   {ExcludeCharacters: aws.String(strings.Repeat("a", 4097))},
	} {
		_, err := b.GetRandomPassword(t.Context(), in)
		require.ErrorContains(t, err, text)
	}
}

func TestOperationsThatAreNotImplementedSaySo(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	_, err := b.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{SecretIdList: []string{"a"}})
	requireRefusal(t, err, "NotImplemented", "BatchGetSecretValue")
	_, err = b.ReplicateSecretToRegions(t.Context(), &sdk.ReplicateSecretToRegionsInput{SecretId: aws.String("a"), AddReplicaRegions: []types.ReplicaRegionType{{}}})
	requireRefusal(t, err, "NotImplemented", "ReplicateSecretToRegions")
}

func TestThrottledOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{Throttle: func(operation string) bool { return operation == "PutSecretValue" }})
	b.create("web", "v")
	_, err := b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: aws.String("web"), SecretString: aws.String("w")})
	requireRefusal(t, err, "ThrottlingException", "Rate exceeded")
	require.Equal(t, "v", b.get("web", ""))
}

func TestTheServiceItselfDecidesWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	action, resource := newBench(t, secretsmanager.Options{}).service.Request(nil, nil)
	require.Empty(t, action+resource)
}
