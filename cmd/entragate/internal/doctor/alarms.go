package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/entragate/entragate/components"
)

// alarms looks whether the stack's alarms tell anybody.
func (x *examination) alarms(ctx context.Context) {
	alarms, err := x.stackAlarms(ctx)
	if err != nil {
		x.unable("alarms", err)
		return
	}
	if len(alarms) == 0 {
		x.fail("alarms", fmt.Sprintf("no alarm has the tags of %s/%s: nobody is told of anything", x.Project, x.Stack), deploy)
		return
	}
	topics := map[string]string{} // an alarm of each
	for _, a := range alarms {
		x.alarm(a)
		for _, action := range a.AlarmActions {
			if strings.Contains(action, ":sns:") {
				topics[action] = aws.ToString(a.AlarmArn)
			}
		}
	}
	for _, topic := range sortedKeys(topics) {
		x.topic(ctx, topic, topics[topic])
	}
}

// stackAlarms are those with the tags of the stack.
func (x *examination) stackAlarms(ctx context.Context) ([]types.MetricAlarm, error) {
	var mine []types.MetricAlarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(x.Clouds.CloudWatch, &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			listed, err := x.Clouds.CloudWatch.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})
			if gone(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if tagged(listed.Tags, components.TagProject, x.Project) && tagged(listed.Tags, components.TagStack, x.Stack) {
				mine = append(mine, a)
			}
		}
	}
	return mine, nil
}

func tagged(tags []types.Tag, key, value string) bool {
	return slices.ContainsFunc(tags, func(t types.Tag) bool { return aws.ToString(t.Key) == key && aws.ToString(t.Value) == value })
}

// alarm looks at one alarm.
func (x *examination) alarm(a types.MetricAlarm) {
	subject := "alarm " + aws.ToString(a.AlarmName)
	switch {
	case !aws.ToBool(a.ActionsEnabled):
		x.fail(subject, "its actions are disabled: it tells nobody",
			"run `aws cloudwatch enable-alarm-actions --alarm-names "+aws.ToString(a.AlarmName)+"`")
	case len(a.AlarmActions) == 0:
		x.fail(subject, "it has no action: it tells nobody", deploy)
	default:
		x.ok(subject, "tells "+strings.Join(a.AlarmActions, ", "))
	}
	if a.StateValue == types.StateValueAlarm {
		first, _, _ := strings.Cut(aws.ToString(a.AlarmDescription), "\n")
		x.warn(subject, "it is in ALARM: "+aws.ToString(a.StateReason), first)
	}
}
