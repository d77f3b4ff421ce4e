package tests

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"
)

const exportRoute = "GET /orders/export"

func TestDaemonsCallByRole(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	first := p.up()
	words := first.words()
	require.Equal(t, "allowed by role Orders.Export", words[exportRoute+" as export:app"])
	require.Contains(t, words[exportRoute+" as portal:user"], "refused 403")
	require.Contains(t, words[exportRoute+" as wrong-role"], "refused 403")
	require.Contains(t, words[exportRoute+" as user-with-roles"], "refused 403")
	require.Contains(t, words[exportRoute+" as unassigned-daemon"], "AADSTS501051")

	t.Run("a decision is kept for the route that it was made about", func(t *testing.T) {
		token := p.token("export:app")
		before := p.starts()
		for range 5 {
			require.Equal(t, http.StatusOK, p.get(first.URL, "/orders/export", token).status)
		}
		require.Equal(t, before+1, p.starts(), "one decision for five calls")
		require.Equal(t, http.StatusNotFound, p.get(first.URL, "/files/none", token).status, "the backend's own answer")
		require.Equal(t, before+2, p.starts(), "and another one for another route")
	})

	t.Run("the log says why, the answer does not", func(t *testing.T) {
		refused := p.get(first.URL, "/orders/export", p.token("portal:user"))
		require.Equal(t, answer{http.StatusForbidden, `{"message":"Forbidden"}`, ""}, refused)
		var reasons []string
		for _, line := range p.log("/aws/lambda/entragate-dev-orders-authorizer") {
			require.NotContains(t, line, "eyJ", "no token in the log")
			var said struct{ Reason, RouteKey string }
			if json.Unmarshal([]byte(line), &said) == nil && said.RouteKey == exportRoute {
				reasons = append(reasons, said.Reason)
			}
		}
		for _, reason := range []string{"missing-scope", "missing-role", "expired", "wrong-audience", "wrong-issuer"} {
			require.Contains(t, reasons, reason)
		}
	})

	t.Run("the access log says who", func(t *testing.T) {
		var callers []string
		for _, line := range p.accessLog() {
			if line["routeKey"] == exportRoute && line["status"] == "200" {
				callers = append(callers, line["roleRoles"]+" "+line["roleTokenType"])
				require.Equal(t, p.environment()["ARM_TENANT_ID"], line["roleTenantId"])
				require.NotEqual(t, "-", line["roleClientId"])
				require.Equal(t, "-", line["clientId"], "which is of the native authorizer")
			}
		}
		require.Contains(t, callers, "Orders.Export app")
	})

	t.Run("another policy holds at once, whatever was decided before", func(t *testing.T) {
		routes := p.list("routes")
		token := p.token("export:app")
		require.Equal(t, http.StatusOK, p.get(first.URL, "/orders/export", token).status)
		p.set("roles", append(p.list("roles"), map[string]any{"value": "Orders.Audit", "title": "Audit orders"}))
		p.set("routes", with(t, routes, "route", exportRoute, func(r map[string]any) { r["roles"] = []string{"Orders.Audit"} }))
		changed := p.up() // which calls every cell
		require.Contains(t, changed.words()[exportRoute+" as export:app"], "refused 403")
		require.Contains(t, changed.Changes.touched(), "update Function orders-authorizer")
		require.Contains(t, changed.Changes.touched(), "update Stage orders")
		require.Equal(t, http.StatusForbidden, p.get(first.URL, "/orders/export", token).status)
		p.set("routes", routes)
		require.Equal(t, words[exportRoute+" as export:app"], p.up().words()[exportRoute+" as export:app"])
	})

	t.Run("a route may lose its roles and get them back", func(t *testing.T) {
		routes := p.list("routes")
		p.set("routes", with(t, routes, "route", "GET /files/{proxy+}", func(r map[string]any) { delete(r, "roles") }))
		native := p.up()
		require.Contains(t, native.words()["GET /files/{proxy+} as export:app"], "app-only token has no scope")
		p.set("routes", routes)
		p.up()
	})

	t.Run("decisions need not be kept", func(t *testing.T) {
		p.set("authorizer", map[string]any{"cacheSeconds": 0})
		p.up()
		gateway := apigatewayv2.NewFromConfig(p.aws())
		authorizers, err := gateway.GetAuthorizers(t.Context(), &apigatewayv2.GetAuthorizersInput{ApiId: p.api(gateway)})
		require.NoError(t, err)
		found := false
		for _, a := range authorizers.Items {
			if a.AuthorizerType == "REQUEST" {
				found = true
				require.Equal(t, int32(0), aws.ToInt32(a.AuthorizerResultTtlInSeconds))
			}
		}
		require.True(t, found)
		token := p.token("export:app")
		before := p.starts()
		for range 3 {
			require.Equal(t, http.StatusOK, p.get(first.URL, "/orders/export", token).status)
		}
		require.Equal(t, before+3, p.starts())
		require.True(t, p.up().Changes.none(), "zero is kept as zero")
	})

	t.Run("where nobody must be assigned, a daemon without a role gets a token that opens nothing", func(t *testing.T) {
		p.set("assignment", map[string]any{"required": false})
		open := p.up()
		require.Contains(t, open.words()[exportRoute+" as unassigned-daemon"], "has no role")
	})

	t.Run("an authorizer that may not be called fails closed, and is found", func(t *testing.T) {
		functions := lambda.NewFromConfig(p.aws())
		listed, err := functions.ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
		require.NoError(t, err)
		for _, f := range listed.Functions {
			if !strings.Contains(aws.ToString(f.FunctionName), "authorizer") {
				continue
			}
			policy, err := functions.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: f.FunctionName})
			require.NoError(t, err)
			var document struct{ Statement []struct{ Sid string } }
			require.NoError(t, json.Unmarshal([]byte(*policy.Policy), &document))
			require.Len(t, document.Statement, 1, "API Gateway alone may call it")
			_, err = functions.RemovePermission(t.Context(), &lambda.RemovePermissionInput{
				FunctionName: f.FunctionName, StatementId: &document.Statement[0].Sid,
			})
			require.NoError(t, err)
		}
		require.Equal(t, http.StatusInternalServerError, p.get(first.URL, "/orders/export", p.token("export:app")).status)
		o := p.try("verify")
		require.Equal(t, exitDiffer, o.code, o.stderr)
		var errors []string
		for _, line := range p.accessLog() {
			if line["routeKey"] == exportRoute && line["status"] == "500" {
				errors = append(errors, line["authorizerError"])
			}
		}
		require.Contains(t, strings.Join(errors, "\n"), "permission")
	})
}

