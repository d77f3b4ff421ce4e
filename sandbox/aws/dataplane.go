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

// Measure takes what the data plane counts of a request, for the API and for its
// stage, see
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html.
// Not measured: the latency of integrations and the data processed.
func (c *Cloud) Measure(apiID, stage string, status int, took time.Duration) {
	one := func(of bool) float64 {
		if of {
			return 1
		}
		return 0
	}
	now := c.now()
	for _, dimensions := range []map[string]string{{"ApiId": apiID}, {"ApiId": apiID, "Stage": stage}} {
		for metric, value := range map[string]float64{
			"Count": 1, "4xx": one(status >= 400 && status < 500), "5xx": one(status >= 500), "Latency": float64(took.Milliseconds()),
		} {
			c.metrics.Record("AWS/ApiGateway", metric, dimensions, value, now)
		}
	}
}
