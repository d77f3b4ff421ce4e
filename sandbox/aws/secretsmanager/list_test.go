package secretsmanager_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
)

func (b *bench) names(in sdk.ListSecretsInput) string {
	b.t.Helper()
	var names []string
	pages := sdk.NewListSecretsPaginator(b.Client, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.t.Context())
		require.NoError(b.t, err)
		for _, secret := range page.SecretList {
			names = append(names, *secret.Name)
		}
	}
	return strings.Join(names, " ")
}

func filters(of ...string) []types.Filter { // key, value, key, value…
	var list []types.Filter
	for i := 0; i < len(of); i += 2 {
		list = append(list, types.Filter{Key: types.FilterNameStringType(of[i]), Values: strings.Split(of[i+1], "|")})
	}
	return list
}

func TestSecretsAreListed(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	ctx := t.Context()
	for _, secret := range []struct{ name, description, key, value string }{
		{"Prod/web", "The web client", "stage", "prod"},
		{"prod/daemon", "the Daemon", "stage", "prod"},
		{"dev/web", "", "Stage", "dev"},
		{"dev/web2", "marked", "x", "y"},
	} {
		b.move(time.Minute)
		_, err := b.CreateSecret(ctx, &sdk.CreateSecretInput{
			Name: &secret.name, Description: &secret.description, Tags: []types.Tag{{Key: &secret.key, Value: &secret.value}},
		})
		require.NoError(t, err)
	}
	b.move(time.Minute)
	b.put("prod/daemon", "v")
	b.get("prod/daemon", "")
	for name, test := range map[string]struct {
		in   sdk.ListSecretsInput
		want string
	}{
		"all":               {sdk.ListSecretsInput{}, "Prod/web prod/daemon dev/web dev/web2"},
		"newest first":      {sdk.ListSecretsInput{SortOrder: "desc", MaxResults: aws.Int32(1)}, "dev/web2 dev/web prod/daemon Prod/web"},
		"by name":           {sdk.ListSecretsInput{SortBy: "name", MaxResults: aws.Int32(3)}, "Prod/web dev/web dev/web2 prod/daemon"},
		"by name, down":     {sdk.ListSecretsInput{SortBy: "name", SortOrder: "desc", MaxResults: aws.Int32(2)}, "prod/daemon dev/web2 dev/web Prod/web"},
		"by change":         {sdk.ListSecretsInput{SortBy: "last-changed-date", SortOrder: "desc"}, "prod/daemon dev/web2 dev/web Prod/web"},
		"by access":         {sdk.ListSecretsInput{SortBy: "last-accessed-date"}, "Prod/web dev/web dev/web2 prod/daemon"},
		"name":              {sdk.ListSecretsInput{Filters: filters("name", "prod/")}, "prod/daemon"},
		"names":             {sdk.ListSecretsInput{Filters: filters("name", "prod/|dev/web2")}, "prod/daemon dev/web2"},
		"not a name":        {sdk.ListSecretsInput{Filters: filters("name", "!dev/")}, "Prod/web prod/daemon"},
		"one but not other": {sdk.ListSecretsInput{Filters: filters("name", "dev/|!dev/web2")}, "dev/web"},
		"description":       {sdk.ListSecretsInput{Filters: filters("description", "tHe ")}, "Prod/web prod/daemon"},
		"tag key":           {sdk.ListSecretsInput{Filters: filters("tag-key", "Sta")}, "dev/web"},
		"tag value":         {sdk.ListSecretsInput{Filters: filters("tag-value", "prod", "name", "Prod")}, "Prod/web"},
		"all words":         {sdk.ListSecretsInput{Filters: filters("all", "WEB prod")}, "Prod/web"},
		"region":            {sdk.ListSecretsInput{Filters: filters("primary-region", "eu-west-1")}, ""},
	} {
		require.Equal(t, test.want, b.names(test.in), name)
	}
	_, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: aws.String("dev/web2")})
	require.NoError(t, err)
	require.Equal(t, "dev/web", b.names(sdk.ListSecretsInput{Filters: filters("name", "dev")}))
	require.Equal(t, "dev/web dev/web2", b.names(sdk.ListSecretsInput{Filters: filters("name", "dev"), IncludePlannedDeletion: aws.Bool(true)}))

	out, err := b.ListSecrets(ctx, &sdk.ListSecretsInput{Filters: filters("name", "prod")})
	require.NoError(t, err)
	require.Equal(t, "the Daemon", *out.SecretList[0].Description)
	require.Len(t, out.SecretList[0].SecretVersionsToStages, 1)
}

func TestListsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	for text, in := range map[string]*sdk.ListSecretsInput{
		"enum value set: [description": {Filters: filters("arn", "x")},
		"between 1 and 10":             {Filters: filters("name", strings.Repeat("a|", 10)+"b")},
		"equal to 10":                  {Filters: filters(strings.Split(strings.Repeat("name,x,", 11), ",")[:22]...)},
		"between 1 and 512":            {Filters: filters("name", "!")},
		"sortOrder":                    {SortOrder: "up"},
		"sortBy":                       {SortBy: "size"},
		"got 0":                        {MaxResults: aws.Int32(0)},
		"got 101":                      {MaxResults: aws.Int32(101)},
	} {
		_, err := b.ListSecrets(t.Context(), in)
		requireRefusal(t, err, "ValidationException", text)
	}
	_, err := b.ListSecrets(t.Context(), &sdk.ListSecretsInput{NextToken: aws.String("x")})
	requireRefusal(t, err, "InvalidNextTokenException", "")
}
