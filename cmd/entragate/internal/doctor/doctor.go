// Package doctor examines a deployed stack from the outside: whether what the
// clouds have is what its configuration says, and what would go wrong at
// midnight. It changes nothing, and reads no secret.
package doctor

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
	"github.com/entragate/entragate/issuer"
)

// Outputs are those of the stack's outputs that tell what it deployed.
type Outputs struct {
	URL         string                          `json:"url"`
	APIID       string                          `json:"apiId"`
	TenantID    string                          `json:"tenantId"`
	Issuer      string                          `json:"issuer"`
	Audience    string                          `json:"audience"`
	Clients     map[string]string               `json:"clients"`
	LogGroup    string                          `json:"logGroup"`
	Credentials map[string]credentials.Declared `json:"credentials"`
}

// Doctor examines one stack.
type Doctor struct {
	Clouds *clouds.Clouds
	// HTTP reaches the tenant's sign-in and the API, usually that of the clouds.
	HTTP *http.Client
	// Project and Stack are those of the tags, by which alarms are found.
	Project, Stack string
	Outputs        Outputs
	// Model and Tenant are what the stack's configuration says.
	Model  access.Model
	Tenant issuer.Tenant
	// GrantsExternal says that an administrator makes the grants.
	GrantsExternal bool
	// OutboundIssuer is that of the account's outbound identity federation, ""
	// if no client proves itself by it.
	OutboundIssuer string
	// LogFormat is what the access log's lines should be made by.
	LogFormat string
	// SkipDelivery leaves out the one check that calls the API.
	SkipDelivery bool
	// Now is the clouds' clock.
	Now func() time.Time
	// Poll and Patience are how often and how long to look for a line in the access
	// log. AWS delivers after seconds, at times after minutes.
	Poll, Patience time.Duration
	// Wait waits until a time is over or the context ends, whose error it then
	// returns; nil waits by the real clock.
	Wait func(ctx context.Context, d time.Duration) error

	// elapsed is what answers are timed by: the machine's clock unless a test says
	// otherwise.
	elapsed func() time.Time
}

// checkTime bounds each check, the wait for the access log aside.
const checkTime = 90 * time.Second

// check is one of the checks.
type check struct {
	name string
	run  func(*examination, context.Context)
	// waits: it may take [Doctor.Patience] more.
	waits bool
}

// checks are all of them, in the order of a report. Each reads for itself, so
// that one that fails keeps none of the others from being made.
var checks = []check{
	{name: CheckDiscovery, run: (*examination).discovery},
	{name: CheckGateway, run: (*examination).gateway},
	{name: CheckApplications, run: (*examination).applications},
	{name: CheckGrants, run: (*examination).grants},
	{name: CheckSecrets, run: (*examination).secrets},
	{name: CheckThrottles, run: (*examination).throttles},
	{name: CheckAccessLog, run: (*examination).accessLog},
	{name: CheckDelivery, run: (*examination).delivery, waits: true},
	{name: CheckAlarms, run: (*examination).alarms},
}

// The names of the checks.
const (
	CheckDiscovery    = "discovery"
	CheckGateway      = "gateway"
	CheckApplications = "applications"
	CheckGrants       = "grants"
	CheckSecrets      = "secrets"
	CheckThrottles    = "throttles"
	CheckAccessLog    = "access-log"
	CheckDelivery     = "delivery"
	CheckAlarms       = "alarms"
)

// Examine makes all checks, at once. What cannot be checked is a finding too.
func (d Doctor) Examine(ctx context.Context) Report {
	if d.elapsed == nil {
		d.elapsed = time.Now
	}
	if d.Wait == nil {
		d.Wait = wait
	}
	examinations := make([]*examination, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		x := &examination{Doctor: d, check: c.name}
		examinations[i] = x
		all.Go(func() {
			limit := checkTime
			if c.waits {
				limit += d.Patience
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			c.run(x, ctx)
		})
	}
	all.Wait()
	report := Report{Findings: []Finding{}}
	for _, x := range examinations {
		report.Findings = append(report.Findings, x.findings...)
	}
	report.count()
	return report
}

// wait waits by the real clock.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
