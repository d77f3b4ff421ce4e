package graph_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/require"
)

// Azure's own HTTP pipeline reads the refusals and, by its default policy, does
// not repeat a request that is refused or not implemented.
func TestAzureCoreReadsTheErrors(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	sent := 0
	pipeline := runtime.NewPipeline("test", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{policyFunc(func(r *policy.Request) (*http.Response, error) {
			sent++
			r.Raw().Header.Set("Authorization", "Bearer admin")
			return r.Next()
		})},
	}, &policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: 3, RetryDelay: time.Millisecond}})
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/v1.0/applications/" + id1: {http.StatusNotFound, "Request_ResourceNotFound"},
		"/v1.0/applications?$top=0": {http.StatusBadRequest, "Request_UnsupportedQuery"},
		"/v1.0/policies":            {http.StatusNotImplemented, "NotImplemented"},
	} {
		sent = 0
		request, err := runtime.NewRequest(context.Background(), http.MethodGet, g.url+path)
		require.NoError(t, err)
		resp, err := pipeline.Do(request)
		require.NoError(t, err)
		var failure *azcore.ResponseError
		require.ErrorAs(t, runtime.NewResponseError(resp), &failure)
		require.Equal(t, want.status, failure.StatusCode)
		require.Equal(t, want.code, failure.ErrorCode)
		require.Equal(t, 1, sent, "the client must not retry this")
	}
}

type policyFunc func(*policy.Request) (*http.Response, error)

func (f policyFunc) Do(r *policy.Request) (*http.Response, error) { return f(r) }
