package doctor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// accessLog looks at where the access log goes, and in which form.
func (x *examination) accessLog(ctx context.Context) {
	if stage, ok := x.stage(ctx); ok {
		x.logSettings(stage.AccessLogSettings)
	}
	x.logGroup(ctx)
}

func (x *examination) logSettings(settings *types.AccessLogSettings) {
	subject := "stage " + defaultStage
	if settings == nil || aws.ToString(settings.DestinationArn) == "" {
		x.fail(subject, "it writes no access log: nobody sees who is refused, and alarms on refusals are blind", deploy)
		return
	}
	group := aws.ToString(settings.DestinationArn)
	if named, err := arn.Parse(group); err == nil {
		group = named.Resource
	}
	x.want(subject, "access log", group, "log-group:"+x.Outputs.LogGroup, deploy)
	got := aws.ToString(settings.Format)
	if got != x.LogFormat {
		x.fail(subject, fmt.Sprintf("the format of the access log is another one: it has %s, want %s; they part at %q",
			counted(len(got), "character"), counted(len(x.LogFormat), "character"), parting(got, x.LogFormat)),
			"metrics of refusals, saved queries and `entragate logs` read this format: "+deploy)
		return
	}
	x.ok(subject, "the format of the access log is as it should be")
}

// parting is where a text begins to differ from another, a few characters of it.
func parting(got, want string) string {
	const shown = 40
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return got[i:min(len(got), i+shown)]
}

func (x *examination) logGroup(ctx context.Context) {
	subject := "log group " + x.Outputs.LogGroup
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(x.Clouds.Logs, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: &x.Outputs.LogGroup,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			x.unable(subject, err)
			return
		}
		for _, g := range page.LogGroups {
			if aws.ToString(g.LogGroupName) != x.Outputs.LogGroup {
				continue
			}
			if g.RetentionInDays == nil {
				x.warn(subject, "it keeps everything for ever", "set a retention: "+deploy)
			} else {
				x.ok(subject, fmt.Sprintf("exists, and keeps lines for %s", counted(int(*g.RetentionInDays), "day")))
			}
			return
		}
	}
	x.fail(subject, "it does not exist: API Gateway writes to nowhere", deploy)
}
