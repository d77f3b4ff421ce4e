package kms_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/kms"
)

const (
	account = "000000000000"
	user    = "arn:aws:iam::000000000000:user/sandbox"
	role    = "arn:aws:iam::000000000000:role/r"
	session = "arn:aws:sts::000000000000:assumed-role/r/s"
	root    = "arn:aws:iam::000000000000:root"
	prefix  = "arn:aws:kms:eu-west-1:000000000000:"
	days    = 24 * time.Hour
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// roles allows what it holds: "role action resource", and, if it says so, only
// through a service.
type roles map[string]string

func (r roles) AllowsWith(roleARN, action, resource string, keys iam.Keys) bool {
	via, may := r[roleARN+" "+action+" "+resource]
	return may && (via == "" || slices.Contains(keys["kms:ViaService"], via))
}

// bench is KMS and a real client of it.
type bench struct {
	*sdk.Client
	t       *testing.T
	service *kms.Service
	roles   roles
	as      string // a role that signs; "" for the account's user

	mu  sync.Mutex
	now time.Time
}

func (b *bench) read() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) move(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func newBench(t *testing.T, path string) *bench {
	t.Helper()
	b := &bench{t: t, now: start, roles: roles{}}
	service, err := kms.New(kms.Options{Account: account, Region: "eu-west-1", Path: path, Now: b.read, Roles: b.roles})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.as != "" {
			r = r.WithContext(iam.WithSession(r.Context(), iam.Session{RoleARN: b.as, ARN: session}))
		}
		service.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b.service = service
	b.Client = sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	return b
}

// key makes a key and returns its id.
func (b *bench) key(policy string) string {
	b.t.Helper()
	in := &sdk.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := b.CreateKey(b.t.Context(), in)
	require.NoError(b.t, err)
	return *out.KeyMetadata.KeyId
}

func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// own lets the account decide, as most key policies do.
const own = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}`

func TestAKeyIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	out, err := b.CreateKey(ctx, &sdk.CreateKeyInput{
		Description: aws.String("secrets"), KeySpec: types.KeySpecSymmetricDefault, KeyUsage: types.KeyUsageTypeEncryptDecrypt,
		Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("1")}},
	})
	require.NoError(t, err)
	id := out.KeyMetadata.KeyId
	require.Equal(t, prefix+"key/"+*id, *out.KeyMetadata.Arn)

	_, err = b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/a/b"), TargetKeyId: out.KeyMetadata.Arn})
	require.NoError(t, err)
	for _, name := range []string{*id, *out.KeyMetadata.Arn, "alias/a/b", prefix + "alias/a/b"} {
		described, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &name})
		require.NoError(t, err, name)
		require.Equal(t, out.KeyMetadata, described.KeyMetadata)
	}
	require.Equal(t, types.KeyStateEnabled, out.KeyMetadata.KeyState)
	require.True(t, out.KeyMetadata.Enabled)
	require.Equal(t, start, out.KeyMetadata.CreationDate.UTC())

	got, err := b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: id})
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"`+root+`"},"Action":"kms:*","Resource":"*"}]}`, *got.Policy)

	_, err = b.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: id, Description: aws.String("")})
	require.NoError(t, err)
	_, err = b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: id})
	require.NoError(t, err)
	described, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: id})
	require.NoError(t, err)
	require.Equal(t, types.KeyStateDisabled, described.KeyMetadata.KeyState)
	require.Empty(t, *described.KeyMetadata.Description)

	keys, err := b.ListKeys(ctx, &sdk.ListKeysInput{})
	require.NoError(t, err)
	require.Equal(t, []types.KeyListEntry{{KeyId: id, KeyArn: out.KeyMetadata.Arn}}, keys.Keys)
}

