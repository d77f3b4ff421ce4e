package secretsmanager_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
)

const incomplete = "A previous rotation isn't complete. That rotation will be reattempted."

var allSteps = []string{"createSecret", "setSecret", "testSecret", "finishSecret"}

// newRotation is a bench with a rotation function that may do what it must.
func newRotation(t *testing.T, options secretsmanager.Options) *bench {
	t.Helper()
	b := newBench(t, options)
	b.callers["rotator"] = secretsmanager.Caller{
		ARN: "arn:aws:sts::123456789012:assumed-role/rotator/rotate", RoleARN: rotator,
		Policies: []string{document(`{"Effect":"Allow","Action":["secretsmanager:DescribeSecret","secretsmanager:GetSecretValue","secretsmanager:PutSecretValue","secretsmanager:UpdateSecretVersionStage"],"Resource":"*","Condition":{"StringEquals":{"secretsmanager:resource/AllowRotationLambdaArn":"` + function + `"}}}`)},
	}
	return b
}

func days(n int64) *types.RotationRulesType {
	return &types.RotationRulesType{AutomaticallyAfterDays: &n}
}

// schedule asks for rotation every so many days, and for one now.
func (b *bench) schedule(id string, every int64) string {
	b.t.Helper()
	out, err := b.RotateSecret(b.t.Context(), &sdk.RotateSecretInput{SecretId: &id, RotationLambdaARN: aws.String(function), RotationRules: days(every)})
	require.NoError(b.t, err)
	require.NoError(b.t, b.service.Tick())
	return *out.VersionId
}

func kinds(events []string) []string {
	var kinds []string
	for _, event := range events {
		kind, _, _ := strings.Cut(event, " ")
		kinds = append(kinds, kind)
	}
	return kinds
}

func TestTheFirstRotationNeedsNoValue(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []bool{false, true} {
		b := newRotation(t, secretsmanager.Options{FirstIsCurrent: atOnce})
		arn := b.create("web", "")
		version := b.schedule(arn, 90)
		got := b.describe(arn)
		require.Equal(t, allSteps, b.called())
		require.Equal(t, []string{"RotationStarted version " + version, "RotationSucceeded version " + version}, b.seen())
		require.True(t, *got.RotationEnabled)
		require.Equal(t, function, *got.RotationLambdaARN)
		require.EqualValues(t, 90, *got.RotationRules.AutomaticallyAfterDays)
		require.Equal(t, start, *got.LastRotatedDate)
		require.Equal(t, start.Add(90*day), *got.NextRotationDate)
		want := []string{"AWSCURRENT"}
		if atOnce { // the function of the template does nothing with a version that is current
			want = append(want, "AWSPENDING")
		}
		require.Equal(t, map[string][]string{version: want}, got.VersionIdsToStages)
		require.Equal(t, "value of "+version, b.get(arn, ""))
		b.moveAndTick(90 * day)
		require.Equal(t, "value of "+version, b.get(arn, "AWSPREVIOUS"))
	}
}

func TestTwoYearsOfRotations(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{Path: filepath.Join(t.TempDir(), "secrets.json")})
	web := b.create("web", "one")
	b.schedule("web", 90)
	b.move(time.Hour)
	b.create("daemon", "one")
	b.schedule("daemon", 90)
	b.seen()
	values := map[string]bool{}
	for i := range 2 * 365 {
		if i%100 == 50 {
			b.reopen()
		}
		b.moveAndTick(day)
		values[b.get(web, "")] = true
		require.NotEqual(t, b.get(web, ""), b.get(web, "AWSPREVIOUS"))
	}
	require.Len(t, values, 9, "the first and one every 90 days")
	require.Len(t, b.seen(), 2*2*8)
	require.Equal(t, start.Add(720*day+time.Hour), *b.describe(web).LastRotatedDate, "the first tick of a day is an hour later")
}

