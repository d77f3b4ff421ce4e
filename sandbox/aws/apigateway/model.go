// Package apigateway simulates the control plane of Amazon API Gateway v2 for
// HTTP APIs. JSON names are those of the wire (restJson1), so that a value can
// be stored and answered as it is.
//
// Not implemented, and refused as such: WebSocket APIs, OpenAPI import and
// export, quick create, custom domain names and API mappings, VPC links and
// private integrations, AWS service integrations, portals, routing rules and
// mutual TLS. Error texts are AWS's where a public report quotes them; the
// others say what is wanted.
package apigateway

import (
	"context"
	"time"

	"github.com/entragate/entragate/sandbox/store"
)

// State is the control plane of one account and region.
type State struct {
	APIs map[string]*API `json:"apis"` // keyed by API id
}

// Store is the control plane, kept durable.
type Store = store.Store[State]

// API is one HTTP API with everything below it.
type API struct {
	APIID                     string            `json:"apiId"`
	Name                      string            `json:"name"`
	Description               string            `json:"description,omitempty"`
	ProtocolType              string            `json:"protocolType"`
	APIEndpoint               string            `json:"apiEndpoint"`
	RouteSelectionExpression  string            `json:"routeSelectionExpression"`
	APIKeySelectionExpression string            `json:"apiKeySelectionExpression"`
	CORSConfiguration         *CORS             `json:"corsConfiguration,omitempty"`
	DisableExecuteAPIEndpoint bool              `json:"disableExecuteApiEndpoint"`
	IPAddressType             string            `json:"ipAddressType,omitempty"`
	Version                   string            `json:"version,omitempty"`
	CreatedDate               time.Time         `json:"createdDate"`
	Tags                      map[string]string `json:"tags"`

	Authorizers  map[string]*Authorizer  `json:"authorizers,omitempty"`
	Integrations map[string]*Integration `json:"integrations,omitempty"`
	Routes       map[string]*Route       `json:"routes,omitempty"`
	Stages       map[string]*Stage       `json:"stages,omitempty"` // keyed by stage name
	Deployments  map[string]*Deployment  `json:"deployments,omitempty"`
}

// CORS is the CORS configuration of an API.
type CORS struct {
	AllowCredentials bool     `json:"allowCredentials"`
	AllowHeaders     []string `json:"allowHeaders,omitempty"`
	AllowMethods     []string `json:"allowMethods,omitempty"`
	AllowOrigins     []string `json:"allowOrigins,omitempty"`
	ExposeHeaders    []string `json:"exposeHeaders,omitempty"`
	MaxAge           *int     `json:"maxAge,omitempty"` // seconds
}

// Authorizer is a JWT or Lambda (REQUEST) authorizer.
type Authorizer struct {
	AuthorizerID                   string   `json:"authorizerId"`
	AuthorizerType                 string   `json:"authorizerType"` // JWT or REQUEST
	Name                           string   `json:"name"`
	IdentitySource                 []string `json:"identitySource"`
	JWTConfiguration               *JWT     `json:"jwtConfiguration,omitempty"`
	AuthorizerURI                  string   `json:"authorizerUri,omitempty"`
	AuthorizerCredentialsARN       string   `json:"authorizerCredentialsArn,omitempty"`
	AuthorizerPayloadFormatVersion string   `json:"authorizerPayloadFormatVersion,omitempty"`
	AuthorizerResultTTLInSeconds   *int     `json:"authorizerResultTtlInSeconds,omitempty"`
	EnableSimpleResponses          bool     `json:"enableSimpleResponses,omitempty"`
}

// JWT is what a JWT authorizer accepts.
type JWT struct {
	Audience []string `json:"audience"`
	Issuer   string   `json:"issuer"`
}

