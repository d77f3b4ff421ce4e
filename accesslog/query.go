package accesslog

import "fmt"

// Query is a query of CloudWatch Logs Insights over access logs.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
type Query struct {
	// Name is the last part of what the saved query is called.
	Name string
	Text string
}

// The names of the queries.
const (
	QueryDeniedByReason = "denied-by-reason"
	QueryDeniedByCaller = "denied-by-caller"
	QueryDeniedByRoute  = "denied-by-route"
	QueryCallers        = "who-called-what"
	QuerySlowest        = "slowest-routes"
	QueryOneCaller      = "one-caller"
	QueryFailures       = "failures"
)

const queryRefused = `filter status like /^4/ and integrationStatus = "-"`

// Queries are those that are saved with an API.
//
// A refused call does not say who made it, since its token was not believed, so
// that refusals by caller are by address.
func Queries() []Query {
	return []Query{
		{QueryDeniedByReason, `# Refused calls by what the gateway says of them
fields @timestamp, status, authorizerError, errorType, routeKey
| ` + queryRefused + `
| stats count(*) as refused, count_distinct(ip) as addresses, latest(@timestamp) as last by status, authorizerError, errorType
| sort refused desc`},
		{QueryDeniedByCaller, `# Refused calls by address: a token that is refused names nobody
fields ip, status, authorizerError
| ` + queryRefused + `
| stats count(*) as refused, latest(@timestamp) as last by ip, status, authorizerError
| sort refused desc
| limit 50`},
		{QueryDeniedByRoute, `# Refused calls by route; "-" is no route
fields method, routeKey, status, authorizerError
| ` + queryRefused + `
| stats count(*) as refused by routeKey, status, authorizerError
| sort refused desc
| limit 100`},
		{QueryCallers, `# Who called what: clients, and their users, by route
fields clientId, roleClientId, appId, userId, roleUserId, routeKey
| filter integrationStatus != "-"
| stats count(*) as calls by clientId, roleClientId, appId, userId, roleUserId, routeKey
| sort calls desc
| limit 200`},
		{QuerySlowest, `# Milliseconds by route, the slowest first
filter integrationLatency != "-"
| stats count(*) as calls, pct(responseLatency, 50) as p50, pct(responseLatency, 95) as p95, pct(responseLatency, 99) as p99,
  max(integrationLatency) as backend by routeKey
| sort p95 desc`},
		{QueryOneCaller, ofCaller("<client id, user id or address>")},
		{QueryFailures, `# Answers of 500 and above
fields @timestamp, requestId, routeKey, status, authorizerError, integrationError, integrationStatus
| filter status like /^5/
| sort @timestamp desc
| limit 200`},
	}
}

// ofCaller is what one caller did.
func ofCaller(id string) string {
	return fmt.Sprintf(`# What one caller did: put in whom, and choose the last day
fields @timestamp, requestId, method, path, status, authorizerError
| filter clientId = %[1]q or roleClientId = %[1]q or appId = %[1]q or userId = %[1]q or roleUserId = %[1]q or ip = %[1]q
| sort @timestamp desc
| limit 1000`, id)
}
