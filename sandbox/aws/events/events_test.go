package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/events"
)

const (
	account  = "000000000000"
	prefix   = "arn:aws:events:eu-west-1:000000000000:"
	function = "arn:aws:lambda:eu-west-1:000000000000:function:rotate"
	queue    = "arn:aws:sqs:eu-west-1:000000000000:q"
	day      = 24 * time.Hour
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// call is a call of a function.
type call struct{ function, source, payload string }

// bench is EventBridge and a real client of it.
type bench struct {
	*sdk.Client
	t       *testing.T
	service *events.Service

	mu      sync.Mutex
	now     time.Time
	calls   []call
	fail    error
	metrics map[string]float64
}

func (b *bench) read() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// move lets time pass and ticks, and returns the calls.
func (b *bench) move(d time.Duration) []call {
	b.t.Helper()
	b.mu.Lock()
	b.now = b.now.Add(d)
	b.calls = nil
	b.mu.Unlock()
	require.NoError(b.t, b.service.Tick())
	return b.calls
}

func (b *bench) invoke(_ context.Context, function, source string, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, call{function, source, string(payload)})
	return b.fail
}

func (b *bench) record(namespace, name string, dimensions map[string]string, value float64, _ time.Time) {
	b.metrics[namespace+" "+name+" "+dimensions["RuleName"]] += value
}

func newBench(t *testing.T, path string) *bench {
	t.Helper()
	b := &bench{t: t, now: start, metrics: map[string]float64{}}
	service, err := events.New(events.Options{Account: account, Region: "eu-west-1", Path: path, Now: b.read, Invoke: b.invoke, Record: b.record})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	b.service = service
	b.Client = sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	return b
}

// rule makes a rule that calls the function.
func (b *bench) rule(name, schedule string, targets ...types.Target) {
	b.t.Helper()
	_, err := b.PutRule(b.t.Context(), &sdk.PutRuleInput{Name: &name, ScheduleExpression: &schedule})
	require.NoError(b.t, err)
	if len(targets) == 0 {
		targets = []types.Target{{Id: aws.String("f"), Arn: aws.String(function)}}
	}
	_, err = b.PutTargets(b.t.Context(), &sdk.PutTargetsInput{Rule: &name, Targets: targets})
	require.NoError(b.t, err)
}

func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

func TestARuleIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t, filepath.Join(t.TempDir(), "events.json"))
	ctx := t.Context()
	out, err := b.PutRule(ctx, &sdk.PutRuleInput{
		Name: aws.String("daily"), ScheduleExpression: aws.String("rate(1 day)"), Description: aws.String("d"), EventBusName: aws.String("default"),
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	})
	require.NoError(t, err)
	require.Equal(t, prefix+"rule/daily", *out.RuleArn)
	_, err = b.PutTargets(ctx, &sdk.PutTargetsInput{Rule: aws.String("daily"), Targets: []types.Target{
		{Id: aws.String("q"), Arn: aws.String(queue), SqsParameters: &types.SqsParameters{MessageGroupId: aws.String("g")}},
		{Id: aws.String("f"), Arn: aws.String(function), Input: aws.String(`{"check":[]}`), RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}, DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(queue)}},
	}})
	require.NoError(t, err)
	targets, err := b.ListTargetsByRule(ctx, &sdk.ListTargetsByRuleInput{Rule: aws.String("daily"), Limit: aws.Int32(100)})
	require.NoError(t, err)
	require.Len(t, targets.Targets, 2)
	require.Equal(t, types.Target{
		Id: aws.String("f"), Arn: aws.String(function), Input: aws.String(`{"check":[]}`), RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}, DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(queue)},
	}, targets.Targets[0])
	require.Equal(t, "g", *targets.Targets[1].SqsParameters.MessageGroupId)
	names, err := b.ListRuleNamesByTarget(ctx, &sdk.ListRuleNamesByTargetInput{TargetArn: aws.String(queue)})
	require.NoError(t, err)
	require.Equal(t, []string{"daily"}, names.RuleNames)

	_, err = b.PutRule(ctx, &sdk.PutRuleInput{Name: aws.String("daily"), EventPattern: aws.String(`{"source":["aws.secretsmanager"]}`), State: types.RuleStateDisabled})
	require.NoError(t, err)
	described, err := b.DescribeRule(ctx, &sdk.DescribeRuleInput{Name: aws.String("daily")})
	require.NoError(t, err)
	require.Nil(t, described.ScheduleExpression, "what is left out is gone")
	require.Nil(t, described.Description)
	require.Equal(t, types.RuleStateDisabled, described.State)
	require.Equal(t, `{"source":["aws.secretsmanager"]}`, *described.EventPattern)

	_, err = b.TagResource(ctx, &sdk.TagResourceInput{ResourceARN: out.RuleArn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}})
	require.NoError(t, err)
	_, err = b.UntagResource(ctx, &sdk.UntagResourceInput{ResourceARN: out.RuleArn, TagKeys: []string{"a"}})
	require.NoError(t, err)
	tags, err := b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: out.RuleArn})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}, tags.Tags)
	require.Equal(t, *out.RuleArn, b.service.TaggedResources()[0].ARN)

	list, err := b.ListRules(ctx, &sdk.ListRulesInput{NamePrefix: aws.String("da")})
	require.NoError(t, err)
	require.Len(t, list.Rules, 1)
	_, err = b.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: aws.String("daily")})
	refused(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	_, err = b.RemoveTargets(ctx, &sdk.RemoveTargetsInput{Rule: aws.String("daily"), Ids: []string{"f", "q"}})
	require.NoError(t, err)
	_, err = b.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: aws.String("daily")})
	require.NoError(t, err)
	_, err = b.DescribeRule(ctx, &sdk.DescribeRuleInput{Name: aws.String("daily")})
	refused(t, err, "ResourceNotFoundException", "Rule daily does not exist on EventBus default.")

	bus, err := b.DescribeEventBus(ctx, &sdk.DescribeEventBusInput{})
	require.NoError(t, err)
	require.Equal(t, prefix+"event-bus/default", *bus.Arn)
	buses, err := b.ListEventBuses(ctx, &sdk.ListEventBusesInput{})
	require.NoError(t, err)
	require.Len(t, buses.EventBuses, 1)
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.rule("r", "rate(1 day)")
	for name, test := range map[string]struct {
		in         *sdk.PutRuleInput
		code, want string
	}{
		"a name":             {&sdk.PutRuleInput{Name: aws.String("a b"), ScheduleExpression: aws.String("rate(1 day)")}, "ValidationException", "name"},
		"a long name":        {&sdk.PutRuleInput{Name: aws.String(strings.Repeat("n", 65)), ScheduleExpression: aws.String("rate(1 day)")}, "ValidationException", "64"},
		"nothing":            {&sdk.PutRuleInput{Name: aws.String("x")}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."},
		"a schedule":         {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 days)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		"a pattern":          {&sdk.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{"source":"aws.s3"}`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: \"source\" must be an object or an array"},
		"no JSON":            {&sdk.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{`)}, "InvalidEventPatternException", "not an object"},
		"an empty pattern":   {&sdk.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{}`)}, "InvalidEventPatternException", "Empty objects"},
		"an empty list":      {&sdk.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{"detail":{"a":[]}}`)}, "InvalidEventPatternException", "Empty arrays"},
		"an operator":        {&sdk.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{"detail":{"a":[{"like":"x"}]}}`)}, "InvalidEventPatternException", "Unrecognized match type like"},
		"alternatives":       {&sdk.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{"$or":["a"]}`)}, "InvalidEventPatternException", "$or"},
		"a state":            {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 day)"), State: "ON"}, "ValidationException", "state"},
		"a role":             {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 day)"), RoleArn: aws.String("r")}, "ValidationException", "RoleArn"},
		"another bus":        {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 day)"), EventBusName: aws.String("mine")}, "ResourceNotFoundException", "Event bus mine does not exist."},
		"a long text":        {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 day)"), Description: aws.String(strings.Repeat("d", 513))}, "ValidationException", "512"},
		"a reserved tag":     {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 day)"), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}, "ValidationException", "reserved"},
		"the same tag again": {&sdk.PutRuleInput{Name: aws.String("x"), ScheduleExpression: aws.String("rate(1 day)"), Tags: []types.Tag{{Key: aws.String("x"), Value: aws.String("")}, {Key: aws.String("x"), Value: aws.String("")}}}, "ValidationException", "Duplicate"},
	} {
		_, err := b.PutRule(ctx, test.in)
		require.Error(t, err, name)
		refused(t, err, test.code, test.want)
	}
	target := func(change func(*types.Target)) []types.Target {
		one := types.Target{Id: aws.String("t"), Arn: aws.String(function)}
		change(&one)
		return []types.Target{one}
	}
	var six []types.Target
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		six = append(six, types.Target{Id: aws.String(id), Arn: aws.String(function)})
	}
	for name, test := range map[string]struct {
		rule       string
		targets    []types.Target
		code, want string
	}{
		"no rule":           {"absent", target(func(*types.Target) {}), "ResourceNotFoundException", "Rule absent does not exist on EventBus default."},
		"none":              {"r", []types.Target{}, "ValidationException", "targets"},
		"an id":             {"r", target(func(t *types.Target) { t.Id = aws.String("a b") }), "ValidationException", "targets.id"},
		"no ARN":            {"r", target(func(t *types.Target) { t.Arn = aws.String("f") }), "ValidationException", "Parameter f is not valid. Reason: Provided Arn is not in correct format."},
		"another service":   {"r", target(func(t *types.Target) { t.Arn = aws.String("arn:aws:ecs:eu-west-1:000000000000:cluster/c") }), "NotImplemented", "ecs"},
		"two inputs":        {"r", target(func(t *types.Target) { t.Input, t.InputPath = aws.String("{}"), aws.String("$") }), "ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target t."},
		"no JSON":           {"r", target(func(t *types.Target) { t.Input = aws.String("{") }), "ValidationException", "JSON syntax error in input for target t"},
		"a long input":      {"r", target(func(t *types.Target) { t.Input = aws.String(`"` + strings.Repeat("x", 8191) + `"`) }), "ValidationException", "8192"},
		"a path":            {"r", target(func(t *types.Target) { t.InputPath = aws.String("detail") }), "ValidationException", "InputPath"},
		"a path of a list":  {"r", target(func(t *types.Target) { t.InputPath = aws.String("$.resources[0]") }), "NotImplemented", "input path"},
		"a transformer":     {"r", target(func(t *types.Target) { t.InputTransformer = &types.InputTransformer{InputTemplate: aws.String("x")} }), "NotImplemented", "transformer"},
		"more than allowed": {"r", six, "LimitExceededException", "exceeds the maximum number allowed"},
	} {
		_, err := b.PutTargets(ctx, &sdk.PutTargetsInput{Rule: &test.rule, Targets: test.targets})
		require.Error(t, err, name)
		refused(t, err, test.code, test.want)
	}
	_, err := b.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: aws.String("absent")})
	refused(t, err, "ResourceNotFoundException", "absent")
	_, err = b.EnableRule(ctx, &sdk.EnableRuleInput{Name: aws.String("absent")})
	refused(t, err, "ResourceNotFoundException", "absent")
	_, err = b.ListTargetsByRule(ctx, &sdk.ListTargetsByRuleInput{Rule: aws.String("absent")})
	refused(t, err, "ResourceNotFoundException", "absent")
	_, err = b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: aws.String(prefix + "event-bus/default")})
	refused(t, err, "ValidationException", "Arn")
	_, err = b.ListRules(ctx, &sdk.ListRulesInput{NextToken: aws.String("!")})
	refused(t, err, "ValidationException", "token")
	_, err = b.ListRules(ctx, &sdk.ListRulesInput{Limit: aws.Int32(101)})
	refused(t, err, "ValidationException", "limit")
	_, err = b.PutEvents(ctx, &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{{}}})
	refused(t, err, "NotImplemented", "PutEvents")
}