// Integration is a backend.
type Integration struct {
	IntegrationID        string                       `json:"integrationId"`
	IntegrationType      string                       `json:"integrationType"` // HTTP_PROXY or AWS_PROXY
	IntegrationSubtype   string                       `json:"integrationSubtype,omitempty"`
	IntegrationMethod    string                       `json:"integrationMethod,omitempty"`
	IntegrationURI       string                       `json:"integrationUri,omitempty"`
	ConnectionType       string                       `json:"connectionType"`
	ConnectionID         string                       `json:"connectionId,omitempty"`
	CredentialsARN       string                       `json:"credentialsArn,omitempty"`
	Description          string                       `json:"description,omitempty"`
	PayloadFormatVersion string                       `json:"payloadFormatVersion"`
	TimeoutInMillis      int                          `json:"timeoutInMillis"`
	RequestParameters    map[string]string            `json:"requestParameters,omitempty"`
	ResponseParameters   map[string]map[string]string `json:"responseParameters,omitempty"`
	TLSConfig            *TLSConfig                   `json:"tlsConfig,omitempty"`
}

// TLSConfig is the server name a private integration verifies.
type TLSConfig struct {
	ServerNameToVerify string `json:"serverNameToVerify"`
}

// Route joins a route key, its authorization and its integration.
type Route struct {
	RouteID             string   `json:"routeId"`
	RouteKey            string   `json:"routeKey"`
	APIKeyRequired      bool     `json:"apiKeyRequired"`
	AuthorizationType   string   `json:"authorizationType"` // NONE, AWS_IAM, CUSTOM, JWT
	AuthorizerID        string   `json:"authorizerId,omitempty"`
	AuthorizationScopes []string `json:"authorizationScopes,omitempty"`
	OperationName       string   `json:"operationName,omitempty"`
	Target              string   `json:"target,omitempty"` // integrations/<id>
}

// Stage is where an API can be called.
type Stage struct {
	StageName                   string                    `json:"stageName"`
	AutoDeploy                  bool                      `json:"autoDeploy"`
	Description                 string                    `json:"description,omitempty"`
	DeploymentID                string                    `json:"deploymentId,omitempty"`
	LastDeploymentStatusMessage string                    `json:"lastDeploymentStatusMessage,omitempty"`
	AccessLogSettings           *AccessLogSettings        `json:"accessLogSettings,omitempty"`
	DefaultRouteSettings        *RouteSettings            `json:"defaultRouteSettings,omitempty"`
	RouteSettings               map[string]*RouteSettings `json:"routeSettings"` // keyed by route key
	StageVariables              map[string]string         `json:"stageVariables"`
	CreatedDate                 time.Time                 `json:"createdDate"`
	LastUpdatedDate             time.Time                 `json:"lastUpdatedDate"`
	Tags                        map[string]string         `json:"tags"`
}

// AccessLogSettings say where access log lines go and what they hold.
type AccessLogSettings struct {
	DestinationARN string `json:"destinationArn"`
	Format         string `json:"format"`
}

// RouteSettings limit and measure one route, or all. A nil limit means the
// account's; zero refuses every request.
type RouteSettings struct {
	DetailedMetricsEnabled bool     `json:"detailedMetricsEnabled"`
	ThrottlingBurstLimit   *int     `json:"throttlingBurstLimit,omitempty"`
	ThrottlingRateLimit    *float64 `json:"throttlingRateLimit,omitempty"`
}

// Deployment is a snapshot of an API that a stage serves.
type Deployment struct {
	DeploymentID     string    `json:"deploymentId"`
	AutoDeployed     bool      `json:"autoDeployed"`
	CreatedDate      time.Time `json:"createdDate"`
	DeploymentStatus string    `json:"deploymentStatus"` // DEPLOYED
	Description      string    `json:"description,omitempty"`

	// What is served. Deployments are immutable.
	CORSConfiguration *CORS                   `json:"snapshotCors,omitempty"`
	Authorizers       map[string]*Authorizer  `json:"snapshotAuthorizers,omitempty"`
	Integrations      map[string]*Integration `json:"snapshotIntegrations,omitempty"`
	Routes            map[string]*Route       `json:"snapshotRoutes,omitempty"`
}

// IssuerCheck fetches the discovery document and the key set of an issuer, as
// API Gateway does inside CreateAuthorizer.
type IssuerCheck func(ctx context.Context, issuer string) error