func TestAJumpOverSeveralDatesRotatesOnceInOrder(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	b.create("late", "1")
	b.create("early", "1")
	b.schedule("late", 20)
	b.schedule("early", 10)
	b.seen()
	b.moveAndTick(100 * day)
	events := b.seen()
	require.Equal(t, []string{"RotationStarted", "RotationSucceeded", "RotationStarted", "RotationSucceeded"}, kinds(events))
	early, late := b.describe("early"), b.describe("late")
	require.Contains(t, early.VersionIdsToStages, strings.TrimPrefix(events[0], "RotationStarted version "))
	require.Contains(t, late.VersionIdsToStages, strings.TrimPrefix(events[2], "RotationStarted version "))
	require.Equal(t, start.Add(110*day), *early.NextRotationDate)
	require.NoError(t, b.service.Tick())
	require.Empty(t, b.seen())
}

func TestTheNextRotationIsTold(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	_, some := b.service.NextDue()
	require.False(t, some)
	b.create("late", "1")
	b.create("early", "1")
	b.schedule("late", 20)
	b.schedule("early", 10)
	next, some := b.service.NextDue()
	require.True(t, some)
	require.Equal(t, start.Add(10*day), next)
	b.rotate = func(string, string) error { return errFunction }
	b.moveAndTick(10 * day)
	next, _ = b.service.NextDue()
	require.Equal(t, b.read().Add(time.Minute), next, "what failed is tried again")
}

func TestAFailedStepIsTriedAgainWithTheSameVersion(t *testing.T) {
	t.Parallel()
	for at, step := range allSteps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := newRotation(t, secretsmanager.Options{Path: filepath.Join(t.TempDir(), "secrets.json")})
			arn := b.create("web", "one")
			b.rotate = func(now, _ string) error {
				if now == step {
					return errFunction
				}
				return nil
			}
			version := b.schedule(arn, 30)
			started, failed := "RotationStarted version "+version, "RotationFailed version "+version+": "+step+": failed"
			require.Equal(t, []string{started, failed}, b.seen(), "and never what the function says")
			require.Equal(t, allSteps[:at+1], b.called())
			require.Equal(t, []string{"AWSPENDING"}, b.describe(arn).VersionIdsToStages[version])
			require.Nil(t, b.describe(arn).LastRotatedDate)
			for _, wait := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, day, day} {
				b.moveAndTick(wait - time.Second)
				require.Empty(t, b.seen())
				b.reopen()
				b.moveAndTick(time.Second)
				require.Equal(t, []string{started, failed}, b.seen())
			}
			b.called()
			b.rotate = nil
			b.moveAndTick(day)
			require.Equal(t, []string{started, "RotationSucceeded version " + version}, b.seen())
			require.Equal(t, allSteps, b.called(), "from the beginning")
			require.Equal(t, "value of "+version, b.get(arn, ""))
			require.Equal(t, b.read().Add(30*day), *b.describe(arn).NextRotationDate)
		})
	}
}

func TestARotationThatIsNotCompleteIsAttemptedBeforeAnother(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	ctx := t.Context()
	arn := b.create("web", "one")
	b.rotate = func(string, string) error { return errFunction }
	version := b.schedule(arn, 30)
	b.seen()
	again := &sdk.RotateSecretInput{SecretId: &arn, RotationRules: days(10)}
	_, err := b.RotateSecret(ctx, again)
	requireRefusal(t, err, "InvalidRequestException", incomplete)
	require.NoError(t, b.service.Tick())
	require.Equal(t, []string{"RotationStarted", "RotationFailed"}, kinds(b.seen()))
	require.EqualValues(t, 30, *b.describe(arn).RotationRules.AutomaticallyAfterDays)
	b.rotate = nil
	_, err = b.RotateSecret(ctx, again)
	requireRefusal(t, err, "InvalidRequestException", incomplete)
	require.NoError(t, b.service.Tick())
	require.Equal(t, "value of "+version, b.get(arn, ""))
	_, err = b.RotateSecret(ctx, again)
	require.NoError(t, err)
	require.NoError(t, b.service.Tick())
	require.Equal(t, "value of "+version, b.get(arn, "AWSPREVIOUS"))
	require.Equal(t, start.Add(10*day), *b.describe(arn).NextRotationDate)
}

