package apigateway

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

func badRequest(format string, args ...any) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "BadRequestException", Message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &wire.Error{Status: http.StatusConflict, Code: "ConflictException", Message: fmt.Sprintf(format, args...)}
}

func notFound(resource, format string, args ...any) error {
	return &wire.Error{
		Status: http.StatusNotFound, Code: "NotFoundException", Message: fmt.Sprintf(format, args...),
		Detail: map[string]string{"resourceType": resource},
	}
}

// full refuses what would exceed a quota. The text is quoted in
// https://github.com/serverless/serverless-websockets-plugin/issues/22.
func full(what string) error {
	return &wire.Error{
		Status: http.StatusTooManyRequests, Code: "TooManyRequestsException",
		Message: fmt.Sprintf("Maximum number of %s for this API has been reached. Please contact AWS if you need additional %s.", what, what),
		Detail:  map[string]string{"limitType": "account"},
	}
}

// Quotas of https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html.
const (
	maxRoutes       = 300
	maxIntegrations = 300
	maxStages       = 10
	maxAuthorizers  = 10
	maxAudiences    = 50
	maxScopes       = 10
	maxVariables    = 100
)

// length refuses a string outside of the given lengths.
func length(name string, value *string, low, high int) error {
	if value != nil && (len(*value) < low || len(*value) > high) {
		return badRequest("Invalid %s: got a length of %d, want %d to %d", name, len(*value), low, high)
	}
	return nil
}

// unsupported refuses a member that HTTP APIs do not have. The wording follows
// the one captured case, see the check of route settings.
func unsupported(member string) error {
	return badRequest("%s is not supported on protocolType HTTP", member)
}

// result is the answer of operations that list.
type result struct {
	Items     any    `json:"items"`
	NextToken string `json:"nextToken,omitempty"`
}

// page answers one page. The default of 25 and the maximum of 500 are those of
// REST APIs (https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html);
// that HTTP APIs have the same is a guess.
func page[T any](c *call, items []T, key func(T) string) (any, error) {
	limit := 25
	if given := c.URL.Query().Get("maxResults"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > 500 {
			return nil, badRequest("Invalid maxResults: got %q, want 1 to 500", given)
		}
		limit = n
	}
	items, next, err := wire.Page(items, key, c.URL.Query().Get("nextToken"), limit)
	if err != nil {
		return nil, badRequest("Invalid nextToken specified")
	}
	return result{Items: items, NextToken: next}, nil
}
