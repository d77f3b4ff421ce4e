package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/entragate/entragate/issuer"
)

// API Gateway's limits are near at half of them.
const (
	slowAnswer  = issuer.MaxAnswerTime / 2
	largeKeySet = issuer.MaxKeySetBytes / 2
)

// discovery looks at the tenant's documents as API Gateway does.
func (x *examination) discovery(ctx context.Context) {
	subject := x.Tenant.DiscoveryURL()
	report, seen, err := x.fetch(ctx)
	if err != nil {
		x.fail(subject, err.Error(), "API Gateway answers 401 to every token until this is right: see what it says, and the tenant and cloud of the configuration")
		return
	}
	x.ok(subject, fmt.Sprintf("names issuer %s, byte for byte, and %s for RSA", report.Issuer, counted(len(report.KeyIDs), "key")))
	x.want("output issuer", "issuer that the stack was deployed for", x.Outputs.Issuer, report.Issuer,
		"correct the tenant of the configuration, or run `pulumi up`")
	x.want("output tenantId", "tenant that the stack was deployed for", strings.ToLower(x.Outputs.TenantID), strings.ToLower(x.Tenant.ID),
		"correct the tenant of the configuration, or run `pulumi up`")
	for _, address := range []string{subject, report.KeySetURL} {
		x.answerTime(address, seen[address].took)
	}
	size := seen[report.KeySetURL].bytes
	evidence := fmt.Sprintf("the key set is %d bytes; API Gateway reads %d", size, issuer.MaxKeySetBytes)
	if size > largeKeySet {
		x.warn(report.KeySetURL, evidence, "above that it reads none of the keys: see which applications of the tenant add keys")
	} else {
		x.ok(report.KeySetURL, evidence)
	}
}

// answerTime judges how long a document took from here.
func (x *examination) answerTime(address string, took time.Duration) {
	evidence := fmt.Sprintf("answered after %d ms from here; API Gateway waits %d ms",
		took.Milliseconds(), issuer.MaxAnswerTime.Milliseconds())
	fix := "if it is as slow from the API's region, API Gateway refuses calls (\"communication error\" in the access log): " +
		"see the network here, and https://status.azure.com"
	switch {
	case took > issuer.MaxAnswerTime:
		x.fail(address, evidence, fix)
	case took > slowAnswer:
		x.warn(address, evidence, fix)
	default:
		x.ok(address, evidence)
	}
}

// fetch checks the documents. If one is slow, which may be the first connection
// of this machine, they are fetched once more, and the better time counts.
func (x *examination) fetch(ctx context.Context) (issuer.Report, map[string]answer, error) {
	m := &meter{next: x.HTTP.Transport, now: x.elapsed, seen: map[string]answer{}}
	if m.next == nil {
		m.next = http.DefaultTransport
	}
	client := *x.HTTP
	client.Transport = m
	report, err := x.Tenant.Check(ctx, &client)
	if err == nil && (m.seen[x.Tenant.DiscoveryURL()].took > slowAnswer || m.seen[report.KeySetURL].took > slowAnswer) {
		report, err = x.Tenant.Check(ctx, &client)
	}
	return report, m.seen, err
}

// answer is how long an answer took, and how long it is.
type answer struct {
	took  time.Duration
	bytes int
}

// meter measures answers by their addresses, the quickest of each.
type meter struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	seen map[string]answer
}

// RoundTrip implements [http.RoundTripper].
func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	start := m.now()
	res, err := m.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = &metered{ReadCloser: res.Body, done: func(bytes int) {
		m.mu.Lock()
		defer m.mu.Unlock()
		a := answer{m.now().Sub(start), bytes}
		if before, ok := m.seen[req.URL.String()]; !ok || a.took < before.took {
			m.seen[req.URL.String()] = a
		}
	}}
	return res, nil
}

// metered is a body that tells its length once it is closed.
type metered struct {
	io.ReadCloser
	bytes int
	done  func(bytes int)
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.bytes += n
	return n, err
}

func (m *metered) Close() error {
	m.done(m.bytes)
	return m.ReadCloser.Close()
}
