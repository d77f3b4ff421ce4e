package secretsmanager_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
)

func (b *bench) label(id, stage, to, from string) error {
	_, err := b.UpdateSecretVersionStage(b.t.Context(), &sdk.UpdateSecretVersionStageInput{
		SecretId: &id, VersionStage: &stage, MoveToVersionId: optional(to), RemoveFromVersionId: optional(from),
	})
	return err
}

func TestLabelsMoveWithTheCurrentVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "")
	_, err := b.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String("web")})
	requireRefusal(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	stages := func() map[string][]string { return b.describe("web").VersionIdsToStages }

	first := b.put("web", "1", "mine")
	require.Equal(t, map[string][]string{first: {"AWSCURRENT", "mine"}}, stages(), "the first version is current, whatever its labels")
	second := b.put("web", "2")
	require.Equal(t, map[string][]string{first: {"AWSPREVIOUS", "mine"}, second: {"AWSCURRENT"}}, stages())
	third := b.put("web", "3", "AWSPENDING", "mine")
	require.Equal(t, map[string][]string{first: {"AWSPREVIOUS"}, second: {"AWSCURRENT"}, third: {"AWSPENDING", "mine"}}, stages())
	require.NoError(t, b.label("web", "AWSCURRENT", third, second))
	require.Equal(t, map[string][]string{second: {"AWSPREVIOUS"}, third: {"AWSCURRENT", "AWSPENDING", "mine"}}, stages())
	require.NoError(t, b.label("web", "AWSPENDING", "", third))
	require.NoError(t, b.label("web", "AWSCURRENT", second, third), "back")
	require.Equal(t, map[string][]string{second: {"AWSCURRENT"}, third: {"AWSPREVIOUS", "mine"}}, stages())
	require.NoError(t, b.label("web", "AWSCURRENT", second, second), "where it is")
	require.NoError(t, b.label("web", "mine", third, ""), "where it is")
	require.Equal(t, "2", b.get("web", ""))
	require.Equal(t, "3", b.get("web", "mine"))

	byID, err := b.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String("web"), VersionId: &first})
	require.NoError(t, err, "versions without labels can be read")
	require.Equal(t, "1", *byID.SecretString)
	require.Empty(t, byID.VersionStages)

	listed, err := b.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: aws.String("web")})
	require.NoError(t, err)
	require.Len(t, listed.Versions, 2)
	listed, err = b.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: aws.String("web"), IncludeDeprecated: aws.Bool(true), MaxResults: aws.Int32(2)})
	require.NoError(t, err)
	require.Len(t, listed.Versions, 2)
	listed, err = b.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: aws.String("web"), IncludeDeprecated: aws.Bool(true), NextToken: listed.NextToken})
	require.NoError(t, err)
	require.Len(t, listed.Versions, 1)
	require.Nil(t, listed.NextToken)
	require.Equal(t, []string{"DefaultEncryptionKey"}, listed.Versions[0].KmsKeyIds)
	_, err = b.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: aws.String("web"), NextToken: aws.String("!")})
	requireRefusal(t, err, "InvalidNextTokenException", "")
	_, err = b.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: aws.String("web"), MaxResults: aws.Int32(101)})
	requireRefusal(t, err, "ValidationException", "between 1 and 100")
}

func TestLabelsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "")
	old, now := b.put("web", "1", "mine"), b.put("web", "2")
	other := *token()
	for name, test := range map[string]struct{ stage, to, from, code, text string }{
		"from nowhere to nowhere":        {"mine", "", "", "InvalidParameterException", "MoveToVersionId"},
		"no label":                       {"", old, "", "ValidationException", "versionStage"},
		"long label":                     {strings.Repeat("l", 257), old, "", "ValidationException", "versionStage"},
		"unknown version":                {"mine", other, old, "ResourceNotFoundException", "version"},
		"from an unknown version":        {"mine", now, other, "ResourceNotFoundException", "version"},
		"without where it is":            {"mine", now, "", "InvalidParameterException", "The parameter RemoveFromVersionId can't be empty. Staging label mine is currently attached to version " + old + ", so you must explicitly reference that version in RemoveFromVersionId."},
		"current without where it is":    {"AWSCURRENT", old, "", "InvalidParameterException", "currently attached to version " + now},
		"from where it is not":           {"mine", now, now, "InvalidParameterException", "Staging label mine isn't currently attached to version " + now},
		"off where it is not":            {"mine", "", now, "InvalidParameterException", "isn't currently attached"},
		"a new one from where it is not": {"new", now, old, "InvalidParameterException", "isn't currently attached"},
		"current is never nowhere":       {"AWSCURRENT", "", now, "InvalidParameterException", "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.UpdateSecretVersionStage(t.Context(), &sdk.UpdateSecretVersionStageInput{
				SecretId: aws.String("web"), VersionStage: &test.stage, MoveToVersionId: optional(test.to), RemoveFromVersionId: optional(test.from),
			})
			requireRefusal(t, err, test.code, test.text)
		})
	}
}