func TestTheSameRequestAgainIsTheSameRotation(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	b.create("web", "one")
	entered, leave := make(chan struct{}), make(chan struct{})
	b.rotate = func(step, _ string) error {
		if step == "createSecret" {
			close(entered)
			<-leave
		}
		return nil
	}
	in := &sdk.RotateSecretInput{SecretId: aws.String("web"), ClientRequestToken: token(), RotationLambdaARN: aws.String(function), RotationRules: days(30)}
	_, err := b.RotateSecret(t.Context(), in)
	require.NoError(t, err, "the end of the rotation is not waited for")
	<-entered
	got := b.describe("web").VersionIdsToStages
	require.Equal(t, []string{"AWSPENDING"}, got[*in.ClientRequestToken])
	_, err = b.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String("web"), VersionId: in.ClientRequestToken, VersionStage: aws.String("AWSPENDING")})
	requireRefusal(t, err, "ResourceNotFoundException", "for VersionId: "+*in.ClientRequestToken)
	requireRefusal(t, b.label("web", "x", *in.ClientRequestToken, *in.ClientRequestToken), "InvalidParameterException", "isn't currently attached")
	now := ""
	for id, stages := range got {
		if stages[0] == "AWSCURRENT" {
			now = id
		}
	}
	requireRefusal(t, b.label("web", "AWSCURRENT", *in.ClientRequestToken, now), "InvalidRequestException", "without a value")
	out, err := b.RotateSecret(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, *in.ClientRequestToken, *out.VersionId)
	close(leave)
	require.NoError(t, b.service.Tick())
	require.Equal(t, []string{"RotationStarted", "RotationSucceeded"}, kinds(b.seen()))
	in.ClientRequestToken = aws.String(now)
	_, err = b.RotateSecret(t.Context(), in)
	requireRefusal(t, err, "ResourceExistsException", "already in use")
}

func TestATestOfTheFunctionLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	before := b.describe(arn).VersionIdsToStages
	for _, fails := range []error{nil, errFunction} {
		b.rotate = func(string, string) error { return fails }
		_, err := b.RotateSecret(t.Context(), &sdk.RotateSecretInput{
			SecretId: &arn, RotationLambdaARN: aws.String(function), RotationRules: days(30), RotateImmediately: aws.Bool(false),
		})
		require.NoError(t, err)
		require.NoError(t, b.service.Tick())
		require.Equal(t, []string{"testSecret"}, b.called())
		want := []string{"TestRotationStarted", "TestRotationSucceeded"}
		if fails != nil {
			want[1] = "TestRotationFailed"
		}
		require.Equal(t, want, kinds(b.seen()))
		got := b.describe(arn)
		require.Equal(t, before, got.VersionIdsToStages)
		require.Nil(t, got.LastRotatedDate)
		require.Equal(t, start.Add(30*day), *got.NextRotationDate)
	}
	all, err := b.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: &arn, IncludeDeprecated: aws.Bool(true)})
	require.NoError(t, err)
	require.Len(t, all.Versions, 1)
	b.rotate = nil
	b.moveAndTick(30 * day)
	require.Equal(t, allSteps, b.called())
}

