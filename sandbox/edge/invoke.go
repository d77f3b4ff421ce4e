package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// DefaultAuthorizerTimeout is how long a Lambda authorizer may take. AWS does
// not adjust it; a function that itself may take less ends earlier.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const DefaultAuthorizerTimeout = 10 * time.Second

var errNoFunctions = errors.New("there is no Lambda to invoke the function")

// invoke calls a function for source and waits for its answer until limit is
// over; the error is then a timeoutError.
func (e *Edge) invoke(ctx context.Context, function, source string, event any, limit time.Duration) ([]byte, error) {
	if e.options.Functions == nil {
		return nil, errNoFunctions
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := e.options.Functions.Invoke(ctx, function, source, payload)
	var failed *FunctionError
	if err != nil && !errors.As(err, &failed) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, &timeoutError{limit}
	}
	return answer, err
}

// timeoutError says that API Gateway waited no longer. A function that meets
// its own timeout before is a [FunctionError].
type timeoutError struct{ limit time.Duration }

func (e *timeoutError) Error() string {
	return "the function did not answer within " + e.limit.String()
}

// functionARN returns the function that a URI invokes, which is its ARN or
// arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations.
func functionARN(uri string) (string, error) {
	arn := uri
	if _, after, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/"); ok {
		arn = strings.TrimSuffix(after, "/invocations")
	}
	if parts := strings.Split(arn, ":"); len(parts) < 7 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" {
		return "", fmt.Errorf("got URI %q, want the invocation ARN of a Lambda function", uri)
	}
	return arn, nil
}

// executionARN is an ARN below an API, as permissions and policies name it.
func (e *Edge) executionARN(apiID, below string) string {
	return "arn:aws:execute-api:" + e.options.Region + ":" + e.options.Account + ":" + apiID + "/" + below
}

// routeSource is what a function's policy must allow for it to serve a route:
// the route key with its variables as they are written, a star for ANY.
func routeSource(stage, key string) string {
	method, path, ok := strings.Cut(key, " ")
	switch {
	case !ok: // $default
		return stage + "/" + key
	case method == routekey.AnyMethod:
		method = "*"
	}
	return stage + "/" + method + path
}