func TestTags(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	tag := func(key, value string) types.Tag { return types.Tag{TagKey: &key, TagValue: &value} }
	_, err := b.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{tag("a", "1"), tag("b", "2")}})
	require.NoError(t, err)
	_, err = b.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{tag("b", "3")}})
	require.NoError(t, err)
	_, err = b.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: &id, TagKeys: []string{"a", "absent"}})
	require.NoError(t, err)
	out, err := b.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: &id})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{tag("b", "3")}, out.Tags)
	tagged := b.service.TaggedResources()
	require.Len(t, tagged, 1)
	require.Equal(t, prefix+"key/"+id, tagged[0].ARN)

	for name, tags := range map[string][]types.Tag{
		"twice":    {tag("x", ""), tag("x", "")},
		"reserved": {tag("aws:x", "")},
		"too long": {tag(strings.Repeat("k", 129), "")},
	} {
		_, err = b.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: tags})
		var exception *types.TagException
		require.ErrorAs(t, err, &exception, name)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	one, two := b.key(""), b.key("")
	_, err := b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &one})
	require.NoError(t, err)
	_, err = b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &two})
	refused(t, err, "AlreadyExistsException", "An alias with the name "+prefix+"alias/x already exists")
	b.move(time.Hour)
	_, err = b.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &two})
	require.NoError(t, err)
	list, err := b.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: &two})
	require.NoError(t, err)
	require.Len(t, list.Aliases, 1)
	require.Equal(t, two, *list.Aliases[0].TargetKeyId)
	require.Equal(t, prefix+"alias/x", *list.Aliases[0].AliasArn)
	require.Equal(t, start.Add(time.Hour), list.Aliases[0].LastUpdatedDate.UTC())
	list, err = b.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: &one})
	require.NoError(t, err)
	require.Empty(t, list.Aliases)
	_, err = b.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: aws.String("alias/x")})
	require.NoError(t, err)
	_, err = b.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: aws.String("alias/x")})
	refused(t, err, "NotFoundException", "Alias "+prefix+"alias/x is not found.")

	for name, code := range map[string]string{
		"x": "ValidationException", "alias/a:b": "InvalidAliasNameException", "alias/": "InvalidAliasNameException",
		"alias/aws/s3": "NotAuthorizedException", "alias/" + strings.Repeat("x", 251): "ValidationException",
	} {
		_, err = b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: &one})
		refused(t, err, code, "")
	}
	_, err = b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/y"), TargetKeyId: aws.String("alias/x")})
	refused(t, err, "NotFoundException", "Invalid keyId alias/x")
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	for name, test := range map[string]struct {
		call func() error
		code string
		text string
	}{
		"no such key": {func() error {
			_, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("12345678-0000-0000-0000-000000000000")})
			return err
		}, "NotFoundException", "Key '" + prefix + "key/12345678-0000-0000-0000-000000000000' does not exist"},
		"no key id": {func() error {
			_, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("nonsense")})
			return err
		}, "NotFoundException", "Invalid keyId nonsense"},
		"another region": {func() error {
			_, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:us-east-1:000000000000:key/" + id)})
			return err
		}, "NotFoundException", "Invalid arn us-east-1"},
		"another service": {func() error {
			_, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("arn:aws:sns:eu-west-1:000000000000:topic")})
			return err
		}, "InvalidArnException", "Invalid arn"},
		"an alias where a key is wanted": {func() error {
			_, err := b.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: aws.String("alias/x")})
			return err
		}, "NotFoundException", "Invalid keyId alias/x"},
		"asymmetric": {func() error {
			_, err := b.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: types.KeySpecRsa2048})
			return err
		}, "NotImplemented", "RSA_2048"},
		"no such spec": {func() error {
			_, err := b.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: "AES"})
			return err
		}, "ValidationException", "keySpec"},
		"several regions": {func() error {
			_, err := b.CreateKey(ctx, &sdk.CreateKeyInput{MultiRegion: aws.Bool(true)})
			return err
		}, "NotImplemented", "regions"},
		"long description": {func() error {
			_, err := b.CreateKey(ctx, &sdk.CreateKeyInput{Description: aws.String(strings.Repeat("d", 8193))})
			return err
		}, "ValidationException", "8192"},
		"6 days": {func() error {
			_, err := b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(6)})
			return err
		}, "ValidationException", "between 7 and 30"},
		"31 days": {func() error {
			_, err := b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(31)})
			return err
		}, "ValidationException", "between 7 and 30"},
		"not pending deletion": {func() error {
			_, err := b.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &id})
			return err
		}, "KMSInvalidStateException", "is not pending deletion."},
		"rotation too often": {func() error {
			_, err := b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &id, RotationPeriodInDays: aws.Int32(89)})
			return err
		}, "ValidationException", "between 90 and 2560"},
		"another policy": {func() error {
			_, err := b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id, PolicyName: aws.String("mine")})
			return err
		}, "NotFoundException", "No such policy exists"},
		"a page of none": {func() error {
			_, err := b.ListKeys(ctx, &sdk.ListKeysInput{Limit: aws.Int32(0)})
			return err
		}, "ValidationException", "limit"},
		"another's marker": {func() error {
			_, err := b.ListKeys(ctx, &sdk.ListKeysInput{Marker: aws.String("!")})
			return err
		}, "InvalidMarkerException", "marker"},
		"re-encryption": {func() error {
			_, err := b.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: []byte("x"), DestinationKeyId: &id})
			return err
		}, "NotImplemented", "ReEncrypt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.call(), test.code, test.text)
		})
	}
}

func TestAKeyIsDeletedAfterItsWaitingPeriod(t *testing.T) {
	t.Parallel()
	b := newBench(t, filepath.Join(t.TempDir(), "kms.json"))
	ctx := t.Context()
	id := b.key("")
	_, err := b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &id})
	require.NoError(t, err)
	scheduled, err := b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id})
	require.NoError(t, err)
	require.Equal(t, start.Add(30*days), scheduled.DeletionDate.UTC())

	pending := "is pending deletion."
	_, err = b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id})
	refused(t, err, "KMSInvalidStateException", pending)
	_, err = b.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &id})
	refused(t, err, "KMSInvalidStateException", pending)
	_, err = b.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("")}}})
	refused(t, err, "KMSInvalidStateException", pending)
	_, err = b.Encrypt(ctx, &sdk.EncryptInput{KeyId: aws.String("alias/x"), Plaintext: []byte("p")})
	refused(t, err, "KMSInvalidStateException", pending)
	_, err = b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id})
	require.NoError(t, err)

	_, err = b.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &id})
	require.NoError(t, err)
	described, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &id})
	require.NoError(t, err)
	require.Equal(t, types.KeyStateDisabled, described.KeyMetadata.KeyState)

	_, err = b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)})
	require.NoError(t, err)
	b.move(7*days - time.Second)
	_, err = b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("alias/x")})
	require.NoError(t, err)
	b.move(time.Second)
	_, err = b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &id})
	refused(t, err, "NotFoundException", "does not exist")
	list, err := b.ListAliases(ctx, &sdk.ListAliasesInput{})
	require.NoError(t, err)
	require.Empty(t, list.Aliases)
	require.Error(t, b.service.Usable(id, user, "kms:Decrypt"))
	_, err = b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: aws.String(b.key(""))})
	require.NoError(t, err, "the name is free again")
}

func TestKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kms.json")
	b := newBench(t, path)
	id := b.key("")
	sealed, err := b.Encrypt(t.Context(), &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("p")})
	require.NoError(t, err)
	opened, err := newBench(t, path).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(t, err)
	require.Equal(t, []byte("p"), opened.Plaintext)
}
