package doctor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// statementOf is a policy of one statement that lets CloudWatch publish, with
// more after it.
func statementOf(more string) string {
	return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"*"` + more + `]}`
}

func TestJudgingPolicies(t *testing.T) {
	t.Parallel()
	asked := grant{service: cloudWatch, actions: []string{"sns:Publish"}, context: map[string]string{
		"aws:SourceAccount": "1", "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "aws:SecureTransport": "true",
	}}
	for name, tc := range map[string]struct {
		document string
		want     decision
	}{
		"no policy":              {"", withheld},
		"a statement":            {statementOf(`}`), granted},
		"that is no list":        {`{"Statement":{"Effect":"Allow","Principal":"*","Action":["sns:*"]}}`, granted},
		"everybody":              {`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish"}]}`, granted},
		"several services":       {`{"Statement":[{"Effect":"Allow","Principal":{"Service":["a","cloudwatch.amazonaws.com"]},"Action":"*"}]}`, granted},
		"another service":        {`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"*"}]}`, withheld},
		"the account's own":      {`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"*"}]}`, withheld},
		"another action":         {`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Subscribe"}]}`, withheld},
		"all but another action": {`{"Statement":[{"Effect":"Allow","Principal":"*","NotAction":"sns:Subscribe"}]}`, granted},
		"all but this":           {`{"Statement":[{"Effect":"Allow","Principal":"*","NotAction":"sns:P*"}]}`, withheld},
		"conditions that are met": {
			statementOf(`,"Condition":{"StringEquals":{"aws:sourceaccount":["2","1"]},"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:*:1:alarm:*"}}}`), granted,
		},
		"one that is not": {statementOf(`,"Condition":{"StringEquals":{"aws:SourceAccount":"2"}}}`), withheld},
		"one that is not, beside one that nobody knows": {
			statementOf(`,"Condition":{"StringEquals":{"aws:SourceAccount":"2","aws:PrincipalOrgID":"o"}}}`), withheld,
		},
		"a key that is not known":        {statementOf(`,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o"}}}`), unsure},
		"an operator that is not known":  {statementOf(`,"Condition":{"IpAddress":{"aws:SourceArn":"10.0.0.0/8"}}}`), unsure},
		"denied":                         {statementOf(`},{"Effect":"Deny","Principal":"*","Action":"*"}`), withheld},
		"denied without tls":             {statementOf(`},{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}`), granted},
		"denied on what nobody knows":    {statementOf(`},{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"Null":{"aws:x":"true"}}}`), unsure},
		"denied to all but some":         {statementOf(`},{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::1:root"},"Action":"*"}`), withheld},
		"better than one that is unsure": {statementOf(`,"Condition":{"Null":{"aws:x":"true"}}},{"Effect":"Allow","Principal":"*","Action":"*"}`), granted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := judge(tc.document, asked)
			require.NoError(t, err)
			require.Equal(t, tc.want, v.decision)
			require.Equal(t, tc.want == unsure, len(v.conditions) > 0, "it says which conditions")
		})
	}
	for _, bad := range []string{"no", "[]", `{"Statement":1}`, `{"Statement":[{"Principal":1}]}`} {
		_, err := judge(bad, asked)
		require.ErrorContains(t, err, "reading a policy", bad)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"*", "", true},
		{"a*c", "abbc", true},
		{"a*c", "abcb", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*b*d", "abbcd", true},
		{"a", "ab", false},
		{"ab", "a", false},
		{"**", "x", true},
	} {
		require.Equal(t, tc.want, like(tc.pattern, tc.text), "%q of %q", tc.text, tc.pattern)
	}
}

// FuzzPolicies: no policy stops a doctor, and one that says nothing more grants
// nothing more.
func FuzzPolicies(f *testing.F) {
	for _, seed := range []string{statementOf(`}`), alarmsKey, alarmsTopic, `{"Statement":{"Principal":"*"}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		v, err := judge(document, grant{service: cloudWatch, actions: []string{"sns:Publish", "kms:Decrypt"}, context: map[string]string{"aws:SourceArn": "a"}})
		if err != nil {
			require.Equal(t, verdict{}, v)
		}
		if v.decision == unsure && len(v.conditions) == 0 {
			t.Fatal("unsure without a reason")
		}
	})
}

// FuzzPatterns compares with the plain meaning of a pattern of one star.
func FuzzPatterns(f *testing.F) {
	f.Add("arn:", "x", "arn:aws:x")
	f.Fuzz(func(t *testing.T, before, after, text string) {
		if strings.ContainsAny(before+after, "*?") {
			return
		}
		want := len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
		require.Equal(t, want, like(fmt.Sprintf("%s*%s", before, after), text))
	})
}