func TestFunctionsOfAStackGoWithIt(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.up()
	ctx := t.Context()
	functions, roles := lambda.NewFromConfig(p.aws()), iam.NewFromConfig(p.aws())
	logs := cloudwatchlogs.NewFromConfig(p.aws())
	count := func() (n int) {
		f, err := functions.ListFunctions(ctx, &lambda.ListFunctionsInput{})
		require.NoError(t, err)
		r, err := roles.ListRoles(ctx, &iam.ListRolesInput{})
		require.NoError(t, err)
		g, err := logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
		require.NoError(t, err)
		return len(f.Functions) + len(r.Roles) + len(g.LogGroups)
	}
	require.Equal(t, 3+3+4, count(), "three functions with their roles and log groups, and the access log")

	// Without functions, roles and secrets nothing of them is left either.
	p.set("functions", []any{})
	p.set("backends", []any{map[string]any{"name": "orders", "url": "https://orders.example.com"}})
	routes := with(t, p.list("routes"), "route", exportRoute, nil)
	p.set("routes", with(t, routes, "route", "GET /files/{proxy+}", func(r map[string]any) { delete(r, "roles") }))
	p.set("clients", with(t, with(t, p.list("clients"), "name", "export", nil), "name", "backoffice", nil))
	without := p.up()
	require.Zero(t, without.Changes.Create, without.Changes.touched())
	require.Equal(t, 1, count(), "the access log")
	require.True(t, p.up().Changes.none())
}

type answer struct {
	status          int
	body, challenge string
}

// get calls the API.
func (p *project) get(url, path, token string) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, url+path, nil)
	require.NoError(p.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := p.http().Do(req)
	require.NoError(p.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	return answer{res.StatusCode, strings.TrimSpace(string(body)), res.Header.Get("Www-Authenticate")}
}

// token gets a token as a caller of the matrix.
func (p *project) token(caller string) string {
	p.t.Helper()
	var got struct{ Token string }
	p.run(&got, "token", caller)
	require.NotEmpty(p.t, got.Token)
	return got.Token
}

// log is what a log group holds.
func (p *project) log(group string) (lines []string) {
	p.t.Helper()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(p.aws()), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(p.t.Context())
		require.NoError(p.t, err)
		for _, e := range page.Events {
			lines = append(lines, aws.ToString(e.Message))
		}
	}
	return lines
}

// starts is how often the authorizer was called.
func (p *project) starts() (n int) {
	for _, line := range p.log("/aws/lambda/entragate-dev-orders-authorizer") {
		if strings.HasPrefix(line, "START ") {
			n++
		}
	}
	return n
}

func (p *project) api(gateway *apigatewayv2.Client) *string {
	p.t.Helper()
	apis, err := gateway.GetApis(p.t.Context(), &apigatewayv2.GetApisInput{})
	require.NoError(p.t, err)
	require.Len(p.t, apis.Items, 1)
	return apis.Items[0].ApiId
}

// accessLog is the access log of the API, line by line.
func (p *project) accessLog() (lines []map[string]string) {
	p.t.Helper()
	for _, raw := range p.log("/aws/vendedlogs/apis/orders-" + *p.api(apigatewayv2.NewFromConfig(p.aws()))) {
		var line map[string]string
		require.NoError(p.t, json.Unmarshal([]byte(raw), &line), raw)
		lines = append(lines, line)
	}
	return lines
}
