// Package edge simulates the data plane of HTTP APIs: it takes the requests
// that API Gateway would take, decides on them, calls the backend and writes
// the access log.
package edge

import (
	"time"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// Source is what the data plane serves: the deployed stages of one API.
type Source interface {
	// Served returns what the API serves now, and a generation that changes
	// with every change of any API, so that the edge can keep what it
	// compiled. ok is false when there is no such API.
	Served(apiID string) (served Served, generation uint64, ok bool)
	// Generation returns the current generation without copying anything.
	Generation() uint64
}

// Served is one API with the snapshot that each of its stages serves. It is
// read only and shared with nobody who changes it.
type Served struct {
	API    apigateway.API // without routes: those are in the deployments
	Stages []ServedStage
}

// ServedStage is a stage and the deployment it serves.
type ServedStage struct {
	Stage      apigateway.Stage
	Deployment apigateway.Deployment
}

// LogSink takes access log lines for a log group (ARN without ":*"). It must
// not block for long: the edge calls it after the answer has been sent.
type LogSink interface {
	Deliver(logGroupARN, stream string, at time.Time, line string) error
}
