package edge

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// proxyToFunction calls the function of a Lambda proxy integration and passes
// on its answer. Lambda's own limit on payloads, 6 MB, is left to Lambda.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (x *exchange) proxyToFunction(i *integration) {
	var body []byte
	if x.r.ContentLength > 0 {
		var err error
		if body, err = readLimited(x.r.Body); err != nil {
			x.refuse(errBadRequest)
			return
		}
	}
	called := x.edge.options.Now()
	answer, err := x.edge.invoke(x.r.Context(), i.function, x.route.source, x.proxyEvent(i.request, body), i.timeout)
	x.integration.called = true
	x.integration.latency = x.edge.options.Now().Sub(called)
	var failed *FunctionError
	if err == nil || errors.As(err, &failed) {
		x.integration.apiStatus = http.StatusOK // Lambda's, also when the function failed
	}
	if err != nil {
		x.integration.fault = integrationFailure(err)
		if errors.As(err, new(*timeoutError)) {
			x.refuse(errTimeout)
		} else {
			x.refuse(errIntegration)
		}
		return
	}
	got, err := parseFunctionAnswer(answer)
	if err == nil && len(got.body) > MaxPayloadBytes {
		err = invalidAnswer("%w", errTooLong)
	}
	if err != nil {
		x.integration.fault = "the function returned an " + err.Error()
		x.refuse(errIntegration)
		return
	}
	x.integration.status = got.status
	x.passOn(got, i.responses[got.status])
}

// integrationFailure is $context.integrationErrorMessage. The text about
// permissions is AWS's; the others are guesses.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
func integrationFailure(err error) string {
	if errors.Is(err, ErrNotPermitted) {
		return "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. Check the permissions and try again."
	}
	return err.Error()
}

// parseFunctionAnswer reads what a backend function returned: an object with a
// statusCode says what to answer; any other JSON is itself the body of a 200,
// text without its quotes.
func parseFunctionAnswer(raw []byte) (backendAnswer, error) {
	var value any
	if err := decodeJSON(raw, &value); err != nil {
		return backendAnswer{}, invalidAnswer("want JSON")
	}
	members, _ := value.(map[string]any)
	status, ok := members["statusCode"]
	if !ok {
		body := raw
		if text, isText := value.(string); isText {
			body = []byte(text)
		}
		return backendAnswer{http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body}, nil
	}
	return parseStructuredAnswer(status, members)
}

// parseStructuredAnswer reads an answer with a statusCode. What it refuses is
// a guess, as AWS documents only what is right. A null counts as absent (a
// guess), except as the status.
func parseStructuredAnswer(statusCode any, members map[string]any) (backendAnswer, error) {
	got := backendAnswer{header: http.Header{}}
	number, ok := statusCode.(json.Number)
	if ok {
		got.status, _ = strconv.Atoi(number.String())
	}
	if got.status < 200 || got.status > 599 {
		return backendAnswer{}, invalidAnswer("want a statusCode of 200 to 599")
	}
	headers, ok := members["headers"].(map[string]any)
	if !ok && members["headers"] != nil {
		return backendAnswer{}, invalidAnswer("want headers in an object")
	}
	for name, value := range headers {
		switch value.(type) {
		case string, json.Number, bool:
			got.header.Add(name, claimText(value))
		default:
			return backendAnswer{}, invalidAnswer("want text as the value of header %q", name)
		}
	}
	cookies, ok := members["cookies"].([]any)
	if !ok && members["cookies"] != nil {
		return backendAnswer{}, invalidAnswer("want cookies in a list")
	}
	for _, cookie := range cookies {
		text, ok := cookie.(string)
		if !ok {
			return backendAnswer{}, invalidAnswer("want text as a cookie")
		}
		got.header.Add("Set-Cookie", text)
	}
	body, err := answerBody(members)
	if err != nil {
		return backendAnswer{}, err
	}
	if got.body = body; len(body) > 0 && got.header.Get("Content-Type") == "" {
		got.header.Set("Content-Type", "text/plain;charset=utf-8") // a guess from experience
	}
	return got, nil
}

func answerBody(members map[string]any) ([]byte, error) {
	text, ok := members["body"].(string)
	if !ok && members["body"] != nil {
		return nil, invalidAnswer("want text as the body")
	}
	encoded, ok := members["isBase64Encoded"].(bool)
	if !ok && members["isBase64Encoded"] != nil {
		return nil, invalidAnswer("want isBase64Encoded with true or false")
	}
	body := []byte(text)
	if encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, invalidAnswer("want a body in base64")
		}
	}
	return body, nil
}