func TestAtMostTwentyLabels(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "1") // AWSCURRENT
	var labels []string
	for i := range 19 {
		labels = append(labels, fmt.Sprint(i))
	}
	version := b.put("web", "2", labels...)
	requireRefusal(t, b.label("web", "one more", version, ""), "LimitExceededException", "20")
	_, err := b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: aws.String("web"), SecretString: aws.String("3")})
	requireRefusal(t, err, "LimitExceededException", "20") // AWSPREVIOUS would be the next
	require.Equal(t, "1", b.get("web", ""))
	require.NoError(t, b.label("web", "18", "", version))
	b.put("web", "3")
}

func TestPuttingTheSameTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "1")
	in := &sdk.PutSecretValueInput{SecretId: aws.String("web"), SecretString: aws.String("2"), ClientRequestToken: token()}
	_, err := b.PutSecretValue(t.Context(), in)
	require.NoError(t, err)
	b.put("web", "3")
	again, err := b.PutSecretValue(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{"AWSPREVIOUS"}, again.VersionStages, "nothing moves")
	require.Equal(t, "3", b.get("web", ""))
	in.SecretString = aws.String("4")
	_, err = b.PutSecretValue(t.Context(), in)
	requireRefusal(t, err, "ResourceExistsException", "already in use for a version of secret "+prefix+"web-")
	in.SecretString, in.SecretBinary = nil, []byte("2")
	_, err = b.PutSecretValue(t.Context(), in)
	requireRefusal(t, err, "ResourceExistsException", "already in use")
}

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "1")
	now := b.put("web", "2")
	web, value := aws.String("web"), aws.String("hunter2")
	for text, in := range map[string]*sdk.PutSecretValueInput{
		"either SecretString or SecretBinary": {SecretId: web},
		"both a binary":                       {SecretId: web, SecretString: value, SecretBinary: []byte("b")},
		"65536":                               {SecretId: web, SecretString: aws.String(strings.Repeat("x", 65537))},
		"can't find the specified secret.":    {SecretId: aws.String("absent"), SecretString: value},
		"32-64":                               {SecretId: web, SecretString: value, ClientRequestToken: aws.String("t")},
		"versionStages":                       {SecretId: web, SecretString: value, VersionStages: []string{}},
		"'versionStage'":                      {SecretId: web, SecretString: value, VersionStages: []string{""}},
		"2048":                                {SecretId: aws.String(strings.Repeat("x", 2049)), SecretString: value},
	} {
		_, err := b.PutSecretValue(t.Context(), in)
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
	b.put("web", strings.Repeat("x", 65536))
	for text, in := range map[string]*sdk.GetSecretValueInput{
		"for staging label: none": {SecretId: web, VersionStage: aws.String("none")},
		"for VersionId: none":     {SecretId: web, VersionId: aws.String("none"), VersionStage: aws.String("AWSCURRENT")},
		"You provided a VersionStage that is not associated to the provided VersionId.": {SecretId: web, VersionId: &now, VersionStage: aws.String("AWSCURRENT")},
	} {
		_, err := b.GetSecretValue(t.Context(), in)
		require.ErrorContains(t, err, text)
	}
}

func TestOldVersionsWithoutLabelsArePruned(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "first")
	kept := b.put("web", "kept", "mine")
	count := func() int {
		all := 0
		pages := sdk.NewListSecretVersionIdsPaginator(b.Client, &sdk.ListSecretVersionIdsInput{SecretId: aws.String("web"), IncludeDeprecated: aws.Bool(true)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			all += len(page.Versions)
		}
		return all
	}
	for i := range 108 {
		b.move(time.Minute)
		b.put("web", fmt.Sprint(i))
	}
	require.Equal(t, 110, count(), "none is younger than a day")
	b.move(day)
	b.put("web", "last")
	require.Equal(t, 100, count())
	byID, err := b.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String("web"), VersionId: &kept})
	require.NoError(t, err, "it has a label")
	require.Equal(t, "kept", *byID.SecretString)
	require.Equal(t, "107", b.get("web", "AWSPREVIOUS"))
}
