package components

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// watch is what watches over a protected API before there is one: where alarms
// go, and the keys of logs and messages.
type watch struct {
	keys  monitoringKeys
	topic pulumi.StringInput
	ready []pulumi.Resource
}

// alarmsSuffix follows the API's name in that of the topic of alarms.
const alarmsSuffix = "alarms"

// newWatch makes the topic of alarms, unless it is given.
func (args *ProtectedApiArgs) newWatch(ctx *pulumi.Context, name string, tags map[string]string, child pulumi.ResourceOrInvokeOption,
) (watch, error) {
	keys, err := newMonitoringKeys(ctx, name, args.AccessLog, args.Alarms, tags, child)
	if err != nil {
		return watch{}, err
	}
	if args.Alarms.Topic != "" {
		return watch{keys: keys, topic: pulumi.String(args.Alarms.Topic)}, nil
	}
	topic, err := NewAlarmTopic(ctx, name+"-"+alarmsSuffix, &AlarmTopicArgs{
		KeyARN:         keys.topic,
		Subscriptions:  args.Alarms.Subscriptions,
		AllowLocalhost: args.AllowLocalhost,
		Tags:           tags,
	}, child)
	if err != nil {
		return watch{}, err
	}
	return watch{keys: keys, topic: topic.ARN, ready: topic.ready}, nil
}

// monitor is what watches over the API.
func (args *ProtectedApiArgs) monitor(gateway *Gateway, watch watch, secrets *storedSecrets, tags map[string]string) *MonitorArgs {
	monitor := &MonitorArgs{
		APIID:           gateway.APIID,
		LogGroupName:    gateway.LogGroupName,
		MetricNamespace: gateway.MetricNamespace,
		Topic:           watch.topic,
		Ready:           watch.ready,
		Thresholds:      args.Alarms.Thresholds,
		Tags:            tags,
	}
	if slices.ContainsFunc(args.Routes, access.Route.HasRoles) {
		monitor.AuthorizerFunction, monitor.AuthorizerLogGroup = gateway.AuthorizerFunctionName, gateway.AuthorizerLogGroupName
	}
	if rotator := secrets.rotatorOf(); rotator != nil {
		monitor.RotatorFunction, monitor.RotatorAlarm = rotator.FunctionName, rotator.AlarmARN
	}
	return monitor
}
