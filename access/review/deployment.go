package review

import "github.com/entragate/entragate/access"

// Deployment is what a stack declares: all that decides who can call, and what
// tells of it.
type Deployment struct {
	// Model says who may call what.
	Model access.Model `json:"model"`
	// Issuer is what accepted tokens name as iss.
	Issuer string `json:"issuer"`
	// Audience is the API's client id, which accepted tokens name as aud; ""
	// while it is not known.
	Audience string `json:"audience,omitempty"`
	// Throttle limits each route that has no throttle of its own.
	Throttle access.Throttle `json:"throttle"`
	// CORS lets browsers of other origins call.
	CORS CORS `json:"cors,omitzero"`
	// Endpoint reports whether the execute-api endpoint answers.
	Endpoint bool `json:"endpoint"`
	// Grants says who consents and assigns: [GrantsManaged] or [GrantsExternal].
	Grants string `json:"grants"`
	// Log is how the access log is kept.
	Log Log `json:"log"`
	// Alarms say who is told of what.
	Alarms Alarms `json:"alarms"`
	// Credentials is how clients prove themselves.
	Credentials Credentials `json:"credentials,omitzero"`
	// Protect reports whether deletions of what others depend on are refused.
	Protect bool `json:"protect"`
}

// The values of [Deployment.Grants].
const (
	GrantsManaged  = "managed"  // the program grants and assigns
	GrantsExternal = "external" // an administrator does, outside the program
)

// CORS lets browsers of other origins call.
type CORS struct {
	AllowOrigins     []string `json:"allowOrigins,omitempty"`
	AllowMethods     []string `json:"allowMethods,omitempty"`
	AllowHeaders     []string `json:"allowHeaders,omitempty"`
	ExposeHeaders    []string `json:"exposeHeaders,omitempty"`
	AllowCredentials bool     `json:"allowCredentials,omitempty"`
	MaxAgeSeconds    int      `json:"maxAgeSeconds,omitempty"`
}

// Log is how the access log is kept.
type Log struct {
	// RetentionDays is how long; 0 is for ever.
	RetentionDays int `json:"retentionDays"`
	// Encrypted reports whether a customer-managed key encrypts it.
	Encrypted bool `json:"encrypted"`
}

// Alarms say who is told of what.
type Alarms struct {
	// Told is the number of subscriptions, or 1 for a topic that was given.
	Told int `json:"told"`
	// Thresholds are keyed by what they are thresholds of.
	Thresholds map[string]float64 `json:"thresholds,omitempty"`
}

// Credentials is how confidential clients prove themselves.
type Credentials struct {
	// OutboundIssuer is that of the account's outbound identity federation.
	OutboundIssuer string `json:"outboundIssuer,omitempty"`
	// RotationDays is how often secrets are rotated.
	RotationDays int `json:"rotationDays,omitempty"`
	// LifetimeDays is how long a secret is valid.
	LifetimeDays int `json:"lifetimeDays,omitempty"`
}

// Change is what Pulumi would do to one resource.
type Change struct {
	// Op is [OpCreate], [OpUpdate], [OpDelete] or [OpReplace].
	Op string `json:"op"`
	// Type is the resource's type token, such as "aws:apigatewayv2/api:Api".
	Type string `json:"type"`
	// Name is the resource's name in the program.
	Name string `json:"name"`
	// URN names the resource in the stack.
	URN string `json:"urn"`
	// Keys are the inputs that differ.
	Keys []string `json:"keys,omitempty"`
}

// The values of [Change.Op].
const (
	OpCreate  = "create"
	OpUpdate  = "update"
	OpDelete  = "delete"
	OpReplace = "replace"
)