func TestAShorterScheduleMayRotateAtOnce(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	b.schedule(arn, 90)
	b.moveAndTick(40 * day)
	b.called()
	later := func(rules *types.RotationRulesType) *time.Time {
		_, err := b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: &arn, RotationRules: rules, RotateImmediately: aws.Bool(false)})
		require.NoError(t, err)
		require.NoError(t, b.service.Tick())
		return b.describe(arn).NextRotationDate
	}
	require.Equal(t, start.Add(60*day), *later(days(60)))
	require.Equal(t, time.Date(2026, 4, 15, 4, 0, 0, 0, time.UTC), *later(&types.RotationRulesType{ScheduleExpression: aws.String("cron(0 4 15 * ? *)")}))
	require.Equal(t, []string{"testSecret", "testSecret"}, b.called())
	later(days(30))
	require.Equal(t, "testSecret", b.called()[0])
	require.NoError(t, b.service.Tick())
	require.Equal(t, start.Add(70*day), *b.describe(arn).NextRotationDate, "it was due for ten days")
}

func TestAValueByHandCountsForTheSchedule(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	b.schedule(arn, 30)
	b.move(20 * day)
	b.put(arn, "aside", "mine")
	require.Equal(t, start.Add(30*day), *b.describe(arn).NextRotationDate)
	b.put(arn, "by hand")
	require.Equal(t, start.Add(50*day), *b.describe(arn).NextRotationDate)
	require.Equal(t, start, *b.describe(arn).LastRotatedDate)
}

func TestCancelledRotation(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	ctx := t.Context()
	arn := b.create("web", "one")
	_, err := b.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: &arn})
	requireRefusal(t, err, "InvalidRequestException", "isn't configured for rotation")
	b.rotate = func(step, _ string) error {
		if step == "setSecret" {
			return errFunction
		}
		return nil
	}
	version := b.schedule(arn, 30)
	out, err := b.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.Equal(t, version, *out.VersionId)
	got := b.describe(arn)
	require.False(t, *got.RotationEnabled)
	require.Equal(t, function, *got.RotationLambdaARN)
	require.Nil(t, got.NextRotationDate)
	b.rotate = nil
	b.seen()
	b.moveAndTick(60 * day)
	require.Empty(t, b.seen())

	_, err = b.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: &arn})
	requireRefusal(t, err, "InvalidRequestException", incomplete)
	require.NoError(t, b.service.Tick())
	require.Empty(t, b.seen(), "nobody attempts it")
	require.NoError(t, b.label(arn, "AWSPENDING", "", version))
	_, err = b.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.NoError(t, b.service.Tick())
	require.Equal(t, []string{"RotationStarted", "RotationSucceeded"}, kinds(b.seen()))
	for range 2 {
		out, err = b.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: &arn})
		require.NoError(t, err)
		require.Nil(t, out.VersionId)
	}
}

func TestARotationThatIsCancelledUnderWayStops(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	b.rotate = func(step, _ string) error {
		if step != "setSecret" {
			return nil
		}
		_, err := b.CancelRotateSecret(context.Background(), &sdk.CancelRotateSecretInput{SecretId: &arn})
		return errors.Join(err, errFunction)
	}
	b.schedule(arn, 30)
	require.Equal(t, allSteps[:2], b.called())
	require.Equal(t, []string{"RotationStarted"}, kinds(b.seen()))
	require.False(t, *b.describe(arn).RotationEnabled)
}

func TestALabelTakenOffAbandonsTheRotation(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	b.rotate = func(string, string) error { return errFunction }
	version := b.schedule(arn, 30)
	require.NoError(t, b.label(arn, "AWSPENDING", "", version))
	b.seen()
	b.moveAndTick(time.Minute)
	require.Equal(t, []string{"RotationStarted", "RotationAbandoned"}, kinds(b.seen()))
	require.Equal(t, b.read().Add(30*day), *b.describe(arn).NextRotationDate)
	b.moveAndTick(day)
	require.Empty(t, b.seen())
}

func TestAFunctionThatFinishesNothingHasFailed(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{Invoke: func(context.Context, string, string, []byte) ([]byte, error) { return nil, nil }})
	arn := b.create("web", "one")
	version := b.schedule(arn, 30)
	require.Equal(t, "RotationFailed version "+version+": finishSecret: the version is not current and still AWSPENDING", b.seen()[1])
	require.Nil(t, b.describe(arn).LastRotatedDate)
}

