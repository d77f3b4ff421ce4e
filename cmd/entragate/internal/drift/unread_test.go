package drift

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// forbidding refuses some requests as a cloud does that does not permit them.
type forbidding struct {
	next    http.RoundTripper
	refuses func(*http.Request) bool
}

// RoundTrip implements [http.RoundTripper].
func (f forbidding) RoundTrip(req *http.Request) (*http.Response, error) {
	if !f.refuses(req) {
		return f.next.RoundTrip(req)
	}
	body := `{"__type":"AccessDeniedException","message":"not authorized","error":{"code":"Authorization_RequestDenied","message":"no"}}`
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"X-Amzn-Errortype": {"AccessDeniedException"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func TestWhatCannotBeReadIsSaidAndNotGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := func(part string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.Contains(r.URL.Path, part) }
	}
	gateway := []deployed.Part{deployed.PartAPI, deployed.PartAuthorizers, deployed.PartRoutes, deployed.PartStages}
	for name, tc := range map[string]struct {
		refuses func(*http.Request) bool
		unread  []deployed.Part
		takes   string
	}{
		"the gateway":     {in("/v2/apis/"), gateway, "apigateway:GET"},
		"the stage":       {in("/stages"), []deployed.Part{deployed.PartStages}, "apigateway:GET"},
		"the function":    {in("/functions/"), []deployed.Part{deployed.PartFunctions}, "lambda:GetFunctionConfiguration"},
		"the grants":      {in("/oauth2PermissionGrants"), []deployed.Part{deployed.PartGrants}, "Directory.Read.All"},
		"who is assigned": {in("/appRoleAssignedTo"), []deployed.Part{deployed.PartAssignments}, "Application.Read.All"},
		"the applications": {in("/v1.0/applications"), []deployed.Part{
			deployed.PartApplication, deployed.OfClient("export"), deployed.OfClient("portal"), deployed.PartAssignments, deployed.PartGrants,
		}, "Application.Read.All"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := w.deploy(t)
			d.Clouds.HTTP.Transport = forbidding{d.Clouds.HTTP.Transport, tc.refuses}
			report, err := d.Find(t.Context())
			require.NoError(t, err)
			require.Empty(t, describe(report.Findings))
			require.Empty(t, report.Cells)
			require.False(t, report.Clean())
			var parts []deployed.Part
			for _, u := range report.Unread {
				parts = append(parts, u.Part)
				require.Equal(t, tc.takes, u.Takes)
			}
			require.ElementsMatch(t, tc.unread, parts)
			var text strings.Builder
			require.NoError(t, report.Write(&text))
			require.Contains(t, text.String(), "not read: "+string(tc.unread[0]))
			require.Contains(t, text.String(), "let who runs this have "+tc.takes)
		})
	}
}

func TestAReportIsReadByPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	d := newWorld(t).deploy(t)
	d.Owners = nil
	d.addSecret(t, d.export, "temporary")
	d.grant(t, d.exportSP, "Orders.Read", "")
	report, err := d.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, report.Widening)
	require.Len(t, report.Skipped, 1)
	var text strings.Builder
	require.NoError(t, report.Write(&text))
	for _, want := range []string{
		"widening, added outside: client export", "  got     secret temporary (", "  access  whoever holds it", "  fix     `az ad app credential delete --id " + d.Clients["export"],
		"By all of that together:\n  GET /orders, user of export for users: allowed by Orders.Read; declared: not declared\n",
		"not compared: owners", "2 not as declared: 2 widening, 0 breaking, 0 neutral; 0 not read\n",
	} {
		require.Contains(t, text.String(), want)
	}
	raw, err := json.Marshal(report)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"unread":[]`)
	require.Contains(t, string(raw), `"what":"added outside","effect":"widening"`)
}
