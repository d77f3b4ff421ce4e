// Package accesslog is the access log of the gateway: the line that it writes
// for every request, and what such a line says: who called, and why a call was
// refused. The components make filters, alarms and saved queries of it, and the
// command line reads it, so that all of them tell the same. It depends on nothing.
package accesslog

// Format is the line that the gateway writes for every request, denied ones
// included: valid JSON once the variables are replaced.
//
// Every value is quoted, since a variable that is not set is written as a dash.
// Values are put in as they are, so a caller could close a quote in what it
// controls: the path, and errors that repeat what was in a token. Those come
// first, so that they cannot overwrite what follows: parsers let the last
// member of a name win. The claims are there only after the token was found
// good: a 401 does not show who called, authorizerError says why. Those that
// begin with role are what the Lambda authorizer says of whom it lets through;
// why it refuses is in its own log, by the request id. No variable holds the
// token, a header or the query string.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
const Format = `{"path":"$context.path",` +
	`"authorizerError":"$context.authorizer.error",` +
	`"errorMessage":"$context.error.message",` +
	`"integrationError":"$context.integrationErrorMessage",` +
	`"requestId":"$context.requestId",` +
	`"time":"$context.requestTime",` +
	`"timeEpoch":"$context.requestTimeEpoch",` +
	`"ip":"$context.identity.sourceIp",` +
	`"method":"$context.httpMethod",` +
	`"routeKey":"$context.routeKey",` +
	`"status":"$context.status",` +
	`"errorType":"$context.error.responseType",` +
	`"clientId":"$context.authorizer.claims.azp",` +
	`"appId":"$context.authorizer.claims.appid",` + // azp of a v1 token
	`"userId":"$context.authorizer.claims.oid",` +
	`"subject":"$context.authorizer.claims.sub",` +
	`"tenantId":"$context.authorizer.claims.tid",` +
	`"scopes":"$context.authorizer.claims.scp",` +
	`"roles":"$context.authorizer.claims.roles",` +
	`"tokenType":"$context.authorizer.claims.idtyp",` +
	`"tokenId":"$context.authorizer.claims.uti",` +
	`"roleClientId":"$context.authorizer.azp",` +
	`"roleUserId":"$context.authorizer.oid",` +
	`"roleSubject":"$context.authorizer.sub",` +
	`"roleTenantId":"$context.authorizer.tid",` +
	`"roleScopes":"$context.authorizer.scp",` +
	`"roleRoles":"$context.authorizer.roles",` +
	`"roleTokenType":"$context.authorizer.idtyp",` +
	`"roleTokenId":"$context.authorizer.uti",` +
	`"integrationStatus":"$context.integration.status",` +
	`"integrationLatency":"$context.integrationLatency",` +
	`"responseLatency":"$context.responseLatency",` +
	`"responseLength":"$context.responseLength"}`

// MaxFormatBytes is how long a format may be.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const MaxFormatBytes = 3 * 1024

// unset is what the gateway writes for a variable without a value.
const unset = "-"
