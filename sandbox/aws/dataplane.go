package aws

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/entragate/entragate/sandbox/aws/lambda"
	"github.com/entragate/entragate/sandbox/edge"
)

// Served implements [edge.Source].
func (c *Cloud) Served(apiID string) (edge.Served, uint64, bool) {
	api, stages, generation, ok := c.gateway.Deployed(apiID)
	served := edge.Served{API: api}
	for stage, deployment := range stages {
		if deployment != nil {
			served.Stages = append(served.Stages, edge.ServedStage{Stage: *stage, Deployment: *deployment})
		}
	}
	return served, generation, ok
}

// Generation implements [edge.Source].
func (c *Cloud) Generation() uint64 { return c.gateway.Generation() }

// Deliver implements [edge.LogSink].
func (c *Cloud) Deliver(logGroupARN, stream string, at time.Time, line string) error {
	return c.logs.Deliver(logGroupARN, stream, at, line)
}

// apiGateway is who calls functions for APIs.
const apiGateway = "apigateway.amazonaws.com"

// Invoke implements [edge.Functions].
func (c *Cloud) Invoke(ctx context.Context, arn, source string, payload []byte) ([]byte, error) {
	result, err := c.lambda.InvokeAs(ctx, apiGateway, source, arn, payload)
	switch {
	case errors.Is(err, lambda.ErrNotPermitted):
		return nil, fmt.Errorf("%w: %s for %s", edge.ErrNotPermitted, arn, source)
	case err != nil:
		return nil, fmt.Errorf("invoking %s: %w", arn, err)
	case result.Failure != "":
		return nil, &edge.FunctionError{Kind: result.Failure, Payload: result.Payload}
	}
	return result.Payload, nil
}

// Measure takes what the data plane counts of a request, for the API, for its
// stage and, where there are detailed metrics, for its route, see
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html.
// A request without an error is a 0 among the errors, which makes their average
// the rate: so it is documented of REST APIs.
func (c *Cloud) Measure(m edge.Measurement) {
	one := func(of bool) float64 {
		if of {
			return 1
		}
		return 0
	}
	values := map[string]float64{
		"Count": 1, "4xx": one(m.Status >= 400 && m.Status < 500), "5xx": one(m.Status >= 500),
		"Latency": float64(m.Took.Milliseconds()), "DataProcessed": float64(m.Bytes),
	}
	if m.Integrated {
		values["IntegrationLatency"] = float64(m.IntegrationTook.Milliseconds())
	}
	sets := []map[string]string{{"ApiId": m.APIID}, {"ApiId": m.APIID, "Stage": m.Stage}}
	if m.Resource != "" {
		sets = append(sets, map[string]string{"ApiId": m.APIID, "Method": m.Method, "Resource": m.Resource, "Stage": m.Stage})
	}
	now := c.now()
	for _, dimensions := range sets {
		for metric, value := range values {
			c.metrics.Record("AWS/ApiGateway", metric, dimensions, value, now)
		}
	}
}
