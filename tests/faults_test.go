package tests

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/faults"
)

// control calls the control surface of the sandbox.
func (p *project) control(method, path string, in, out any) {
	p.t.Helper()
	settings, err := sandbox.ReadSettings(filepath.Join(p.dir, ".entragate"))
	require.NoError(p.t, err)
	body, err := json.Marshal(in)
	require.NoError(p.t, err)
	req, err := http.NewRequestWithContext(p.t.Context(), method, settings.EntraURL()+"/_sandbox/"+path, bytes.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Authorization", "Bearer "+settings.ControlKey)
	res, err := p.http().Do(req)
	require.NoError(p.t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, res.StatusCode, "%s", answer)
	require.NoError(p.t, json.Unmarshal(answer, out), "%s", answer)
}

// says is how often a log group has a text.
func (p *project) says(group, text string) int {
	p.t.Helper()
	return strings.Count(strings.Join(p.log(group), "\n"), text)
}

// fault is something that goes wrong during one rotation.
type fault struct {
	name  string
	rules []faults.Rule
	lag   string
	// says is what the function's log tells of it, and times how often at least.
	says  string
	times int
}

// faultsOf are those that a rotation of a client by a rotator meets. They strike
// only calls of the rotator's, or its first ones: `entragate rotate` signs in
// before, as somebody else, and looks at the application after.
func faultsOf(rotator, client string) []fault {
	const (
		killed      = "Runtime exited with error: signal: killed"
		waiting     = `"msg":"waiting"`
		application = "/applications("
		tokens      = "/oauth2/v2.0/token"
	)
	rule := func(kind faults.Kind, match string) faults.Rule { return faults.Rule{Match: match, Kind: kind} }
	status := func(status int, match string) faults.Rule {
		return faults.Rule{Match: match, Kind: faults.Status, Status: status}
	}
	get := func(r faults.Rule) faults.Rule {
		r.Method = http.MethodGet
		return r
	}
	soon := func(r faults.Rule) faults.Rule {
		r.RetryAfter = 2
		return r
	}
	signIn := func(r faults.Rule, clientID string) faults.Rule {
		r.Form = map[string]string{"client_id": clientID}
		return r
	}
	second := func(r faults.Rule) faults.Rule {
		r.Skip = 1
		return r
	}
	const graphIsBusy, graphIsDown = `"for":"2s","because":"`, "Microsoft Graph answered 503"
	return []fault{
		{"killed when it has signed in", []faults.Rule{signIn(rule(faults.Kill, tokens), rotator)}, "", killed, 1},
		{"killed when the credential is added", []faults.Rule{rule(faults.Kill, "addPassword")}, "", killed, 1},
		{"killed when the credential is stored", []faults.Rule{rule(faults.Kill, "PutSecretValue")}, "", killed, 1},
		{"killed when the credential is tested", []faults.Rule{signIn(rule(faults.Kill, tokens), client)}, "", killed, 1},
		{"killed when the version is current", []faults.Rule{rule(faults.Kill, "UpdateSecretVersionStage")}, "", killed, 1},
		{"killed when the version is not pending any more", []faults.Rule{second(rule(faults.Kill, "UpdateSecretVersionStage"))}, "", killed, 1},
		{"killed again and again", []faults.Rule{
			rule(faults.Kill, "addPassword"), rule(faults.Kill, "addPassword"), rule(faults.Kill, "UpdateSecretVersionStage"),
		}, "", killed, 3},
		{"it is not told of the credential", []faults.Rule{rule(faults.Lost, "addPassword")}, "", waiting, 1},
		{"it is not told that the credential is stored", []faults.Rule{rule(faults.Lost, "PutSecretValue")}, "", waiting, 1},
		{"it is not told that the version is current", []faults.Rule{rule(faults.Lost, "UpdateSecretVersionStage")}, "", waiting, 1},
		{"Microsoft Graph is busy", []faults.Rule{
			soon(status(429, "addPassword")), get(soon(status(429, application))),
		}, "", graphIsBusy, 2},
		{"Microsoft Graph is down", []faults.Rule{status(503, "addPassword"), get(status(503, application))}, "", graphIsDown, 2},
		{"sign-in is busy, then down", []faults.Rule{
			signIn(status(429, tokens), rotator), signIn(status(503, tokens), client),
		}, "", "AADSTS900", 2},
		{"Secrets Manager throttles", []faults.Rule{status(429, "PutSecretValue"), status(429, "UpdateSecretVersionStage")}, "", "ThrottlingException", 2},
		// So that the next try does not find what this one added.
		{"killed while replication takes 20 seconds", []faults.Rule{rule(faults.Kill, "addPassword")}, "20s", "does not have the credential", 2},
	}
}

// Whatever goes wrong, every rotation succeeds in the end, leaves nothing behind,
// and nobody is cut off.
func TestRotationsUnderFaults(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	deployed := p.up()
	const function = "/aws/lambda/entragate-dev-orders-rotator"
	all := p.credentials()
	before, last := p.read(all["export"].SecretARN), all["export"].LastRotation
	issued := secrets{before.ClientSecret: true}
	requireWorks := func(now stored) {
		t.Helper()
		require.NotEqual(t, before.KeyID, now.KeyID)
		require.Equal(t, http.StatusOK, p.get(deployed.URL, "/orders/export", now.token(p)).status)
		require.NotEmpty(t, before.token(p), "the one before is good still")
		issued[now.ClientSecret] = true
	}
	for n, tt := range faultsOf(all["rotator"].ClientID, all["export"].ClientID) {
		t.Run(tt.name, func(t *testing.T) {
			said := p.says(function, tt.says)
			p.faults(tt.rules...)
			p.lag(cmp.Or(tt.lag, "0s"))
			begun := time.Now()
			var rotated struct{ KeyID string }
			p.run(&rotated, "rotate", "export", "--timeout", "3m")
			t.Logf("it took %s", time.Since(begun).Round(time.Millisecond))
			p.lag("0s")
			now := p.read(all["export"].SecretARN)
			require.Equal(t, rotated.KeyID, now.KeyID)
			requireWorks(now)

			// What failed when the version was current already is tried again, after
			// half an hour at most when it failed three times.
			p.later(31 * time.Minute)
			for _, report := range p.faults() {
				require.Equal(t, report.Count, report.Struck, "%+v", report)
			}
			require.GreaterOrEqual(t, p.says(function, tt.says), said+tt.times)
			c := p.credentials()["export"]
			require.Empty(t, c.Problems)
			require.Equal(t, now.KeyID, c.KeyID)
			require.True(t, c.LastRotation.After(*last), "Secrets Manager takes it for done")
			require.Equal(t, n+2, c.Valid, "all that were ever current, since the overlap is not over, and no other")
			require.Empty(t, p.pending(all["export"].SecretARN))
			before, last = now, c.LastRotation
		})
	}

	// In that time the schedule rotates once, and what was superseded goes.
	p.later(95 * day)
	requireWorks(p.read(all["export"].SecretARN))
	c := p.credentials()["export"]
	require.Empty(t, c.Problems)
	require.Equal(t, 2, c.Valid)
	issued.requireNowhere(p)
}

// faults sets what fails from now on, and returns what became of what was to fail
// before.
func (p *project) faults(rules ...faults.Rule) (before []faults.Report) {
	p.t.Helper()
	p.control(http.MethodGet, "faults", nil, &before)
	var now []faults.Report
	p.control(http.MethodPost, "faults", append([]faults.Rule{}, rules...), &now)
	return before
}

// lag is how long from now on it takes until Entra shows what is new.
func (p *project) lag(d string) {
	p.t.Helper()
	var now struct{ Lag string }
	p.control(http.MethodPost, "lag", map[string]string{"duration": d}, &now)
}

// pending are the versions of a secret that are not current yet.
func (p *project) pending(arn string) (versions []string) {
	p.t.Helper()
	secret, err := secretsmanager.NewFromConfig(p.aws()).DescribeSecret(p.t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &arn})
	require.NoError(p.t, err)
	for version, labels := range secret.VersionIdsToStages {
		if slices.Contains(labels, "AWSPENDING") {
			versions = append(versions, version)
		}
	}
	return versions
}
