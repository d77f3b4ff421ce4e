package edge

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/edge/accesslog"
)

// context returns the value of a $context variable, empty when it is unset.
// Parameter mappings ask it too, before there is a response. Variables that
// are missing here are those of IAM authorization, mutual TLS and custom
// domains, none of which the sandbox has.
//
// Of a Lambda proxy integration, integration.status is what the function
// answered; integrationStatus is what Lambda did, by its own row in the table,
// although the row of integration.status calls the two equivalent.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
func (x *exchange) context(name string) string {
	if claim, ok := accesslog.Claim(name); ok {
		text, _ := x.claims.Text(claim)
		return text
	}
	switch name {
	case "accountId":
		return x.edge.options.Account
	case "apiId":
		return x.api.id
	case "authorizer.error":
		return x.authorizerError
	case "authorizer.principalId":
		if x.decision == nil {
			return ""
		}
		return x.decision.principal
	case "awsEndpointRequestId", "integration.requestId":
		return x.integration.requestID
	case "awsEndpointRequestId2":
		return x.integration.requestID2
	case "dataProcessed": // bodies in both directions (a guess)
		return strconv.FormatInt(x.requestLength+x.responseLength, 10)
	case "domainName":
		return hostname(x.r.Host)
	case "domainPrefix":
		prefix, _, _ := strings.Cut(x.r.Host, ".")
		return prefix
	case "error.message":
		return x.gatewayError.message
	case "error.messageString":
		if x.gatewayError.message == "" {
			return ""
		}
		return strconv.Quote(x.gatewayError.message)
	case "error.responseType":
		return x.gatewayError.kind
	case "httpMethod":
		return x.r.Method
	case "identity.sourceIp":
		return hostname(x.r.RemoteAddr)
	case "identity.userAgent":
		return x.r.UserAgent()
	case "integration.error", "integrationErrorMessage":
		return x.integration.fault
	case "integration.status":
		return positive(x.integration.status)
	case "integration.integrationStatus":
		return positive(x.integration.apiStatus)
	case "integrationStatus":
		return positive(cmp.Or(x.integration.apiStatus, x.integration.status))
	case "integration.latency", "integrationLatency":
		if !x.integration.called {
			return ""
		}
		return milliseconds(x.integration.latency)
	case "path": // with the stage: AWS gives /{stage}/root/child as example
		return x.r.URL.EscapedPath()
	case "protocol":
		return "HTTP/1.1"
	case "requestId", "extendedRequestId":
		return x.id
	case "requestTime":
		return x.started.UTC().Format("02/Jan/2006:15:04:05 -0700")
	case "requestTimeEpoch":
		return strconv.FormatInt(x.started.UnixMilli(), 10)
	case "responseLatency":
		return milliseconds(x.edge.options.Now().Sub(x.started))
	case "responseLength":
		return strconv.FormatInt(x.responseLength, 10)
	case "routeKey":
		if x.route == nil {
			return ""
		}
		return x.route.key
	case "stage":
		return x.stage.name
	case "status":
		return positive(x.status)
	}
	if property, ok := strings.CutPrefix(name, "authorizer."); ok {
		return x.decision.property(property)
	}
	return ""
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
