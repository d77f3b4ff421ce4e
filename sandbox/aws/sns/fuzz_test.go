package sns_test

import (
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/sns"
)

// FuzzRequest looks for requests that break the service: what it takes it can
// still read, and every answer is XML.
func FuzzRequest(f *testing.F) {
	arn := url.QueryEscape(topicARN)
	f.Add("CreateTopic", "Name=t&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=x&Tags.member.1.Key=a&Tags.member.1.Value=b")
	f.Add("SetTopicAttributes", "TopicArn="+arn+"&AttributeName=Policy&AttributeValue="+url.QueryEscape(policyOf(allow(cloudWatch, ""))))
	f.Add("SetTopicAttributes", "TopicArn="+arn+"&AttributeName=DeliveryPolicy&AttributeValue="+url.QueryEscape(`{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":9}}}`))
	f.Add("Subscribe", "TopicArn="+arn+"&Protocol=sqs&Endpoint="+url.QueryEscape(queue)+"&Attributes.entry.1.key=RedrivePolicy&Attributes.entry.1.value={}")
	f.Add("Publish", "TopicArn="+arn+"&MessageStructure=json&Message={\"default\":1}&MessageAttributes.entry.1.Name=a")
	f.Add("ConfirmSubscription", "TopicArn="+arn+"&Token=")
	f.Add("Unsubscribe", "SubscriptionArn="+url.QueryEscape(absent))
	f.Fuzz(func(t *testing.T, action, form string) {
		service, err := sns.New(sns.Options{
			Account: account, Region: "eu-west-1", Now: func() time.Time { return start }, Log: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		defer service.Close()
		send := func(body string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			service.Request(r, []byte(body))
			service.ServeHTTP(w, r)
			return w
		}
		require.Equal(t, http.StatusOK, send("Action=CreateTopic&Name=alarms").Code)
		answer := send("Action=" + url.QueryEscape(action) + "&" + form)
		require.NotEqual(t, http.StatusInternalServerError, answer.Code, answer.Body)
		decoder := xml.NewDecoder(answer.Body)
		for err == nil {
			_, err = decoder.Token()
		}
		require.ErrorIs(t, err, io.EOF)
		_ = service.PublishAs(sns.Publisher{Service: "cloudwatch.amazonaws.com", SourceARN: alarmARN}, topicARN, form, action)
		if answer.Code == http.StatusOK && action != "DeleteTopic" {
			require.Equal(t, http.StatusOK, send("Action=GetTopicAttributes&TopicArn="+url.QueryEscape(topicARN)).Code)
		}
	})
}
