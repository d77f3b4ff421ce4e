package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

const (
	authorizerARN = "arn:aws:lambda:eu-central-1:123456789012:function:authorize"
	backendARN    = "arn:aws:lambda:eu-central-1:123456789012:function:orders:live"
	executeARN    = "arn:aws:execute-api:eu-central-1:123456789012:" + apiID
)

// functions is a Lambda: it answers as told and keeps what came.
type functions struct {
	mu     sync.Mutex
	calls  []invocation
	answer func(ctx context.Context, arn string) (string, error)
}

type invocation struct {
	arn, source string
	payload     []byte
}

func (f *functions) Invoke(ctx context.Context, arn, source string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	f.calls = append(f.calls, invocation{arn, source, payload})
	f.mu.Unlock()
	answer, err := f.answer(ctx, arn)
	return []byte(answer), err
}

func (f *functions) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// last is the last call, its payload decoded.
func (f *functions) last(t *testing.T, into any) invocation {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	require.NotEmpty(t, f.calls, "no function was invoked")
	call := f.calls[len(f.calls)-1]
	require.NoError(t, json.Unmarshal(call.payload, into))
	return call
}

// answering answers every call alike.
func answering(answer string, err error) *functions {
	return &functions{answer: func(context.Context, string) (string, error) { return answer, err }}
}

// waiting never answers.
func waiting() *functions {
	return &functions{answer: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", fmt.Errorf("invoke: %w", ctx.Err())
	}}
}

// failingLate fails of itself, but not before its time is over.
func failingLate() *functions {
	return &functions{answer: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", &edge.FunctionError{Kind: "Unhandled"}
	}}
}

func running(f edge.Functions) func(*edge.Options) { return func(o *edge.Options) { o.Functions = f } }

func invocationURI(arn string) string {
	return "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"
}

// guarded returns the API with every route that had the JWT authorizer under
// one Lambda authorizer, after change.
func guarded(api edge.Served, change ...func(*apigateway.Authorizer)) edge.Served {
	a := &apigateway.Authorizer{
		AuthorizerID: "auth02", AuthorizerType: "REQUEST", Name: "roles", IdentitySource: []string{"$request.header.Authorization"},
		AuthorizerURI: invocationURI(authorizerARN), AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true,
		AuthorizerResultTTLInSeconds: new(60),
	}
	for _, c := range change {
		c(a)
	}
	for i := range api.Stages {
		deployment := &api.Stages[i].Deployment
		deployment.Authorizers["auth02"] = a
		for _, r := range deployment.Routes {
			if r.AuthorizationType == "JWT" {
				r.AuthorizationType, r.AuthorizerID, r.AuthorizationScopes = "CUSTOM", "auth02", nil
			}
		}
	}
	return api
}

func identifiedBy(sources ...string) func(*apigateway.Authorizer) {
	return func(a *apigateway.Authorizer) { a.IdentitySource = sources }
}

func ttl(seconds int) func(*apigateway.Authorizer) {
	return func(a *apigateway.Authorizer) { a.AuthorizerResultTTLInSeconds = &seconds }
}

func withPolicies(a *apigateway.Authorizer) { a.EnableSimpleResponses = false }

// served returns the API with every integration a Lambda proxy, after change.
func served(api edge.Served, change ...func(*apigateway.Integration)) edge.Served {
	for _, i := range api.Stages[0].Deployment.Integrations {
		i.IntegrationType, i.IntegrationMethod, i.PayloadFormatVersion = "AWS_PROXY", "POST", "2.0"
		i.IntegrationURI = invocationURI(backendARN)
		for _, c := range change {
			c(i)
		}
	}
	return api
}
