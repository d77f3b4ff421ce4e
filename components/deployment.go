package components

import (
	"encoding/json"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// Deployment is what the arguments declare of access, for a review to compare
// with what another deployment declared. The audience is not known before the
// API's application is there.
func (args *ProtectedApiArgs) Deployment() review.Deployment {
	t := args.Alarms.Thresholds.withDefaults()
	d := review.Deployment{
		Model:    withContent(args.Model()),
		Issuer:   args.Tenant.Issuer(),
		Throttle: orDefault(valueOf(args.Throttle), defaultThrottle),
		Endpoint: true, // no domain of its own takes its place
		Grants:   string(orDefault(args.Grants, GrantsManaged)),
		Log: review.Log{
			RetentionDays: args.AccessLog.retention(),
			Encrypted:     args.AccessLog.CreateKey || args.AccessLog.KMSKey != "",
		},
		Alarms: review.Alarms{Told: len(args.Alarms.Subscriptions), Thresholds: map[string]float64{
			"refusedPercent": t.RefusedPercent, "refusedRequests": float64(t.RefusedRequests), "anomalyWidth": t.AnomalyWidth,
			"wrongTokens": float64(t.WrongTokens), "throttled": float64(t.Throttled), "failedPercent": t.FailedPercent,
			"latencyMillis": float64(t.LatencyMillis),
		}},
		Protect: args.Protect,
	}
	if args.Alarms.Topic != "" {
		d.Alarms.Told = 1
	}
	if args.CORS != nil {
		d.CORS = args.CORS.Effective(args.Routes).reviewed()
	}
	d.Credentials.OutboundIssuer = args.Credentials.OutboundIssuer
	if len(secretClients(args.Clients, args.Credentials.OutboundIssuer)) > 0 {
		d.Credentials.RotationDays, d.Credentials.LifetimeDays = args.Credentials.rotationDays(), args.Credentials.lifetimeDays()
	}
	return d
}

// withContent is the model with the content of certificates in place of where
// they are on this machine, and without probes, which decide nothing and whose
// bodies need not be in the state.
func withContent(m access.Model) access.Model {
	m.Clients, _ = withCertificates(m.Clients) // what cannot be read is a problem of the arguments
	m.Routes = slices.Clone(m.Routes)
	for i := range m.Routes {
		m.Routes[i].Probe = nil
	}
	return m
}

func valueOf(t *access.Throttle) access.Throttle {
	if t == nil {
		return access.Throttle{}
	}
	return *t
}

// reviewed is what a review compares of CORS.
func (c *CORS) reviewed() review.CORS {
	return review.CORS{
		AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
		AllowCredentials: c.AllowCredentials, MaxAgeSeconds: *c.MaxAgeSeconds,
	}
}

// declared is a deployment as a stack exports it.
func declared(d review.Deployment) (pulumi.Output, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, err
	}
	return pulumi.ToOutput(plain), nil
}
