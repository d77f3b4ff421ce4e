package logs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"
)

const refusedQuery = `filter status like /^4/ | stats count(*) by path`

func TestAQueryDefinitionIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	ctx := t.Context()
	made, err := b.PutQueryDefinition(ctx, &cloudwatchlogs.PutQueryDefinitionInput{
		Name: aws.String("api/refused"), QueryString: aws.String(refusedQuery), LogGroupNames: []string{"/g"},
	})
	require.NoError(t, err)
	require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, *made.QueryDefinitionId)
	other, err := b.PutQueryDefinition(ctx, &cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String("api/refused"), QueryString: aws.String(refusedQuery)})
	require.NoError(t, err)
	require.NotEqual(t, *made.QueryDefinitionId, *other.QueryDefinitionId, "names need not differ")

	b = newBench(t, dir) // what the provider does: by name, and then the id
	out, err := b.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{QueryDefinitionNamePrefix: aws.String("api/refused")})
	require.NoError(t, err)
	require.Len(t, out.QueryDefinitions, 2)
	require.Contains(t, out.QueryDefinitions, types.QueryDefinition{
		QueryDefinitionId: made.QueryDefinitionId, Name: aws.String("api/refused"), QueryString: aws.String(refusedQuery),
		LogGroupNames: []string{"/g"}, LastModified: aws.Int64(start.UnixMilli()), QueryLanguage: types.QueryLanguageCwli,
	})

	b.clock.move(time.Hour)
	again, err := b.PutQueryDefinition(ctx, &cloudwatchlogs.PutQueryDefinitionInput{
		QueryDefinitionId: made.QueryDefinitionId, Name: aws.String("changed"), QueryString: aws.String("fields @message"),
	})
	require.NoError(t, err)
	require.Equal(t, made.QueryDefinitionId, again.QueryDefinitionId)
	out, err = b.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{QueryDefinitionNamePrefix: aws.String("ch")})
	require.NoError(t, err)
	require.Equal(t, []types.QueryDefinition{{
		QueryDefinitionId: made.QueryDefinitionId, Name: aws.String("changed"), QueryString: aws.String("fields @message"),
		LastModified: aws.Int64(start.Add(time.Hour).UnixMilli()), QueryLanguage: types.QueryLanguageCwli,
	}}, out.QueryDefinitions, "what is left out is gone")

	deleted, err := b.DeleteQueryDefinition(ctx, &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: made.QueryDefinitionId})
	require.NoError(t, err)
	require.True(t, deleted.Success)
	_, err = b.DeleteQueryDefinition(ctx, &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: made.QueryDefinitionId})
	missing(t, err, "The specified query definition does not exist.")
}

func TestARepeatedRequestMakesOneDefinition(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := &cloudwatchlogs.PutQueryDefinitionInput{
		Name: aws.String("n"), QueryString: aws.String("fields @message"), ClientToken: aws.String(strings.Repeat("t", 36)),
	}
	first, err := b.PutQueryDefinition(t.Context(), in)
	require.NoError(t, err)
	second, err := b.PutQueryDefinition(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first.QueryDefinitionId, second.QueryDefinitionId)
	in.ClientToken = nil // the client makes one
	third, err := b.PutQueryDefinition(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, first.QueryDefinitionId, third.QueryDefinitionId)
}

func TestQueryDefinitionsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	for name, test := range map[string]struct {
		in   cloudwatchlogs.PutQueryDefinitionInput
		want string
	}{
		"no name":           {cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String("")}, "name: got"},
		"a long name":       {cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String(strings.Repeat("n", 256))}, "1 to 255 characters"},
		"a slash at an end": {cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String("a/")}, "neither the first nor the last is /"},
		"a colon":           {cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String("a:b")}, "without : and *"},
		"no query":          {cloudwatchlogs.PutQueryDefinitionInput{QueryString: aws.String("")}, "got 0 characters, want 1 to 10000"},
		"a long query":      {cloudwatchlogs.PutQueryDefinitionInput{QueryString: aws.String(strings.Repeat("é", 10_001))}, "got 10001 characters"},
		"a malformed query": {cloudwatchlogs.PutQueryDefinitionInput{QueryString: aws.String("filter (")}, "queryString: "},
		"a group":           {cloudwatchlogs.PutQueryDefinitionInput{LogGroupNames: []string{"a b"}}, "logGroupName"},
		"a token":           {cloudwatchlogs.PutQueryDefinitionInput{ClientToken: aws.String("short")}, "clientToken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.in.Name == nil {
				test.in.Name = aws.String("n")
			}
			if test.in.QueryString == nil {
				test.in.QueryString = aws.String("fields @message")
			}
			_, err := b.PutQueryDefinition(ctx, &test.in)
			invalid(t, err, test.want)
		})
	}
	in := &cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String("n"), QueryString: aws.String("fields @message")}
	in.QueryLanguage = types.QueryLanguageSql
	_, err := b.PutQueryDefinition(ctx, in)
	notImplemented(t, err, "queryLanguage SQL")
	in.QueryLanguage, in.Parameters = types.QueryLanguageCwli, []types.QueryParameter{{Name: aws.String("p")}}
	_, err = b.PutQueryDefinition(ctx, in)
	notImplemented(t, err, "parameters")
	in.Parameters, in.QueryDefinitionId = nil, aws.String("absent")
	_, err = b.PutQueryDefinition(ctx, in)
	missing(t, err, "query definition")
	_, err = b.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{MaxResults: aws.Int32(1001)})
	invalid(t, err, "between 1 and 1000")
	_, err = b.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{NextToken: aws.String("!")})
	invalid(t, err, "nextToken")
	_, err = b.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{QueryLanguage: types.QueryLanguagePpl})
	notImplemented(t, err, "queryLanguage PPL")
}

func TestAThousandDefinitionsArePaged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	put := func(i int) error {
		_, err := b.PutQueryDefinition(ctx, &cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String(fmt.Sprintf("q%04d", i)), QueryString: aws.String("fields @message")})
		return err
	}
	for i := range 1000 {
		require.NoError(t, put(i))
	}
	var exceeded *types.LimitExceededException
	require.ErrorAs(t, put(1000), &exceeded)
	in := &cloudwatchlogs.DescribeQueryDefinitionsInput{MaxResults: aws.Int32(300)}
	var names []string
	for {
		out, err := b.DescribeQueryDefinitions(ctx, in)
		require.NoError(t, err)
		for _, d := range out.QueryDefinitions {
			names = append(names, *d.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	require.Len(t, names, 1000)
	require.Equal(t, "q0000", names[0])
	require.Equal(t, "q0999", names[999])
}
