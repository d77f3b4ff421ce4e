package tests

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
)

// What the commands print with --json.
type (
	request struct {
		RequestID, Method, Path, RouteKey, Reason, Words, Client, FunctionReason string
		Status                                                                   int
	}
	explanation struct {
		request
		Cause  string
		Advice []string
	}
	verdict struct {
		Allowed        bool
		Status         int
		Cause, Summary string
	}
	finding struct{ Check, Severity, Subject, Evidence, Fix string }
)

func (p *project) logs(args ...string) []request {
	p.t.Helper()
	var got struct {
		Requests   []request
		Unreadable int
	}
	p.run(&got, append([]string{"logs"}, args...)...)
	require.Zero(p.t, got.Unreadable)
	return got.Requests
}

func (p *project) tokenOf(caller string) string {
	p.t.Helper()
	var got struct{ Token string }
	p.run(&got, "token", caller)
	return got.Token
}

// call calls the API and returns the status and the request id.
func (p *project) call(client *http.Client, method, url, token string) (status int, requestID string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, http.NoBody)
	require.NoError(p.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	require.NoError(p.t, err)
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(p.t, err)
	return answer.StatusCode, answer.Header.Get("Apigw-Requestid")
}

// pager is who is told of alarms. It confirms as AWS asks for.
type pager struct {
	*httptest.Server
	client func() *http.Client

	mu   sync.Mutex
	told []string // state and alarm
	came *sync.Cond
}

func newPager(t *testing.T, client func() *http.Client) *pager {
	t.Helper()
	p := &pager{client: client}
	p.came = sync.NewCond(&p.mu)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.Server = httptest.NewUnstartedServer(p)
	p.Listener = listener
	p.Start()
	t.Cleanup(p.Close)
	return p
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct{ Type, SubscribeURL, Message string }
	if json.NewDecoder(r.Body).Decode(&message) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if message.Type == "SubscriptionConfirmation" {
		answer, err := p.client().Get(message.SubscribeURL) //nolint:noctx // it is short
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		answer.Body.Close()
	}
	var alarm struct{ AlarmName, NewStateValue string }
	if message.Type == "Notification" && json.Unmarshal([]byte(message.Message), &alarm) == nil {
		p.mu.Lock()
		p.told = append(p.told, alarm.NewStateValue+" "+alarm.AlarmName)
		p.came.Broadcast()
		p.mu.Unlock()
	}
}

// wait waits until it is told of a state of an alarm, whose name begins so.
func (p *pager) wait(t *testing.T, state, alarm string) {
	t.Helper()
	defer time.AfterFunc(30*time.Second, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, "nothing more came")
		p.came.Broadcast()
	}).Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for i, told := range p.told {
			require.NotEqual(t, "nothing more came", told, "waiting for %s of %s, after %v", state, alarm, p.told)
			if strings.HasPrefix(told, state+" "+alarm) {
				p.told = append(p.told[:i], p.told[i+1:]...)
				return
			}
		}
		p.came.Wait()
	}
}

