package routing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/routing"
)

var routes = []access.Route{
	{Key: "GET /orders/{id}"}, {Key: "GET /orders/export"}, {Key: "POST /orders"}, {Key: "ANY /files/{proxy+}"}, {Key: "$default"},
}

func TestFindSelectsAsTheGatewayDoes(t *testing.T) {
	t.Parallel()
	for request, want := range map[[2]string]string{
		{"GET", "/orders/17"}:     "GET /orders/{id}",
		{"GET", "/orders/export"}: "GET /orders/export",
		{"DELETE", "/files/a/b"}:  "ANY /files/{proxy+}",
		{"PUT", "/orders"}:        "$default",
	} {
		got, ok := routing.Find(routes, request[0], request[1])
		require.True(t, ok)
		require.Equal(t, want, got.Key, request)
	}
	_, ok := routing.Find(routes[:4], "PUT", "/orders")
	require.False(t, ok, "there is no 405")
	_, ok = routing.Find(routes[:4], "", "/orders/17")
	require.False(t, ok, "no method")
}

func TestNearestNamesOtherMethodsFirst(t *testing.T) {
	t.Parallel()
	require.Equal(t, "GET /orders/{id}", routing.Nearest(routes, "DELETE /orders/17")[0])
	require.Equal(t, "POST /orders", routing.Nearest(routes, "PSOT /order")[0])
	require.Len(t, routing.Nearest(routes, "x"), 3)
	require.Empty(t, routing.Nearest(nil, "GET /"))
}
