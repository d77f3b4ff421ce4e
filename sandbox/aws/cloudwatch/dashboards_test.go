package cloudwatch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

func TestDashboards(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir())
	ctx := t.Context()
	body := `{"widgets":[{"type":"metric","x":0,"y":0,"width":12,"height":6,"properties":{"region":"eu-west-1","metrics":[["N","a"]]}},{"type":"text","properties":{"markdown":"# x"}},
		{"type":"alarm","properties":{"alarms":["arn"]}},{"type":"log","properties":{"region":"eu-west-1","query":"SOURCE 'g' | fields @message"}},{"type":"metric","properties":{"region":"r","annotations":{"alarms":["arn"]}}}]}`
	out, err := b.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: &body})
	require.NoError(t, err)
	require.Empty(t, out.DashboardValidationMessages)
	got, err := b.GetDashboard(ctx, &sdk.GetDashboardInput{DashboardName: aws.String("d")})
	require.NoError(t, err)
	require.Equal(t, body, *got.DashboardBody)
	require.Equal(t, "arn:aws:cloudwatch::000000000000:dashboard/d", *got.DashboardArn)
	list, err := b.ListDashboards(ctx, &sdk.ListDashboardsInput{DashboardNamePrefix: aws.String("d")})
	require.NoError(t, err)
	require.Len(t, list.DashboardEntries, 1)
	require.Equal(t, int64(len(body)), *list.DashboardEntries[0].Size)
	_, err = b.DeleteDashboards(ctx, &sdk.DeleteDashboardsInput{DashboardNames: []string{"d", "absent"}})
	var missing *types.DashboardNotFoundError
	require.ErrorAs(t, err, &missing)
	_, err = b.DeleteDashboards(ctx, &sdk.DeleteDashboardsInput{DashboardNames: []string{"d"}})
	require.NoError(t, err)
	_, err = b.GetDashboard(ctx, &sdk.GetDashboardInput{DashboardName: aws.String("d")})
	refused(t, err, "ResourceNotFound", "Dashboard d does not exist")
}

func TestDashboardsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	_, err := b.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: aws.String("a b"), DashboardBody: aws.String(`{"widgets":[]}`)})
	refused(t, err, "InvalidParameterValue", "DashboardName")
	for body, want := range map[string][]string{
		`{`:              {"/ "},
		`[]`:             {"/ "},
		`{}`:             {"/widgets "},
		`{"widgets":{}}`: {"/widgets "},
		`{"widgets":[` + strings.Repeat("1,", 500) + `1]}`:                               {"/widgets "},
		`{"widgets":[1,{"type":"chart","x":24,"width":0,"height":1.5,"properties":{}}]}`: {"/widgets/0 ", "/widgets/1/height ", "/widgets/1/type ", "/widgets/1/width ", "/widgets/1/x ", "/widgets/1/y "},
		`{"widgets":[{"type":"text"}]}`:                                                  {"/widgets/0 "},
		`{"widgets":[{"type":"text","properties":{"markdown":1}}]}`:                      {"/widgets/0/properties "},
		`{"widgets":[{"type":"metric","properties":{"region":"r","metrics":[]}}]}`:       {"/widgets/0/properties "},
		`{"widgets":[{"type":"log","properties":{}},{"type":"alarm","properties":{}}]}`:  {"/widgets/0/properties ", "/widgets/0/properties ", "/widgets/1/properties "},
	} {
		_, err := b.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: &body})
		invalid, ok := errors.AsType[*types.DashboardInvalidInputError](err)
		require.True(t, ok, "%s: %v", body, err)
		var paths []string
		for _, each := range invalid.DashboardValidationMessages {
			paths = append(paths, *each.DataPath+" ")
		}
		require.Equal(t, want, paths, body)
		require.Contains(t, invalid.ErrorMessage(), "The dashboard body is invalid")
	}
}