// A burst of refused calls fires an alarm, which reaches who subscribed, and
// clears; the commands say who was refused and why.
func TestRefusalsAreToldAndExplained(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	pager := newPager(t, p.http)
	p.set("alarms", map[string]any{
		"subscriptions": []map[string]any{{"protocol": "http", "endpoint": pager.URL + "/alarms"}, {"protocol": "email", "endpoint": "ops@example.com"}},
		"thresholds":    map[string]any{"refusedRequests": 20},
	})
	u := p.up()
	client := p.http()
	t.Run("a healthy stack", func(t *testing.T) { p.requireHealthy(t) })
	p.later(20 * time.Minute) // so that what up called is over

	user, daemon := p.tokenOf("desktop:user"), p.tokenOf("export:app")
	var refused []string
	for range 30 {
		status, id := p.call(client, http.MethodPost, u.URL+"/orders", user)
		require.Equal(t, http.StatusForbidden, status)
		refused = append(refused, id)
	}
	status, allowed := p.call(client, http.MethodGet, u.URL+"/orders", user)
	require.Equal(t, http.StatusOK, status)
	status, anonymous := p.call(client, http.MethodGet, u.URL+"/orders", "")
	require.Equal(t, http.StatusUnauthorized, status)
	status, unrouted := p.call(client, http.MethodPatch, u.URL+"/orders/1", daemon)
	require.Equal(t, http.StatusNotFound, status)
	status, byFunction := p.call(client, http.MethodGet, u.URL+"/orders/export", user)
	require.Equal(t, http.StatusForbidden, status)

	t.Run("logs", func(t *testing.T) {
		denied := p.logs("--denied", "--since", "5m", "--limit", "0")
		require.Len(t, denied, 33)
		reasons := map[string]string{}
		for _, r := range denied {
			reasons[r.RequestID] = r.Reason
		}
		for _, id := range refused {
			require.Equal(t, string(accesslog.MissingScope), reasons[id])
		}
		require.Equal(t, string(accesslog.NoToken), reasons[anonymous])
		require.Equal(t, string(accesslog.NoRoute), reasons[unrouted])
		require.Equal(t, string(accesslog.RoleRefused), reasons[byFunction])

		desktop := p.logs("--caller", "desktop", "--since", "5m")
		require.Len(t, desktop, 2, "those that the gateway refuses by itself name nobody")
		require.Equal(t, []string{allowed, byFunction}, []string{desktop[0].RequestID, desktop[1].RequestID})
		require.Equal(t, "desktop", desktop[0].Client)
		require.Equal(t, "missing-scope", desktop[1].FunctionReason)
		require.Len(t, p.logs("--route", "POST /orders", "--since", "5m"), 30)
		require.Len(t, p.logs("--limit", "3"), 3)
		require.Equal(t, exitFailed, p.try("logs", "--route", "GET /order").code, "there is no such route")
	})
	t.Run("explain a request", func(t *testing.T) {
		var e explanation
		p.run(&e, "explain", refused[0])
		require.Equal(t, refused[0], e.RequestID)
		require.Contains(t, strings.Join(e.Advice, "\n"), "Orders.Write")
		p.run(&e, "explain", byFunction)
		require.Equal(t, "missing-scope", e.FunctionReason)
		require.Contains(t, p.refused("explain", "aaaaaaaaaaaaaaa="), "aaaaaaaaaaaaaaa=")
		require.Equal(t, exitFailed, p.try("explain", `x" || $.status = "*`).code, "no pattern of one's own")
	})
	t.Run("explain a token", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(file, []byte("Bearer "+user+"\n"), 0o600))
		require.Equal(t, verdict{Allowed: true, Status: 200}, p.explain(exitOK, file, "GET /orders", ""))
		require.Equal(t, 403, p.explain(exitDiffer, file, "POST /orders", "").Status)
		require.Equal(t, 404, p.explain(exitDiffer, file, "PATCH /orders/1", "").Status)
		require.Equal(t, 403, p.explain(exitDiffer, "-", "GET /orders", daemon).Status, "an app-only token has no scopes")
		require.True(t, p.explain(exitOK, "-", "GET /orders/export", daemon).Allowed)
		require.Equal(t, 401, p.explain(exitDiffer, "-", "GET /orders", p.tokenOf("graph-token")).Status)
		require.Equal(t, 401, p.explain(exitDiffer, "-", "GET /orders", "nonsense").Status)
		secrets{user: true, daemon: true, signatureOf(user): true, signatureOf(daemon): true}.requireNotExplained(t, p)
	})

	p.later(2 * time.Minute)
	pager.wait(t, "ALARM", "orders-refused-")
	p.requireState(t, "orders-refused-", types.StateValueAlarm)
	p.requireState(t, "orders-refused-other-", types.StateValueOk)
	t.Run("an alarm is a finding", func(t *testing.T) {
		require.Contains(t, p.doctor(exitOK), "alarms warning")
		require.Contains(t, p.doctor(exitDiffer, "--strict"), "alarms warning")
	})
	p.later(15 * time.Minute)
	pager.wait(t, "OK", "orders-refused-")
	p.requireState(t, "orders-refused-", types.StateValueOk)

	t.Run("a text that nobody knows", func(t *testing.T) {
		p.write(t, `{"path":"/orders","authorizerError":"invalid_token: the moon is full","errorMessage":"Unauthorized","requestId":"x","timeEpoch":"1","status":"401","routeKey":"GET /orders","integrationStatus":"-"}`)
		p.later(2 * time.Minute)
		pager.wait(t, "ALARM", "orders-refused-other-")
		p.later(15 * time.Minute)
		pager.wait(t, "OK", "orders-refused-other-")
	})
	t.Run("saved queries", func(t *testing.T) { p.requireQueries(t) })
	t.Run("nothing changes", func(t *testing.T) {
		require.True(t, p.up().Changes.none())
	})
	var d down
	p.run(&d, "sandbox", "down")
	require.Empty(t, d.Left)
}

