package requests

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/sandbox/aws"
	gateway "github.com/entragate/entragate/sandbox/edge/accesslog"
)

const (
	region        = "eu-west-1"
	group         = "/aws/vendedlogs/apis/shop-dev-orders"
	functionGroup = "/aws/lambda/shop-dev-orders-authorizer"

	spa    = "33333333-3333-4333-8333-333333333333"
	alice  = "44444444-4444-4444-8444-444444444444"
	daemon = "55555555-5555-4555-8555-555555555555"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is an account with the two logs, and a reader of them.
type world struct {
	Reader
	cloud *aws.Cloud
	calls int // of FilterLogEvents

	mu   sync.Mutex
	time time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{time: start}
	var err error
	w.cloud, err = aws.New(aws.Options{
		Region: region, Now: w.now, ClientNow: time.Now,
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(apiID string) string { return "https://" + apiID + ".localhost" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.cloud.Close()) })
	server := httptest.NewServer(w.cloud)
	t.Cleanup(server.Close)
	client := cloudwatchlogs.NewFromConfig(awssdk.Config{
		Region: region, BaseEndpoint: &server.URL, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(aws.AccessKeyID, aws.SecretAccessKey, ""),
	})
	for _, name := range []string{group, functionGroup} {
		_, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
		require.NoError(t, err)
	}
	w.Reader = Reader{
		Logs: counting{client, w}, Group: group, FunctionGroup: functionGroup, Now: w.now, Poll: time.Second,
		Clients: map[string]string{"spa": spa, "export": daemon}, Model: model(),
	}
	return w
}

// counting counts what is asked.
type counting struct {
	cloudwatchlogs.FilterLogEventsAPIClient
	world *world
}

func (c counting) FilterLogEvents(
	ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, options ...func(*cloudwatchlogs.Options),
) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	c.world.mu.Lock()
	c.world.calls++
	c.world.mu.Unlock()
	return c.FilterLogEventsAPIClient.FilterLogEvents(ctx, in, options...)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func model() access.Model {
	return access.Model{
		Scopes: []access.Scope{{Value: "Orders.Read"}, {Value: "Orders.Write"}, {Value: "Orders.Old", State: access.StateRetired}},
		Roles:  []access.Role{{Value: "Orders.Export"}, {Value: "Orders.Import"}},
		Clients: []access.Client{
			{Name: "spa", Kind: access.ClientSPA, Scopes: []string{"Orders.Read"}},
			{Name: "admin", Kind: access.ClientWeb, Scopes: []string{"Orders.Read", "Orders.Write"}},
			{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}},
		},
		Backends: []access.Backend{{Name: "shop", URL: "https://shop.example"}},
		Routes: []access.Route{
			{Key: "GET /orders", Scopes: []string{"Orders.Read", "Orders.Write"}},
			{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read"}, Throttle: &access.Throttle{Rate: 5, Burst: 10}},
			{Key: "DELETE /orders/{id}", Scopes: []string{"Orders.Write", "Orders.Old"}},
			{Key: "GET /export", Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export", "Orders.Import"}},
			{Key: "GET /health", Public: "for the load balancer"},
		},
	}
}

// values are those of the variables of a line.
type values map[string]string

func (v values) with(name, value string) values {
	changed := maps.Clone(v)
	changed[name] = value
	return changed
}

var format = sync.OnceValue(func() *gateway.Format {
	f, err := gateway.ParseFormat(accesslog.Format)
	if err != nil {
		panic(err)
	}
	return f
})

// render is the line of a request at a time.
func render(at time.Time, v values) string {
	return format().Render(func(name string) string {
		if name == "requestTimeEpoch" {
			return strconv.FormatInt(at.UnixMilli(), 10)
		}
		return v[name]
	})
}

// log logs a request so long ago.
func (w *world) log(t testing.TB, ago time.Duration, v values) {
	t.Helper()
	at := w.now().Add(-ago)
	w.put(t, group, at, render(at, v))
}

func (w *world) put(t testing.TB, group string, at time.Time, message string) {
	t.Helper()
	stream := at.UTC().Format("2006-01-02-15")
	require.NoError(t, w.cloud.Deliver("arn:aws:logs:"+region+":000000000000:log-group:"+group, stream, at, message))
}

// logFunction writes what the role authorizer says of a request.
func (w *world) logFunction(t testing.TB, ago time.Duration, line map[string]string) {
	t.Helper()
	at := w.now().Add(-ago)
	line["time"] = at.Format(time.RFC3339Nano)
	raw, err := json.Marshal(line)
	require.NoError(t, err)
	w.put(t, functionGroup, at, string(raw))
}

// The lines of some requests.
func allowed(id string) values {
	return values{
		"requestId": id, "identity.sourceIp": "192.0.2.7", "httpMethod": "GET", "path": "/orders/17", "routeKey": "GET /orders/{id}", "status": "200",
		"integration.status": "200", "integrationLatency": "12", "responseLatency": "15", "responseLength": "2",
		"authorizer.claims.azp": spa, "authorizer.claims.oid": alice, "authorizer.claims.scp": "Orders.Read", "authorizer.claims.sub": "pairwise",
	}
}

func refused(id, status, text string) values {
	return values{
		"requestId": id, "identity.sourceIp": "192.0.2.9", "httpMethod": "GET", "path": "/orders/17", "routeKey": "GET /orders/{id}", "status": status,
		"authorizer.error": text, "error.responseType": "UNAUTHORIZED", "responseLatency": "3", "responseLength": "26",
	}
}

// byRole is a call of a route with roles.
func byRole(v values) values { return v.with("path", "/export").with("routeKey", "GET /export") }

// ids are those of requests, in order.
func ids(requests []Request) []string {
	all := []string{}
	for _, r := range requests {
		id := r.RequestID
		if r.Unreadable {
			id = "unreadable: " + r.Message
		}
		all = append(all, id)
	}
	return all
}

func text(t testing.TB, write func(*strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, write(&b))
	return b.String()
}

func numbered(from, to int) []string {
	all := []string{}
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf("r%d", i))
	}
	return all
}