func TestFunctionsThatMayNotBeInvoked(t *testing.T) {
	t.Parallel()
	permitted, invoked := false, 0
	b := newRotation(t, secretsmanager.Options{
		Permitted: func(functionARN, secretARN string) bool {
			require.Equal(t, function, functionARN)
			require.True(t, strings.HasPrefix(secretARN, prefix+"web-"))
			return permitted
		},
		Invoke: func(context.Context, string, string, []byte) ([]byte, error) {
			invoked++
			return nil, fmt.Errorf("invoking: %w", secretsmanager.ErrNotPermitted)
		},
	})
	b.create("web", "one")
	in := &sdk.RotateSecretInput{SecretId: aws.String("web"), RotationLambdaARN: aws.String(function), RotationRules: days(1)}
	_, err := b.RotateSecret(t.Context(), in)
	requireRefusal(t, err, "AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.")
	require.Nil(t, b.describe("web").RotationEnabled)
	require.Len(t, b.describe("web").VersionIdsToStages, 1)
	b.withReader(`{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}`)
	_, err = b.as("reader").RotateSecret(t.Context(), in)
	requireRefusal(t, err, "AccessDeniedException", "lambda:InvokeFunction on resource: "+function)
	permitted = true
	b.schedule("web", 1)
	require.Equal(t, 1, invoked)
	require.Contains(t, b.seen()[1], "createSecret: no permission to invoke the function")
}

func TestWithoutFunctionsNothingRotates(t *testing.T) {
	t.Parallel()
	service, err := secretsmanager.New(secretsmanager.Options{Account: account, Region: "eu-west-1", Now: time.Now})
	require.NoError(t, err)
	b := newBench(t, secretsmanager.Options{})
	b.options.Invoke, b.options.Caller, b.options.CheckKey, b.options.OnEvent = nil, nil, nil, nil
	b.reopen()
	b.create("web", "one")
	_, err = b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: aws.String("web"), RotationLambdaARN: aws.String(function), RotationRules: days(1)})
	requireRefusal(t, err, "AccessDeniedException", "cannot invoke")
	require.NoError(t, service.Tick())
	require.NoError(t, service.Close())
}

func TestARotationThatTheEndInterruptsIsTriedAgain(t *testing.T) {
	t.Parallel()
	interrupted := make(chan struct{})
	b := newRotation(t, secretsmanager.Options{Path: filepath.Join(t.TempDir(), "secrets.json")})
	invoke := b.options.Invoke
	b.options.Invoke = func(ctx context.Context, _, _ string, _ []byte) ([]byte, error) {
		close(interrupted)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	b.reopen()
	arn := b.create("web", "one")
	out, err := b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: &arn, RotationLambdaARN: aws.String(function), RotationRules: days(30)})
	require.NoError(t, err)
	<-interrupted
	require.NoError(t, b.service.Close())
	require.NoError(t, b.service.Tick(), "a service that ended starts nothing")
	require.Equal(t, []string{"RotationStarted"}, kinds(b.seen()))
	b.options.Invoke = invoke
	b.reopen()
	require.NoError(t, b.service.Tick())
	require.Equal(t, "value of "+*out.VersionId, b.get(arn, ""))
}

func TestRunDoesWhatIsDueUntilItEnds(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	b.schedule(arn, 30)
	b.called()
	b.move(30 * day)
	ctx, cancel := context.WithCancel(t.Context())
	b.rotate = func(step, _ string) error {
		if step == "finishSecret" {
			cancel()
		}
		return nil
	}
	require.NoError(t, b.service.Run(ctx))
	require.Equal(t, allSteps, b.called())
}

