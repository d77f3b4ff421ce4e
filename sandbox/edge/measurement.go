package edge

import (
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// Measurement is what CloudWatch counts of a request that reached a stage.
type Measurement struct {
	APIID, Stage string
	// Method and Resource are those of the route, if it has detailed metrics:
	// else they are empty.
	Method, Resource string
	Status           int
	Took             time.Duration
	// Integrated reports whether an integration was called.
	Integrated      bool
	IntegrationTook time.Duration
	Bytes           int64 // of the bodies in both directions (a guess)
}

// measure tells what is counted of a request.
func (x *exchange) measure() {
	if x.edge.options.Measure == nil || x.stage == nil {
		return
	}
	m := Measurement{
		APIID: x.api.id, Stage: x.stage.name, Status: x.status, Took: x.edge.options.Now().Sub(x.started),
		Integrated: x.integration.called, IntegrationTook: x.integration.latency, Bytes: x.requestLength + x.responseLength,
	}
	if x.route != nil && x.route.detailed {
		m.Method, m.Resource = measuredAs(x.route.key)
	}
	x.edge.options.Measure(m)
}

// measuredAs is how metrics name a route: by the parts of its key (a guess, for
// the documentation speaks of a "resource path, and route ID"), $default by its
// only one.
func measuredAs(routeKey string) (method, resource string) {
	method, resource, found := strings.Cut(routeKey, " ")
	if !found { // $default
		resource = method
	}
	return method, resource
}

// settingsOf are those of a route. Its own replace the stage's as a whole.
func settingsOf(stage *apigateway.Stage, routeKey string) *apigateway.RouteSettings {
	if own := stage.RouteSettings[routeKey]; own != nil {
		return own
	}
	return stage.DefaultRouteSettings
}
