package cloudwatch_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/cloudwatch"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// post sends a request as older clients do: a form of Query, or JSON with a
// target.
func (b *bench) post(target, body string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url, strings.NewReader(body))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if target != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", cloudwatch.Target+target)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	raw, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, answer.Body.Close())
	return answer, string(raw)
}

func TestThreeProtocolsPutTheSameAlarm(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := errorsAlarm("cbor")
	b.put(in)
	form := url.Values{
		"Action": {"PutMetricAlarm"}, "Version": {"2010-08-01"}, "AlarmName": {"query"}, "Namespace": {"AWS/Lambda"}, "MetricName": {"Errors"}, "Statistic": {"Sum"},
		"Dimensions.member.1.Name": {"FunctionName"}, "Dimensions.member.1.Value": {"rotate"}, "Period": {"60"}, "EvaluationPeriods": {"1"}, "Threshold": {"0"},
		"ComparisonOperator": {"GreaterThanThreshold"}, "AlarmActions.member.1": {topic}, "OKActions.member.1": {topic}, "InsufficientDataActions.member.1": {topic},
	}
	answer, body := b.post("", form.Encode())
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	require.Contains(t, body, "<PutMetricAlarmResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">")
	answer, body = b.post("PutMetricAlarm", `{"AlarmName":"json","Namespace":"AWS/Lambda","MetricName":"Errors","Statistic":"Sum","Dimensions":[{"Name":"FunctionName","Value":"rotate"}],"Period":60,"EvaluationPeriods":1,"Threshold":0,"ComparisonOperator":"GreaterThanThreshold","AlarmActions":["`+topic+`"],"OKActions":["`+topic+`"],"InsufficientDataActions":["`+topic+`"]}`)
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	require.Equal(t, "{}", body)

	want := b.alarm("cbor")
	for _, name := range []string{"query", "json"} {
		got := b.alarm(name)
		got.AlarmName, got.AlarmArn = want.AlarmName, want.AlarmArn
		require.Equal(t, want, got, name)
	}

	_, body = b.post("DescribeAlarms", `{"AlarmNames":["cbor"]}`)
	var asJSON struct {
		MetricAlarms []struct {
			AlarmName                          string
			Threshold                          float64
			AlarmConfigurationUpdatedTimestamp float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &asJSON))
	require.Equal(t, "cbor", asJSON.MetricAlarms[0].AlarmName)
	require.InDelta(t, start.Unix(), asJSON.MetricAlarms[0].AlarmConfigurationUpdatedTimestamp, 0)
	_, body = b.post("", url.Values{"Action": {"DescribeAlarms"}, "AlarmNames.member.1": {"cbor"}, "MaxRecords": {"10"}}.Encode())
	var asXML struct {
		Result struct {
			MetricAlarms struct {
				Member []struct {
					AlarmName                          string
					AlarmConfigurationUpdatedTimestamp time.Time
					Dimensions                         struct {
						Member []struct{ Name, Value string } `xml:"member"`
					}
				} `xml:"member"`
			}
		} `xml:"DescribeAlarmsResult"`
	}
	require.NoError(t, xml.Unmarshal([]byte(body), &asXML), body)
	require.Equal(t, "cbor", asXML.Result.MetricAlarms.Member[0].AlarmName)
	require.Equal(t, start, asXML.Result.MetricAlarms.Member[0].AlarmConfigurationUpdatedTimestamp.UTC())
	require.Equal(t, "rotate", asXML.Result.MetricAlarms.Member[0].Dimensions.Member[0].Value)
}

func TestRefusalsInEachProtocol(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	answer, body := b.post("", "Action=GetDashboard&DashboardName=x")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	require.Equal(t, `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>ResourceNotFound</Code><Message>Dashboard x does not exist</Message></Error><RequestId></RequestId></ErrorResponse>`, body)
	answer, body = b.post("GetDashboard", `{"DashboardName":"x"}`)
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	require.JSONEq(t, `{"__type":"com.amazonaws.cloudwatch#DashboardNotFoundError","message":"Dashboard x does not exist"}`, body)
	require.Equal(t, "ResourceNotFound;Sender", answer.Header.Get("X-Amzn-Query-Error"))
	for _, form := range []string{
		"Action=PutMetricAlarm&Period=x", "Action=PutMetricAlarm&Threshold=x", "Action=PutMetricAlarm&ActionsEnabled=x", "Action=GetMetricData&StartTime=x", "Action=%zz",
	} {
		answer, body = b.post("", form)
		require.Equal(t, http.StatusBadRequest, answer.StatusCode, body)
		require.Contains(t, body, "MalformedInput", form)
	}
	answer, body = b.post("PutMetricAlarm", `{"Period":"x"}`)
	require.Equal(t, http.StatusBadRequest, answer.StatusCode)
	require.Contains(t, body, "SerializationException")
	answer, body = b.post("", "Action=Fly")
	require.Equal(t, http.StatusNotImplemented, answer.StatusCode)
	require.Contains(t, body, "CloudWatch operation Fly is not implemented by the sandbox")
}

func TestRefusalsOfWhatStandsBeforeTheService(t *testing.T) {
	t.Parallel()
	err := &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"}
	for path, want := range map[string]string{"/": "text/xml", "/service/GraniteServiceVersion20100801/operation/ListMetrics": "application/cbor"} {
		w := httptest.NewRecorder()
		cloudwatch.WriteError(w, httptest.NewRequest(http.MethodPost, path, nil), err)
		require.Equal(t, http.StatusForbidden, w.Code)
		require.Equal(t, want, w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), "AccessDenied")
	}
}

func TestWhatRequestsOfRolesAreOn(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	arn := b.service.AlarmARN("x")
	for body, want := range map[string][2]string{
		"Action=PutMetricData&Namespace=N":                                                   {"cloudwatch:PutMetricData", "*"},
		"Action=SetAlarmState&AlarmName=x":                                                   {"cloudwatch:SetAlarmState", arn},
		"Action=DescribeAlarms&AlarmNames.member.1=x":                                        {"cloudwatch:DescribeAlarms", arn},
		"Action=DeleteAlarms&AlarmNames.member.1=x&AlarmNames.member.2=y":                    {"cloudwatch:DeleteAlarms", b.service.AlarmARN("*")},
		"Action=ListTagsForResource&ResourceARN=" + url.QueryEscape(b.service.AlarmARN("y")): {"cloudwatch:ListTagsForResource", b.service.AlarmARN("y")},
		"%zz": {"cloudwatch:*", "*"},
	} {
		action, resource := b.service.Request(httptest.NewRequest(http.MethodPost, "/", nil), []byte(body))
		require.Equal(t, want, [2]string{action, resource}, body)
	}
}

func TestRunTicksEveryMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		service, err := cloudwatch.New(cloudwatch.Options{Account: account, Region: "eu-west-1", Now: time.Now, Notify: func(_, subject string, _ []byte) error {
			told = append(told, subject)
			return nil
		}})
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=PutMetricAlarm&AlarmName=x&Namespace=N&MetricName=a&Statistic=Sum&Period=60&EvaluationPeriods=1&Threshold=0&ComparisonOperator=GreaterThanThreshold&AlarmActions.member.1="+topic))
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		service.Record("N", "a", nil, 1, time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- service.Run(ctx) }()
		<-time.After(3 * time.Minute) // of the bubble's clock
		synctest.Wait()
		require.Equal(t, []string{`ALARM: "x" in EU (Ireland)`}, told)
		cancel()
		require.NoError(t, <-done)
	})
}
