package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParsePreview(t *testing.T) {
	t.Parallel()
	got, err := ParsePreview([]byte(`{
		"steps": [
			{"op": "same", "urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "newState": {"type": "pulumi:pulumi:Stack"}},
			{"op": "update", "urn": "urn:pulumi:dev::p::entragate:index:Gateway::orders", "newState": {"type": "entragate:index:Gateway"}},
			{"op": "update", "urn": "urn:pulumi:dev::p::aws:apigatewayv2/route:Route::orders-GET /a", "diffReasons": ["authorizationScopes"],
			 "oldState": {"type": "aws:apigatewayv2/route:Route", "custom": true}, "newState": {"type": "aws:apigatewayv2/route:Route", "custom": true}},
			{"op": "replace", "urn": "urn:pulumi:dev::p::aws:apigatewayv2/api:Api::orders", "diffReasons": ["protocolType", "tags"], "replaceReasons": ["protocolType"],
			 "newState": {"type": "aws:apigatewayv2/api:Api", "custom": true}},
			{"op": "delete", "urn": "urn:pulumi:dev::p::aws:cloudwatch/metricAlarm:MetricAlarm::orders-failed",
			 "oldState": {"type": "aws:cloudwatch/metricAlarm:MetricAlarm", "custom": true}}
		],
		"changeSummary": {"same": 3, "update": 2, "replace": 1, "delete": 1}
	}`))
	require.NoError(t, err)
	require.Equal(t, []Change{
		{Op: "update", Type: "aws:apigatewayv2/route:Route", Name: "orders-GET /a", URN: "urn:pulumi:dev::p::aws:apigatewayv2/route:Route::orders-GET /a", Keys: []string{"authorizationScopes"}},
		{Op: "replace", Type: "aws:apigatewayv2/api:Api", Name: "orders", URN: "urn:pulumi:dev::p::aws:apigatewayv2/api:Api::orders", Keys: []string{"protocolType"}},
		{Op: "delete", Type: "aws:cloudwatch/metricAlarm:MetricAlarm", Name: "orders-failed", URN: "urn:pulumi:dev::p::aws:cloudwatch/metricAlarm:MetricAlarm::orders-failed"},
	}, got.Resources)
	require.Equal(t, 3, got.Same)
	require.Equal(t, 1, got.Replace)

	_, err = ParsePreview([]byte("error: no stack"))
	require.ErrorContains(t, err, "reading the preview")
}
