package doctor

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"
)

// want is a finding that something broken leads to. Texts are parts of its own.
type want struct {
	severity          Severity
	check             string
	subject, evidence string
	fix               string
}

// broken is a stack with something wrong, and all that is found then.
type broken struct {
	breaks func(*testing.T, *deployed)
	want   []want
}

// requireFound requires that what is wanted was found, each with its fix, and
// nothing else.
func requireFound(t *testing.T, wants []want, report Report) {
	t.Helper()
	left := problems(report)
	for _, w := range wants {
		found := -1
		for i, f := range left {
			if f.Severity == w.severity && f.Check == w.check && strings.Contains(f.Subject, w.subject) &&
				strings.Contains(f.Evidence, w.evidence) && strings.Contains(f.Fix, w.fix) && (f.Fix != "" || w.fix == "") {
				found = i
				break
			}
		}
		require.NotEqual(t, -1, found, "want %+v\namong %s", w, describe(left))
		left = append(left[:found:found], left[found+1:]...)
	}
	require.Empty(t, left, "more than what is broken: %s", describe(left))
}

func describe(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "\n  %s %s | %s | %s | %s", f.Severity, f.Check, f.Subject, f.Evidence, f.Fix)
	}
	return b.String()
}

func TestWhatIsBrokenIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, group := range []map[string]broken{
		brokenDiscovery, brokenGateway, brokenAuthorizer, brokenEntra, brokenGrants, brokenSecrets, brokenStage, brokenDelivery, brokenAlarms,
	} {
		for name, tc := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := w.deploy(t)
				d.SkipDelivery = true
				tc.breaks(t, d)
				report := d.Examine(t.Context())
				if d.SkipDelivery {
					tc.want = append(tc.want, want{severity: SeverityInfo, check: CheckDelivery})
				}
				requireFound(t, tc.want, report)
			})
		}
	}
}

// allChecks are the names of all checks.
func allChecks() map[string]bool {
	names := map[string]bool{}
	for _, c := range checks {
		names[c.name] = true
	}
	return names
}

func TestWhatCannotBeCheckedIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	named := map[string][]Permission{}
	for _, p := range Permissions {
		require.True(t, allChecks()[p.Check], p.Check)
		named[p.Name] = append(named[p.Name], p)
	}
	for name, permissions := range named {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := w.deploy(t)
			d.wire.denied[name] = true
			report := d.Examine(t.Context())
			checked := map[string]bool{}
			for _, f := range problems(report) {
				require.Equal(t, SeverityError, f.Severity)
				require.True(t, strings.HasPrefix(f.Evidence, "could not be checked: "), f.Evidence)
				require.Equal(t, "let who runs this have "+name, f.Fix)
				checked[f.Check] = true
			}
			for _, p := range permissions {
				require.True(t, checked[p.Check], "%s is silent", p.Check)
				delete(checked, p.Check)
			}
			require.Empty(t, checked, "checks that need it, and the table does not say so")
			require.False(t, report.Healthy(false))
		})
	}
}

func TestACloudThatFailsIsNoNews(t *testing.T) {
	t.Parallel()
	d := newWorld(t).deploy(t)
	d.SkipDelivery = true
	d.wire.answer("sns:GetTopicAttributes", http.StatusBadRequest, `<ErrorResponse><Error><Code>InvalidParameter</Code><Message>no</Message></Error></ErrorResponse>`)
	requireFound(t, []want{
		{severity: SeverityError, check: CheckAlarms, subject: topicARN, evidence: "could not be checked", fix: "it takes sns:GetTopicAttributes"},
		{severity: SeverityInfo, check: CheckDelivery},
	}, d.Examine(t.Context()))
}

func TestATopicOfTheSandbox(t *testing.T) {
	t.Parallel()
	d := newWorld(t).deploy(t)
	d.SkipDelivery = true
	clear(d.wire.answers)
	d.secret(t, 200*24*time.Hour, true)
	topic, err := d.Clouds.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{
		Name: &d.Stack, Attributes: map[string]string{"KmsMasterKeyId": d.key},
	})
	require.NoError(t, err)
	_, err = d.Clouds.SNS.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(strings.ReplaceAll(alarmsTopic, `"Resource":"*"`, `"Resource":"`+*topic.TopicArn+`"`)),
	})
	require.NoError(t, err)
	_, err = d.Clouds.SNS.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com"),
	})
	require.NoError(t, err)
	d.putAlarm(t, *topic.TopicArn)
	requireFound(t, []want{
		{SeverityWarning, CheckAlarms, *topic.TopicArn, "email ops@example.com", "confirm"},
		{SeverityWarning, CheckAlarms, *topic.TopicArn, "alarms reach nobody", "alarms.subscriptions"},
		{severity: SeverityInfo, check: CheckDelivery},
	}, d.Examine(t.Context()))

	d.putAlarm(t, *topic.TopicArn+"-gone")
	require.Contains(t, describe(problems(d.Examine(t.Context()))), "-gone | it does not exist")
}
