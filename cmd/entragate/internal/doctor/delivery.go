package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/entragate/entragate/access"
)

const (
	// requestID is the header in which API Gateway says which request it was.
	requestID = "Apigw-Requestid"
	// probe stands for path variables: no object has it as an id.
	probe = "entragate-doctor"
	// clockSkew is how far the clocks here and there may be apart.
	clockSkew = 5 * time.Minute
)

// delivery calls the API without a token, and waits until the access log shows
// the call.
func (x *examination) delivery(ctx context.Context) {
	subject := "log group " + x.Outputs.LogGroup
	if x.SkipDelivery {
		x.info(subject, "delivery of the access log was not tried", "")
		return
	}
	start := x.Now()
	id, ok := x.call(ctx)
	if !ok {
		return
	}
	for {
		found, err := x.logged(ctx, id, start)
		took := x.Now().Sub(start)
		switch {
		case gone(err):
			x.fail(subject, "it does not exist: API Gateway writes to nowhere", deploy)
			return
		case err != nil:
			x.unable(subject, err)
			return
		case found:
			x.ok(subject, fmt.Sprintf("request %s was in the access log after %s", id, took.Round(100*time.Millisecond)))
			return
		case took >= x.Patience:
			x.fail(subject, fmt.Sprintf("request %s is not in the access log after %s", id, took.Round(time.Second)),
				"see the stage's access log settings, the resource policy for delivery.logs.amazonaws.com (`aws logs describe-resource-policies`), "+
					"and the policy of the log group's key")
			return
		}
		if err := x.Wait(ctx, x.Poll); err != nil {
			x.unable(subject, err)
			return
		}
	}
}

// call calls the API and returns the id of the request. It prefers a route that
// wants a token, which refuses the call before anything is invoked.
func (x *examination) call(ctx context.Context) (id string, ok bool) {
	method, path, protected := probeOf(x.Model.Routes)
	subject := method + " " + path + " without a token"
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(x.Outputs.URL, "/")+path, nil)
	if err != nil {
		x.fail(subject, err.Error(), "see the stack's output url")
		return "", false
	}
	client := *x.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		x.fail(subject, err.Error(), "see the network here, the stack's output url, and whether the API exists")
		return "", false
	}
	defer res.Body.Close()
	switch {
	case protected && res.StatusCode == http.StatusUnauthorized:
		x.ok(subject, "is refused with 401")
	case protected && res.StatusCode == http.StatusTooManyRequests:
		x.warn(subject, "got 429, want 401: calls are throttled", "see the throttles of the stage and who calls so often")
	case protected:
		x.fail(subject, fmt.Sprintf("got %d, want 401", res.StatusCode), "see what the other checks say of the route: "+deploy)
	}
	id = res.Header.Get(requestID)
	if id == "" {
		x.fail(subject, "the answer names no request (apigw-requestid): something else than API Gateway answered",
			"see where "+x.Outputs.URL+" leads")
	}
	return id, id != ""
}

// probeOf is a request that costs nothing: to a route that wants a token, a GET
// if there is one, else to no route at all.
func probeOf(routes []access.Route) (method, path string, protected bool) {
	gets := func(r access.Route) bool { return strings.HasPrefix(r.Key, http.MethodGet+" ") }
	others := slices.DeleteFunc(slices.Clone(routes), gets)
	for _, r := range append(slices.DeleteFunc(slices.Clone(routes), func(r access.Route) bool { return !gets(r) }), others...) {
		key, err := access.ParseRouteKey(r.Key)
		// OPTIONS and HEAD may be answered in ways of their own.
		if err != nil || r.IsPublic() || key.IsDefault() || key.Method == http.MethodOptions || key.Method == http.MethodHead {
			continue
		}
		method = key.Method
		if method == "ANY" {
			method = http.MethodGet
		}
		parts := make([]string, len(key.Segments))
		for i, s := range key.Segments {
			parts[i] = s.Name
			if s.Kind != access.Literal {
				parts[i] = probe
			}
		}
		if !slices.ContainsFunc(routes, func(o access.Route) bool { return o.IsPublic() && takes(o.Key, method, parts) }) {
			return method, "/" + strings.Join(parts, "/"), true
		}
	}
	return http.MethodGet, "/" + probe, false
}

// takes reports whether a route could take a request, if no other one did.
func takes(routeKey, method string, path []string) bool {
	key, err := access.ParseRouteKey(routeKey)
	if err != nil || key.IsDefault() || key.Method != method && key.Method != "ANY" {
		return false
	}
	for i, s := range key.Segments {
		switch {
		case i >= len(path), s.Kind == access.Literal && s.Name != path[i]:
			return false
		case s.Kind == access.Greedy:
			return true
		}
	}
	return len(key.Segments) == len(path)
}

// logged reports whether the access log has a line with the id.
func (x *examination) logged(ctx context.Context, id string, since time.Time) (bool, error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(x.Clouds.Logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName:  &x.Outputs.LogGroup,
		FilterPattern: aws.String(`"` + strings.ReplaceAll(id, `"`, "") + `"`),
		StartTime:     aws.Int64(since.Add(-clockSkew).UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, err
		}
		if len(page.Events) > 0 {
			return true, nil
		}
	}
	return false, nil
}