func signatureOf(token string) string { return token[strings.LastIndex(token, ".")+1:] }

// explain explains a token, given in a file or, with "-", on stdin.
func (p *project) explain(code int, file, route, stdin string) verdict {
	p.t.Helper()
	cmd := p.command("explain", "--token", file, "--route", route)
	cmd.Stdin = strings.NewReader(stdin)
	o := finish(p.t, cmd)
	p.mu.Lock()
	p.explained = append(p.explained, o.stdout, o.stderr)
	p.mu.Unlock()
	require.Equal(p.t, code, o.code, "%s\n%s", o.stderr, o.stdout)
	var v verdict
	require.NoError(p.t, o.into(&v))
	if v.Allowed {
		return verdict{Allowed: true, Status: v.Status}
	}
	require.NotEmpty(p.t, v.Summary)
	return v
}

// requireNotExplained holds that no explanation repeats a token.
func (s secrets) requireNotExplained(t *testing.T, p *project) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotEmpty(t, p.explained)
	for _, said := range p.explained {
		s.requireNot(t, "an explanation", said)
	}
}

// doctor returns what is wrong, "check severity" each.
func (p *project) doctor(code int, args ...string) []string {
	p.t.Helper()
	o := p.try(append([]string{"doctor"}, args...)...)
	require.Equal(p.t, code, o.code, "%s\n%s", o.stderr, o.stdout)
	var got struct{ Findings []finding }
	require.NoError(p.t, o.into(&got))
	var wrong []string
	for _, f := range got.Findings {
		if f.Severity != "ok" {
			require.NotEmpty(p.t, f.Fix, f.Evidence)
			wrong = append(wrong, f.Check+" "+f.Severity)
		}
	}
	return wrong
}

// requireHealthy holds that all is well but that somebody has not confirmed.
func (p *project) requireHealthy(t *testing.T) {
	t.Helper()
	require.Equal(t, []string{"alarms warning"}, p.doctor(exitOK), "the mail is not confirmed")
}

func (p *project) requireState(t *testing.T, prefix string, want types.StateValue) {
	t.Helper()
	found, err := cloudwatch.NewFromConfig(p.aws()).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: &prefix})
	require.NoError(t, err)
	for _, alarm := range found.MetricAlarms {
		if rest := strings.TrimPrefix(aws.ToString(alarm.AlarmName), prefix); !strings.Contains(rest, "-") {
			require.Equal(t, want, alarm.StateValue, "%s: %s", aws.ToString(alarm.AlarmName), aws.ToString(alarm.StateReason))
			return
		}
	}
	require.Fail(t, "no alarm "+prefix)
}

// group is the log group of the access log.
func (p *project) group(t *testing.T) string {
	t.Helper()
	found, err := cloudwatchlogs.NewFromConfig(p.aws()).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String("/aws/vendedlogs/apis/"),
	})
	require.NoError(t, err)
	require.Len(t, found.LogGroups, 1)
	return aws.ToString(found.LogGroups[0].LogGroupName)
}

// write puts a line into the access log, as the gateway might.
func (p *project) write(t *testing.T, line string) {
	t.Helper()
	group, stream := p.group(t), "by-hand"
	client := cloudwatchlogs.NewFromConfig(p.aws())
	_, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	require.NoError(t, err)
	var clock struct{ Now time.Time }
	p.run(&clock, "sandbox", "clock")
	_, err = client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []logstypes.InputLogEvent{{Message: &line, Timestamp: aws.Int64(clock.Now.UnixMilli())}},
	})
	require.NoError(t, err)
}

