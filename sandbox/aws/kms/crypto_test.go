package kms_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"
)

func TestOnlyTheSameKeyAndContextDecrypt(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id, other := b.key(""), b.key("")
	context := map[string]string{"a": "1", "b": "2"}
	plain := []byte("a secret text")
	sealed, err := b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: plain, EncryptionContext: context})
	require.NoError(t, err)
	require.Equal(t, prefix+"key/"+id, *sealed.KeyId)
	require.False(t, bytes.Contains(sealed.CiphertextBlob, plain))
	again, err := b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: plain, EncryptionContext: context})
	require.NoError(t, err)
	require.NotEqual(t, sealed.CiphertextBlob, again.CiphertextBlob)

	opened, err := b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"b": "2", "a": "1"}})
	require.NoError(t, err)
	require.Equal(t, plain, opened.Plaintext)

	unreadable := func(in *sdk.DecryptInput) {
		_, err := b.Decrypt(ctx, in)
		var exception *types.InvalidCiphertextException
		require.ErrorAs(t, err, &exception)
	}
	unreadable(&sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	unreadable(&sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"a": "12", "b": ""}})
	for i := range sealed.CiphertextBlob {
		if i > 0 && i < 17 {
			continue // the key's id, see below
		}
		damaged := bytes.Clone(sealed.CiphertextBlob)
		damaged[i] ^= 1
		unreadable(&sdk.DecryptInput{CiphertextBlob: damaged, EncryptionContext: context})
	}
	unreadable(&sdk.DecryptInput{CiphertextBlob: []byte("x")})
	damaged := bytes.Clone(sealed.CiphertextBlob)
	damaged[1] ^= 1
	_, err = b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: damaged, EncryptionContext: context})
	refused(t, err, "NotFoundException", "does not exist")
	_, err = b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyId: &other})
	refused(t, err, "IncorrectKeyException", "does not identify")
}

func TestDataKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	for _, test := range []struct {
		in   *sdk.GenerateDataKeyInput
		want int
	}{
		{&sdk.GenerateDataKeyInput{KeyId: &id, KeySpec: types.DataKeySpecAes256}, 32},
		{&sdk.GenerateDataKeyInput{KeyId: &id, KeySpec: types.DataKeySpecAes128}, 16},
		{&sdk.GenerateDataKeyInput{KeyId: &id, NumberOfBytes: aws.Int32(64)}, 64},
	} {
		out, err := b.GenerateDataKey(ctx, test.in)
		require.NoError(t, err)
		require.Len(t, out.Plaintext, test.want)
		opened, err := b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: out.CiphertextBlob})
		require.NoError(t, err)
		require.Equal(t, out.Plaintext, opened.Plaintext)
	}
	sealed, err := b.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: &id, KeySpec: types.DataKeySpecAes256})
	require.NoError(t, err)
	require.NotEmpty(t, sealed.CiphertextBlob)

	for name, in := range map[string]*sdk.GenerateDataKeyInput{
		"neither": {KeyId: &id}, "both": {KeyId: &id, KeySpec: types.DataKeySpecAes128, NumberOfBytes: aws.Int32(16)},
		"no such spec": {KeyId: &id, KeySpec: "AES"}, "too many": {KeyId: &id, NumberOfBytes: aws.Int32(1025)}, "none": {KeyId: &id, NumberOfBytes: aws.Int32(0)},
	} {
		_, err := b.GenerateDataKey(ctx, in)
		require.ErrorContains(t, err, "ValidationException", name)
	}
}

func TestWhatCannotBeEncrypted(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	_, err := b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte{}})
	refused(t, err, "ValidationException", "between 1 and 4096")
	_, err = b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: make([]byte, 4097)})
	refused(t, err, "ValidationException", "between 1 and 4096")
	_, err = b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("p"), EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1})
	refused(t, err, "InvalidKeyUsageException", "RSAES_OAEP_SHA_1")
	_, err = b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("p"), DryRun: aws.Bool(true)})
	refused(t, err, "DryRunOperationException", "would have succeeded")
	_, err = b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: make([]byte, 6145)})
	refused(t, err, "ValidationException", "6144")
	_, err = b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &id})
	require.NoError(t, err)
	_, err = b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("p")})
	refused(t, err, "DisabledException", prefix+"key/"+id+" is disabled.")
	_, err = b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &id})
	refused(t, err, "DisabledException", "is disabled.")
}

func TestRotationKeepsWhatIsEncrypted(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	status := func() *sdk.GetKeyRotationStatusOutput {
		out, err := b.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: &id})
		require.NoError(t, err)
		return out
	}
	require.False(t, status().KeyRotationEnabled)
	_, err := b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &id})
	require.NoError(t, err)
	require.Equal(t, int32(365), *status().RotationPeriodInDays)
	_, err = b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &id, RotationPeriodInDays: aws.Int32(90)})
	require.NoError(t, err)
	require.Equal(t, start.Add(90*days), status().NextRotationDate.UTC())

	var sealed [][]byte
	material := map[string]bool{} // the number of the material is in the header
	for range 4 {
		out, err := b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("p")})
		require.NoError(t, err)
		sealed = append(sealed, out.CiphertextBlob)
		material[string(out.CiphertextBlob[:21])] = true
		b.move(91 * days)
	}
	require.Len(t, material, 4)
	require.True(t, status().NextRotationDate.After(b.read()))
	for _, blob := range sealed {
		out, err := b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob})
		require.NoError(t, err)
		require.Equal(t, []byte("p"), out.Plaintext)
	}
	_, err = b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id})
	require.NoError(t, err)
	require.False(t, status().KeyRotationEnabled)
	_, err = b.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &id})
	require.NoError(t, err)
	require.True(t, status().KeyRotationEnabled)
	_, err = b.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &id})
	require.NoError(t, err)
	_, err = b.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: &id})
	require.NoError(t, err)
	require.False(t, status().KeyRotationEnabled)
	b.move(time.Hour)
}