func TestDeletedSecretsAreNotRotated(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	arn := b.create("web", "one")
	b.schedule(arn, 5)
	b.called()
	_, err := b.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: &arn})
	require.NoError(t, err)
	b.moveAndTick(10 * day)
	require.Empty(t, b.called())
	_, err = b.RestoreSecret(t.Context(), &sdk.RestoreSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.NoError(t, b.service.Tick())
	require.Equal(t, allSteps, b.called())
}

func TestSchedulesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newRotation(t, secretsmanager.Options{})
	b.create("web", "one")
	expression := func(text, duration string) *types.RotationRulesType {
		return &types.RotationRulesType{ScheduleExpression: &text, Duration: optional(duration)}
	}
	for name, test := range map[string]struct {
		rules *types.RotationRulesType
		text  string
	}{
		"no days":               {days(0), "within 1-1000"},
		"too many days":         {days(1001), "within 1-1000"},
		"nothing":               {&types.RotationRulesType{}, "You must specify"},
		"both":                  {&types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(1), ScheduleExpression: aws.String("rate(1 day)")}, "not both"},
		"minutes":               {expression("rate(5 minutes)", ""), "want rate(N hours)"},
		"three hours":           {expression("rate(3 hours)", ""), "at least four hours"},
		"1000 days":             {expression("rate(1000 days)", ""), "at most 999 days"},
		"no expression":         {expression("daily", ""), "want rate(N hours)"},
		"minute of a cron":      {expression("cron(30 4 * * ? *)", ""), "want cron("},
		"both days of a cron":   {expression("cron(0 4 1 * 1 *)", ""), "want cron("},
		"no day of a cron":      {expression("cron(0 4 ? * ? *)", ""), "want cron("},
		"year of a cron":        {expression("cron(0 4 * * ? 2030)", ""), "want cron("},
		"hour of a cron":        {expression("cron(0 24 * * ? *)", ""), "want cron("},
		"month of a cron":       {expression("cron(0 4 1 FOO ? *)", ""), "want cron("},
		"a day that never is":   {expression("cron(0 4 30 2 ? *)", ""), "want cron("},
		"range of a cron":       {expression("cron(0 4 5-1 * ? *)", ""), "want cron("},
		"increment of a cron":   {expression("cron(0 0/0 * * ? *)", ""), "want cron("},
		"fields of a cron":      {expression("cron(0 4 * *)", ""), "want cron("},
		"an open cron":          {expression("cron(0 4 * * ? *", ""), "want cron("},
		"sixth Monday":          {expression("cron(0 4 ? * MON#6 *)", ""), "want cron("},
		"first of two weekdays": {expression("cron(0 4 ? * MON,TUE#1 *)", ""), "want cron("},
		"every hour":            {expression("cron(0 * * * ? *)", ""), "at least four hours between"},
		"nearest weekday":       {expression("cron(0 4 15W * ? *)", ""), "W in schedules"},
		"duration":              {expression("rate(1 day)", "90m"), "want hours"},
		"no duration":           {expression("rate(1 day)", "0h"), "must not extend"},
		"long duration":         {expression("rate(4 hours)", "5h"), "must not extend"},
		"duration of a cron":    {expression("cron(0 20 * * ? *)", "5h"), "must not extend"},
		"none at all":           {nil, "You must specify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: aws.String("web"), RotationLambdaARN: aws.String(function), RotationRules: test.rules})
			require.ErrorContains(t, err, test.text)
		})
	}
	_, err := b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: aws.String("web"), RotationRules: days(1)})
	requireRefusal(t, err, "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
	_, err = b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: aws.String("web"), RotationLambdaARN: aws.String(strings.Repeat("a", 2049)), RotationRules: days(1)})
	requireRefusal(t, err, "ValidationException", "2048")
	_, err = b.RotateSecret(t.Context(), &sdk.RotateSecretInput{SecretId: aws.String("web"), ExternalSecretRotationRoleArn: aws.String("a")})
	requireRefusal(t, err, "NotImplemented", "external")
}