// requireQueries runs the saved queries as the console does.
func (p *project) requireQueries(t *testing.T) {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(p.aws())
	saved, err := client.DescribeQueryDefinitions(t.Context(), &cloudwatchlogs.DescribeQueryDefinitionsInput{})
	require.NoError(t, err)
	require.Len(t, saved.QueryDefinitions, len(accesslog.Queries()))
	var clock struct{ Now time.Time }
	p.run(&clock, "sandbox", "clock")
	for _, q := range saved.QueryDefinitions {
		started, err := client.StartQuery(t.Context(), &cloudwatchlogs.StartQueryInput{
			LogGroupNames: q.LogGroupNames, QueryString: q.QueryString,
			StartTime: aws.Int64(clock.Now.Add(-24 * time.Hour).Unix()), EndTime: aws.Int64(clock.Now.Unix()),
		})
		require.NoError(t, err, aws.ToString(q.Name))
		got, err := client.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		require.NoError(t, err)
		require.Equal(t, logstypes.QueryStatusComplete, got.Status)
		name := aws.ToString(q.Name)[strings.LastIndex(aws.ToString(q.Name), "/")+1:]
		switch name {
		case accesslog.QueryOneCaller, accesslog.QueryFailures: // of nobody, and of none
			require.Empty(t, got.Results, name)
		default:
			require.NotEmpty(t, got.Results, name)
		}
		if name == accesslog.QueryDeniedByReason {
			require.Equal(t, "403", field(got.Results[0], "status"))
			require.Contains(t, field(got.Results[0], "authorizerError"), "scope")
		}
	}
}

func field(row []logstypes.ResultField, name string) string {
	for _, f := range row {
		if aws.ToString(f.Field) == name {
			return aws.ToString(f.Value)
		}
	}
	return ""
}

// Rules, as far as they are about logs, alarms and topics: APIGateway.9,
// CW_LOGGROUP_RETENTION_PERIOD_CHECK, CLOUDWATCH_LOG_GROUP_ENCRYPTED,
// CKV_AWS_338, CLOUDWATCH_ALARM_ACTION_CHECK, CloudWatch.15 and .17, SNS.1, KMS.4,
// and of topics that their policy is not public.
func (p *project) requireMonitoringRules(t *testing.T) {
	t.Helper()
	keys := kms.NewFromConfig(p.aws())
	requireKey := func(id, of string) {
		key, err := keys.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &id})
		require.NoError(t, err, of)
		require.Equal(t, "CUSTOMER", string(key.KeyMetadata.KeyManager), of)
		rotation, err := keys.GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: &id})
		require.NoError(t, err, of)
		require.True(t, rotation.KeyRotationEnabled, of)
	}
	groups, err := cloudwatchlogs.NewFromConfig(p.aws()).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	require.NoError(t, err)
	require.NotEmpty(t, groups.LogGroups)
	for _, g := range groups.LogGroups {
		require.GreaterOrEqual(t, aws.ToInt32(g.RetentionInDays), int32(365), aws.ToString(g.LogGroupName))
		requireKey(aws.ToString(g.KmsKeyId), aws.ToString(g.LogGroupName))
	}
	alarms, err := cloudwatch.NewFromConfig(p.aws()).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.NotEmpty(t, alarms.MetricAlarms)
	for _, a := range alarms.MetricAlarms {
		require.NotEmpty(t, a.AlarmActions, aws.ToString(a.AlarmName))
		require.True(t, aws.ToBool(a.ActionsEnabled), aws.ToString(a.AlarmName))
	}
	topics := sns.NewFromConfig(p.aws())
	listed, err := topics.ListTopics(t.Context(), &sns.ListTopicsInput{})
	require.NoError(t, err)
	require.Len(t, listed.Topics, 1)
	got, err := topics.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: listed.Topics[0].TopicArn})
	require.NoError(t, err)
	requireKey(got.Attributes["KmsMasterKeyId"], "the topic")
	var policy struct {
		Statement []struct {
			Effect    string
			Principal any
		}
	}
	require.NoError(t, json.NewDecoder(bytes.NewReader([]byte(got.Attributes["Policy"]))).Decode(&policy))
	for _, s := range policy.Statement {
		require.False(t, s.Effect == "Allow" && s.Principal == "*", "a public topic")
	}
}
