package doctor

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func someReport() Report {
	r := Report{Findings: []Finding{
		{"discovery", SeverityOK, "keys", "two keys", ""},
		{"grants", SeverityInfo, "grants", "external", "run commands"},
		{"throttles", SeverityWarning, "stage", "metrics are off", "turn them on"},
		{"alarms", SeverityError, "topic", "nobody\nis told", "tell somebody"},
	}}
	r.count()
	return r
}

const problemsFirst = `error    alarms: topic
         nobody
         is told
         fix: tell somebody

warning  throttles: stage
         metrics are off
         fix: turn them on

info     grants: grants
         external
         fix: run commands

`

func TestProblemsComeFirst(t *testing.T) {
	t.Parallel()
	for verbose, want := range map[bool]string{
		false: problemsFirst + "1 check passed, 1 error, 1 warning\n",
		true:  problemsFirst + "ok       discovery: keys\n         two keys\n1 check passed, 1 error, 1 warning\n",
	} {
		var b strings.Builder
		require.NoError(t, someReport().Write(&b, verbose))
		require.Equal(t, want, b.String())
	}
	var b strings.Builder
	require.NoError(t, Report{Passed: 12}.Write(&b, false))
	require.Equal(t, "12 checks passed\n", b.String())
}

func TestWhatCounts(t *testing.T) {
	t.Parallel()
	require.False(t, someReport().Healthy(false))
	warned := Report{Warnings: 1}
	require.True(t, warned.Healthy(false))
	require.False(t, warned.Healthy(true))
	require.JSONEq(t, `{"errors":0,"warnings":0,"passed":1,"findings":[{"check":"c","severity":"ok","subject":"s","evidence":"e"}]}`,
		asJSON(t, Report{Passed: 1, Findings: []Finding{{"c", SeverityOK, "s", "e", ""}}}))
}

func TestTheCallCostsNothing(t *testing.T) {
	t.Parallel()
	scoped := func(key string) access.Route { return access.Route{Key: key, Scopes: []string{"s"}} }
	public := func(key string) access.Route { return access.Route{Key: key, Public: "why"} }
	for name, tc := range map[string]struct {
		routes []access.Route
		want   string
	}{
		"no route":                       {nil, "GET /entragate-doctor"},
		"public ones only":               {[]access.Route{public("GET /health")}, "GET /entragate-doctor"},
		"a GET before others":            {[]access.Route{scoped("POST /a"), scoped("GET /b/{id}/c")}, "GET /b/entragate-doctor/c protected"},
		"another method":                 {[]access.Route{public("GET /a"), scoped("DELETE /a/{all+}")}, "DELETE /a/entragate-doctor protected"},
		"any method":                     {[]access.Route{scoped("ANY /")}, "GET / protected"},
		"one that a public one may take": {[]access.Route{scoped("GET /a/{all+}"), public("GET /a/{id}"), scoped("GET /b")}, "GET /b protected"},
		"a public one takes everything":  {[]access.Route{scoped("GET /a"), public("ANY /{all+}")}, "GET /entragate-doctor"},
		"a public $default":              {[]access.Route{public("$default"), scoped("GET /a")}, "GET /a protected"},
		"$default, OPTIONS and HEAD":     {[]access.Route{scoped("$default"), scoped("OPTIONS /a"), scoped("HEAD /a")}, "GET /entragate-doctor"},
		"no route key":                   {[]access.Route{scoped("GET")}, "GET /entragate-doctor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, path, protected := probeOf(tc.routes)
			got := method + " " + path
			if protected {
				got += " protected"
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestFunctionsOfAuthorizers(t *testing.T) {
	t.Parallel()
	const function = "arn:aws:lambda:eu-west-1:123456789012:function:f"
	got, ok := functionOf("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + function + "/invocations")
	require.True(t, ok)
	require.Equal(t, function, got)
	for _, bad := range []string{"", "/functions/", "/functions/f/invocations", "arn:aws:apigateway:eu-west-1:lambda:path/functions/" + function} {
		_, ok := functionOf(bad)
		require.False(t, ok, bad)
	}
}

func TestAnEndpointThatIsAsGoodAsAPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for endpointOf, want := range map[[2]string]string{
		{"https", "https://hooks.example.com/T0/secret?token=x"}: "https hooks.example.com",
		{"http", "http://127.0.0.1:9/x"}:                         "http 127.0.0.1",
		{"https", "https://%zz"}:                                 "https",
		{"sms", "+31612345678"}:                                  "sms …678",
		{"sms", ""}:                                              "sms …",
		{"email", "ops@example.com"}:                             "email ops@example.com",
	} {
		require.Equal(t, want, endpoint(snstypes.Subscription{Protocol: aws.String(endpointOf[0]), Endpoint: aws.String(endpointOf[1])}))
	}
}
