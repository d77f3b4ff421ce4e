package doctor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/access"
)

// throttles looks at the limits of the stage and of its routes. A limit of zero
// refuses everything, and one that is left out easily becomes zero.
// https://github.com/pulumi/pulumi-aws/issues/2363
func (x *examination) throttles(ctx context.Context) {
	stage, ok := x.stage(ctx)
	if !ok {
		return
	}
	x.throttle("stage "+defaultStage, stage.DefaultRouteSettings, nil)
	declared := map[string]*access.Throttle{}
	for _, r := range x.Model.Routes {
		declared[r.Key] = r.Throttle
		if _, overridden := stage.RouteSettings[r.Key]; r.Throttle != nil && !overridden {
			x.warn("route "+r.Key, fmt.Sprintf("it has no throttle of its own, want %g requests a second and %d at once",
				r.Throttle.Rate, r.Throttle.Burst), deploy)
		}
	}
	for _, key := range sortedKeys(stage.RouteSettings) {
		settings := stage.RouteSettings[key]
		x.throttle("route "+key, &settings, declared[key])
	}
}

// throttle judges one throttle; want is what the model says, if it does.
func (x *examination) throttle(subject string, settings *types.RouteSettings, want *access.Throttle) {
	if settings == nil {
		settings = &types.RouteSettings{}
	}
	rate, burst := aws.ToFloat64(settings.ThrottlingRateLimit), int(aws.ToInt32(settings.ThrottlingBurstLimit))
	evidence := fmt.Sprintf("%g requests a second, %d at once", rate, burst)
	switch {
	case rate <= 0 || burst <= 0:
		x.fail(subject, "its throttle is "+evidence+": every request is answered with 429", "set both limits above zero: "+deploy)
	case want != nil && (rate != want.Rate || burst != want.Burst):
		x.warn(subject, fmt.Sprintf("its throttle is %s, want %g and %d", evidence, want.Rate, want.Burst), deploy)
	default:
		x.ok(subject, "its throttle is "+evidence)
	}
	if aws.ToBool(settings.DetailedMetricsEnabled) {
		x.ok(subject, "detailed metrics are on")
	} else {
		x.warn(subject, "detailed metrics are off: nobody sees which route is slow or refuses", deploy)
	}
}
