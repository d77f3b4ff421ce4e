package iam_test

import (
	stdcontext "context"
	"path"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

func context() stdcontext.Context { return stdcontext.Background() }

func TestWhatPoliciesAllow(t *testing.T) {
	t.Parallel()
	const (
		action   = "logs:PutLogEvents"
		resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f:log-stream:s"
		all      = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	)
	for name, test := range map[string]struct {
		statements []string // each in a policy of its own
		want       bool
	}{
		"nothing":                       {nil, false},
		"everything":                    {[]string{all}, true},
		"exactly this":                  {[]string{`{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"` + resource + `"}`}, true},
		"actions have no case":          {[]string{`{"Effect":"Allow","Action":"LOGS:putlogevents","Resource":"*"}`}, true},
		"resources have":                {[]string{`{"Effect":"Allow","Action":"*","Resource":"` + strings.Replace(resource, "lambda/f", "Lambda/f", 1) + `"}`}, false},
		"one of many":                   {[]string{`{"Effect":"Allow","Action":["logs:Create*","logs:Put*"],"Resource":["arn:aws:s3:::b","arn:aws:logs:*:*:*"]}`}, true},
		"one character":                 {[]string{`{"Effect":"Allow","Action":"logs:PutLogEvent?","Resource":"*"}`}, true},
		"one character too many":        {[]string{`{"Effect":"Allow","Action":"logs:PutLogEvents?","Resource":"*"}`}, false},
		"other action":                  {[]string{`{"Effect":"Allow","Action":"logs:CreateLogStream","Resource":"*"}`}, false},
		"other resource":                {[]string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/g:*"}`}, false},
		"the group without its streams": {[]string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f"}`}, false},
		"all but others":                {[]string{`{"Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:s3:::b"}`}, true},
		"all but this action":           {[]string{`{"Effect":"Allow","NotAction":"logs:*","Resource":"*"}`}, false},
		"all but this resource":         {[]string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:logs:*:*:*"}`}, false},
		"denied":                        {[]string{all, `{"Effect":"Deny","Action":"logs:Put*","Resource":"*"}`}, false},
		"denied by another policy":      {[]string{`{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`, all}, false},
		"something else is denied":      {[]string{all, `{"Effect":"Deny","Action":"logs:Get*","Resource":"*"}`}, true},
		"allowed under a condition":     {[]string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`}, false},
		"denied under a condition":      {[]string{all, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`}, false},
		"an empty condition is none":    {[]string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, "")
			w.role(t, trust)
			for i, statement := range test.statements {
				require.NoError(t, w.put("p"+string(rune('a'+i)), `{"Version":"2012-10-17","Statement":[`+statement+`]}`))
			}
			for range 2 { // read and remembered
				require.Equal(t, test.want, w.service.Allows(arn, action, resource))
			}
			require.False(t, w.service.Allows(arn+"x", action, resource), "a role that is missing")
		})
	}
}

func TestPoliciesOfAWSAllowNothing(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	_, err := w.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: r, PolicyArn: sdk.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	require.NoError(t, err)
	require.False(t, w.service.Allows(arn, "logs:PutLogEvents", "*"))
}

func TestChangesCountAtOnce(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"%","Action":"*","Resource":"*"}]}`
	for _, effect := range []string{"Allow", "Deny", "Allow"} {
		require.NoError(t, w.put("p", strings.Replace(document, "%", effect, 1)))
		require.Equal(t, effect == "Allow", w.service.Allows(arn, "a:b", "c"))
	}
	_, err := w.DeleteRolePolicy(t.Context(), &iamsdk.DeleteRolePolicyInput{RoleName: r, PolicyName: sdk.String("p")})
	require.NoError(t, err)
	require.False(t, w.service.Allows(arn, "a:b", "c"))
}

func TestWhoMayAssumeARole(t *testing.T) {
	t.Parallel()
	const lambda = "lambda.amazonaws.com"
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"the service":       {`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, true},
		"one of two":        {`{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]},"Action":["sts:AssumeRole","sts:TagSession"]}`, true},
		"everybody":         {`{"Effect":"Allow","Principal":"*","Action":"sts:*"}`, true},
		"another service":   {`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`, false},
		"an account":        {`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`, false},
		"another action":    {`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:TagSession"}`, false},
		"under a condition": {`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}}`, false},
		"denied":            {`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, false},
		"others are denied": {`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, "")
			w.role(t, `{"Version":"2012-10-17","Statement":[`+test.statements+`]}`)
			require.Equal(t, test.want, w.service.TrustedBy(arn, lambda))
			session, ok := w.service.Assume(arn, lambda, "name", time.Hour)
			require.Equal(t, test.want, ok)
			if ok {
				require.Equal(t, "arn:aws:sts::123456789012:assumed-role/r/name", session.ARN)
				require.Regexp(t, `^AROA[A-Z0-9]{17}:name$`, session.ID)
				require.Regexp(t, `^ASIA[A-Z0-9]{16}$`, session.AccessKeyID)
				require.Len(t, session.SecretAccessKey, 40)
				require.Equal(t, w.now.Add(time.Hour), session.Expires)
			}
		})
	}
}

func TestSessionsAreForgottenAfterTheyEnd(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	first, ok := w.service.Assume(arn, "lambda.amazonaws.com", "a", time.Hour)
	require.True(t, ok)
	w.now = w.now.Add(90 * time.Minute)
	_, ok = w.service.Assume(arn, "lambda.amazonaws.com", "b", time.Hour)
	require.True(t, ok)
	_, ok = w.service.Session(first.AccessKeyID)
	require.True(t, ok, "it has ended, which clients are told")
	w.now = w.now.Add(time.Hour)
	_, ok = w.service.Assume(arn, "lambda.amazonaws.com", "c", time.Hour)
	require.True(t, ok)
	_, ok = w.service.Session(first.AccessKeyID)
	require.False(t, ok)
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"*", "", true},
		{"?", "", false},
		{"a*c", "abbc", true},
		{"a*c", "abbcd", false},
		{"a*b*c", "aXbYbZc", true},
		{"*a?c", "aacabc", true},
		{"a**", "a", true},
		{"[a]", "a", false},
		{`\*`, "*", false},
	} {
		require.Equal(t, test.want, iam.Matches(test.pattern, test.text), "%q of %q", test.text, test.pattern)
	}
}

// FuzzMatches compares with the standard library where both know the pattern.
func FuzzMatches(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.ContainsAny(pattern+text, `[]\/`) || strings.IndexFunc(pattern+text, func(r rune) bool { return r > 126 }) >= 0 {
			t.Skip()
		}
		want, err := path.Match(pattern, text)
		require.NoError(t, err)
		require.Equal(t, want, iam.Matches(pattern, text), "%q of %q", text, pattern)
	})
}