func TestARuleCallsWhenItIsDue(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.rule("daily", "rate(1 day)",
		types.Target{Id: aws.String("a"), Arn: aws.String(function), Input: aws.String(`{"check":["x"]}`)}, types.Target{Id: aws.String("b"), Arn: aws.String(function)},
		types.Target{Id: aws.String("c"), Arn: aws.String(function), InputPath: aws.String("$.detail-type")}, types.Target{Id: aws.String("d"), Arn: aws.String(queue)},
		types.Target{Id: aws.String("e"), Arn: aws.String(function), InputPath: aws.String("$.detail.none")})
	require.Empty(t, b.move(day-time.Second))
	calls := b.move(time.Second)
	require.Len(t, calls, 3)
	require.Equal(t, call{function, prefix + "rule/daily", `{"check":["x"]}`}, calls[0])
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(calls[1].payload), &event))
	require.NotEmpty(t, event["id"])
	delete(event, "id")
	require.Equal(t, map[string]any{
		"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "time": "2026-03-02T12:00:00Z", "region": "eu-west-1",
		"resources": []any{prefix + "rule/daily"}, "detail": map[string]any{},
	}, event)
	require.JSONEq(t, `"Scheduled Event"`, calls[2].payload)
	require.Empty(t, b.move(0), "once")
	called, failed := b.service.Calls("daily")
	require.Equal(t, [2]int{4, 1}, [2]int{called, failed}, "a path that leads nowhere fails")
	require.Equal(t, map[string]float64{"AWS/Events TriggeredRules daily": 1, "AWS/Events Invocations daily": 4, "AWS/Events FailedInvocations daily": 1}, b.metrics)
}

func TestAClockThatJumpsCallsOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, found := b.service.NextDue()
	require.False(t, found)
	b.rule("at8", "cron(0 8 * * ? *)")
	b.rule("often", "rate(5 minutes)")
	next, found := b.service.NextDue()
	require.True(t, found)
	require.Equal(t, start.Add(5*time.Minute), next)
	calls := b.move(90*day + 7*time.Minute)
	require.Len(t, calls, 2)
	require.Contains(t, calls[0].payload, "2026-05-30T08:00:00Z")
	require.Contains(t, calls[1].payload, "2026-05-30T12:05:00Z", "the last time that it was due")
	require.Empty(t, b.move(3*time.Minute-time.Second))
	require.Len(t, b.move(time.Second), 1, "the rate keeps its beat")
}

func TestRulesThatDoNotCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.rule("r", "rate(1 hour)")
	_, err := b.DisableRule(ctx, &sdk.DisableRuleInput{Name: aws.String("r")})
	require.NoError(t, err)
	require.Empty(t, b.move(90*time.Minute))
	_, err = b.EnableRule(ctx, &sdk.EnableRuleInput{Name: aws.String("r")})
	require.NoError(t, err)
	require.Empty(t, b.move(59*time.Minute), "it counts from when it was enabled")
	require.Len(t, b.move(time.Minute), 1)
	_, err = b.PutRule(ctx, &sdk.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(1 hour)"), Description: aws.String("new")})
	require.NoError(t, err)
	require.Len(t, b.move(time.Hour), 1, "the same schedule goes on")
	_, err = b.PutRule(ctx, &sdk.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["x"]}`)})
	require.NoError(t, err)
	require.Empty(t, b.move(day))
}

func TestFailuresAreCountedAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.json")
	b := newBench(t, path)
	b.fail = errors.New("throttled")
	b.rule("r", "rate(1 hour)")
	require.Len(t, b.move(time.Hour), 1)
	require.Empty(t, b.move(time.Minute))
	again := newBench(t, path)
	called, failed := again.service.Calls("r")
	require.Equal(t, [2]int{1, 1}, [2]int{called, failed})
	require.Empty(t, again.move(time.Hour), "its next time was kept")
	require.Len(t, again.move(time.Hour), 1)
}

func TestWhatRequestsOfRolesAreOn(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for _, test := range [][3]string{
		{"PutRule", `{"Name":"r"}`, prefix + "rule/r"},
		{"PutTargets", `{"Rule":"r","Targets":[]}`, prefix + "rule/r"},
		{"TagResource", `{"ResourceARN":"arn:x"}`, "arn:x"},
		{"DescribeEventBus", `{}`, prefix + "event-bus/default"},
		{"ListRules", `{}`, "*"},
		{"ListRules", `[`, "*"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Amz-Target", events.Target+test[0])
		action, resource := b.service.Request(r, []byte(test[1]))
		require.Equal(t, "events:"+test[0], action)
		require.Equal(t, test[2], resource)
	}
}

func TestRunTicksInRealTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		service, err := events.New(events.Options{Account: account, Region: "eu-west-1", Now: time.Now, Invoke: func(context.Context, string, string, []byte) error {
			times = append(times, time.Now())
			return nil
		}})
		require.NoError(t, err)
		post(t, service, "PutRule", `{"Name":"r","ScheduleExpression":"rate(1 minute)"}`)
		post(t, service, "PutTargets", `{"Rule":"r","Targets":[{"Id":"f","Arn":"`+function+`"}]}`)
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- service.Run(ctx) }()
		<-time.After(2*time.Minute + 500*time.Millisecond) // of the bubble's clock
		synctest.Wait()
		require.Equal(t, []time.Time{begin.Add(time.Minute), begin.Add(2 * time.Minute)}, times)
		cancel()
		require.NoError(t, <-done)
	})
}

func post(t *testing.T, service *events.Service, operation, body string) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", events.Target+operation)
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code, w.Body.String())
}
