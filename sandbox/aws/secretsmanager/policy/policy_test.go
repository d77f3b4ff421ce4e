package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager/policy"
)

const (
	role    = "arn:aws:iam::123456789012:role/team/reader"
	session = "arn:aws:sts::123456789012:assumed-role/reader/i-1"
	secret  = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-AbCdEf"
)

func request() policy.Request {
	return policy.Request{
		Action: "secretsmanager:GetSecretValue", Resource: secret, Account: "123456789012", Principal: role, Session: session,
		Keys: map[string][]string{
			"aws:principalarn": {role}, "aws:principalaccount": {"123456789012"}, "aws:sourcearn": {}, "aws:securetransport": {"true"},
			"secretsmanager:recoverywindowindays": {"7"}, "aws:tagkeys": {"a", "b"},
		},
		Prefixes: []string{"aws:resourcetag/"},
	}
}

func parse(t *testing.T, statements string) policy.Document {
	t.Helper()
	document, err := policy.Parse(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
	require.NoError(t, err)
	return document
}

func TestWhoAStatementIsAbout(t *testing.T) {
	t.Parallel()
	const root = `"arn:aws:iam::123456789012:root"`
	for name, test := range map[string]struct {
		who         string
		allow, deny bool // whether an Allow, a Deny applies
	}{
		"everybody":              {`"Principal":"*"`, true, true},
		"every AWS principal":    {`"Principal":{"AWS":"*"}`, true, true},
		"the role":               {`"Principal":{"AWS":"` + role + `"}`, true, true},
		"the session":            {`"Principal":{"AWS":["x","` + session + `"]}`, true, true},
		"the account":            {`"Principal":{"AWS":"123456789012"}`, false, true},
		"the account's root":     {`"Principal":{"AWS":` + root + `}`, false, true},
		"another account":        {`"Principal":{"AWS":"210987654321"}`, false, false},
		"another role":           {`"Principal":{"AWS":"arn:aws:iam::123456789012:role/reader"}`, false, false},
		"a service":              {`"Principal":{"Service":"lambda.amazonaws.com"}`, false, false},
		"nobody":                 {`"Principal":{"AWS":[]}`, false, false},
		"all but everybody":      {`"NotPrincipal":"*"`, false, false},
		"all but another":        {`"NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/x"}`, true, true},
		"all but the role alone": {`"NotPrincipal":{"AWS":"` + role + `"}`, true, true},
		"all but role and root":  {`"NotPrincipal":{"AWS":["` + role + `",` + root + `]}`, true, true},
		"all but the three":      {`"NotPrincipal":{"AWS":["` + role + `","` + session + `",` + root + `]}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			statement := func(effect string) string {
				return `{"Effect":"` + effect + `",` + test.who + `,"Action":"secretsmanager:*","Resource":"*"}`
			}
			require.Equal(t, test.allow, parse(t, statement("Allow")).DecideResource(request()) == policy.Allow)
			require.Equal(t, test.deny, parse(t, statement("Deny")).DecideResource(request()) == policy.Deny)
		})
	}
}

func TestUsersHaveNoSession(t *testing.T) {
	t.Parallel()
	const user = "arn:aws:iam::123456789012:user/sandbox"
	r := request()
	r.Principal, r.Session = user, ""
	named := parse(t, `{"Effect":"Deny","NotPrincipal":{"AWS":["`+user+`","123456789012"]},"Action":"*","Resource":"*"}`)
	require.Equal(t, policy.Neutral, named.DecideResource(r))
	require.Equal(t, policy.Deny, named.DecideResource(request()))
	require.Equal(t, policy.Neutral, parse(t, `{"Effect":"Allow","Principal":{"AWS":""},"Action":"*","Resource":"*"}`).DecideResource(r))
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const met, unmet, unknown = "met", "unmet", "unknown"
	for condition, want := range map[string]string{
		`{}`: met,
		`{"StringEquals":{"aws:PrincipalArn":"` + role + `"}}`:                                                                      met,
		`{"StringEquals":{"AWS:principalARN":["x","` + role + `"]}}`:                                                                met,
		`{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}`:                                                  unmet,
		`{"StringEqualsIgnoreCase":{"aws:PrincipalArn":"` + strings.ToUpper(role) + `"}}`:                                           met,
		`{"StringNotEqualsIgnoreCase":{"aws:PrincipalArn":"` + strings.ToUpper(role) + `"}}`:                                        unmet,
		`{"StringNotEquals":{"aws:PrincipalArn":["x","` + role + `"]}}`:                                                             unmet,
		`{"StringNotEquals":{"aws:PrincipalArn":["x","y"]}}`:                                                                        met,
		`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}`:                                                    met,
		`{"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}`:                                                 unmet,
		`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/reader"}}`:                                                      met,
		`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam*"}}`:                                                                           unmet,
		`{"ArnNotLike":{"aws:PrincipalArn":["` + role + `"]}}`:                                                                      unmet,
		`{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::123456789012:role/reader"]}}`:                                           met,
		`{"ArnNotEqualsIfExists":{"aws:SourceArn":"arn:aws:s3:::b"}}`:                                                               met,
		`{"ArnEqualsIfExists":{"aws:SourceArn":"arn:aws:s3:::b"}}`:                                                                  met,
		`{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::b"}}`:                                                                          unmet,
		`{"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::b"}}`:                                                                       met,
		`{"Bool":{"aws:SecureTransport":false}}`:                                                                                    unmet,
		`{"Bool":{"aws:SecureTransport":"TRUE"}}`:                                                                                   met,
		`{"BoolIfExists":{"aws:SourceArn":"true"}}`:                                                                                 met,
		`{"Null":{"aws:SourceArn":"true"}}`:                                                                                         met,
		`{"Null":{"aws:SourceArn":false}}`:                                                                                          unmet,
		`{"Null":{"aws:PrincipalArn":"false"}}`:                                                                                     met,
		`{"NumericLessThan":{"secretsmanager:RecoveryWindowInDays":8}}`:                                                             met,
		`{"NumericLessThanEquals":{"secretsmanager:RecoveryWindowInDays":"6"}}`:                                                     unmet,
		`{"NumericGreaterThan":{"secretsmanager:RecoveryWindowInDays":"7"}}`:                                                        unmet,
		`{"NumericGreaterThanEquals":{"secretsmanager:RecoveryWindowInDays":"7"}}`:                                                  met,
		`{"NumericEquals":{"secretsmanager:RecoveryWindowInDays":"7.0"}}`:                                                           met,
		`{"NumericNotEquals":{"secretsmanager:RecoveryWindowInDays":"x"}}`:                                                          met,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":["b","c"]}}`:                                                                    met,
		`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["b","c"]}}`:                                                                 met,
		`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}}`:                                                                 unmet,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`:                                                                       unmet,
		`{"ForAllValues:StringLike":{"aws:TagKeys":["?"]}}`:                                                                         met,
		`{"ForAllValues:StringEquals":{"aws:SourceArn":["a"]}}`:                                                                     met,
		`{"ForAnyValue:StringEquals":{"aws:SourceArn":["a"]}}`:                                                                      unmet,
		`{"ForAnyValue:StringNotEquals":{"aws:SourceArn":["a"]}}`:                                                                   unmet,
		`{"ForAnyValue:StringEqualsIfExists":{"aws:SourceArn":["a"]}}`:                                                              met,
		`{"StringEquals":{"aws:ResourceTag/a":"b"}}`:                                                                                unmet,
		`{"StringNotEquals":{"aws:ResourceTag/a":"b"}}`:                                                                             met,
		`{"StringEquals":{"aws:SourceIp":"b"}}`:                                                                                     unknown,
		`{"Null":{"aws:SourceIp":"true"}}`:                                                                                          unknown,
		`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`:                                                                               unknown,
		`{"DateLessThan":{"aws:PrincipalArn":"2030-01-01T00:00:00Z"}}`:                                                              unknown,
		`{"StringEquals":{"aws:PrincipalArn":"${aws:PrincipalArn}"}}`:                                                               unknown,
		`{"StringEquals":{"aws:SourceIp":"b","aws:PrincipalArn":"x"}}`:                                                              unmet,
		`{"StringEquals":{"aws:PrincipalAccount":"123456789012"},"ArnLike":{"aws:PrincipalArn":"` + role + `"}}`:                    met,
		`{"StringEquals":{"aws:PrincipalAccount":"123456789012"},"ArnNotLike":{"aws:PrincipalArn":"` + role + `"}}`:                 unmet,
		`{"StringEquals":{"aws:PrincipalAccount":"123456789012"},"StringLike":{"aws:SourceIp":"` + role + `"}}`:                     unknown,
		`{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::123456789012:role/x","arn:aws:iam::123456789012:role/team/read??"]}}`:     unmet,
		`{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::123456789012:role/x","arn:aws:iam::123456789012:role/team/read??","a"]}}`: unmet,
	} {
		t.Run(condition, func(t *testing.T) {
			t.Parallel()
			statement := func(effect string) policy.Document {
				return parse(t, `{"Effect":"`+effect+`","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":`+condition+`}`)
			}
			require.Equal(t, want == met, statement("Allow").DecideIdentity(request()) == policy.Allow, "allow")
			require.Equal(t, want != unmet, statement("Deny").DecideIdentity(request()) == policy.Deny, "deny")
		})
	}
}

func TestActionsAndResources(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]policy.Effect{
		`"Action":"SecretsManager:get*","Resource":"*"`:                                                                      policy.Allow,
		`"Action":["secretsmanager:GetSecretValu?"],"Resource":"` + secret[:len(secret)-6] + `??????"`:                       policy.Allow,
		`"Action":"secretsmanager:GetSecret","Resource":"*"`:                                                                 policy.Neutral,
		`"NotAction":"secretsmanager:Get*","Resource":"*"`:                                                                   policy.Neutral,
		`"NotAction":"secretsmanager:Put*","Resource":"*"`:                                                                   policy.Allow,
		`"Action":"*","Resource":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:Web-*"`:                               policy.Neutral,
		`"Action":"*","NotResource":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-*"`:                            policy.Neutral,
		`"Action":"*","Resource":"*"},{"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":"` + secret + `"`: policy.Deny,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, parse(t, `{"Effect":"Allow",`+what+`}`).DecideIdentity(request()))
		})
	}
}

func TestAPolicyOfOneKindSaysNothingAsTheOther(t *testing.T) {
	t.Parallel()
	require.Equal(t, policy.Neutral, parse(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`).DecideResource(request()))
	require.Equal(t, policy.Neutral, parse(t, `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`).DecideIdentity(request()))
}

func TestPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	const rest = `"Action":"secretsmanager:*","Resource":"*"`
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"no JSON":                  {`{`, policy.ErrSyntax},
		"a text":                   {`"x"`, policy.ErrSyntax},
		"null":                     {`null`, policy.ErrSyntax},
		"empty":                    {`{}`, policy.ErrSyntax},
		"two":                      {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",` + rest + `}} {}`, policy.ErrSyntax},
		"no version":               {`{"Statement":{"Effect":"Allow","Principal":"*",` + rest + `}}`, policy.ErrSyntax},
		"another version":          {`{"Version":"2012-10-18","Statement":{"Effect":"Allow","Principal":"*",` + rest + `}}`, policy.ErrSyntax},
		"lower case":               {`{"Version":"2012-10-17","Statement":{"effect":"Allow","Principal":"*",` + rest + `}}`, policy.ErrSyntax},
		"no statement":             {`{"Version":"2012-10-17","Statement":[]}`, policy.ErrSyntax},
		"unknown member":           {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","X":1,` + rest + `}}`, policy.ErrSyntax},
		"effect":                   {`{"Version":"2012-10-17","Statement":{"Effect":"AllowSomething","Principal":"*",` + rest + `}}`, policy.ErrSyntax},
		"no principal":             {`{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + rest + `}}`, policy.ErrSyntax},
		"both principals":          {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","NotPrincipal":"*",` + rest + `}}`, policy.ErrSyntax},
		"no resource":              {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}`, policy.ErrSyntax},
		"resource is no ARN":       {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"web"}}`, policy.ErrSyntax},
		"no action":                {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Resource":"*"}}`, policy.ErrSyntax},
		"action without vendor":    {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"GetSecretValue","Resource":"*"}}`, policy.ErrSyntax},
		"same id twice":            {`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*",` + rest + `},{"Sid":"a","Effect":"Deny","Principal":"*",` + rest + `}]}`, policy.ErrSyntax},
		"operator":                 {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",` + rest + `,"Condition":{"StringIs":{"aws:SourceArn":"a"}}}}`, policy.ErrSyntax},
		"operator's qualifier":     {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",` + rest + `,"Condition":{"ForValues:StringLike":{"aws:SourceArn":"a"}}}}`, policy.ErrSyntax},
		"null that may be missing": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",` + rest + `,"Condition":{"NullIfExists":{"aws:SourceArn":"a"}}}}`, policy.ErrSyntax},
		"condition key":            {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",` + rest + `,"Condition":{"StringLike":{"SourceArn":"a"}}}}`, policy.ErrSyntax},
		"condition value":          {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",` + rest + `,"Condition":{"StringLike":{"aws:SourceArn":{}}}}}`, policy.ErrSyntax},
		"kind of principal":        {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"User":"a"},` + rest + `}}`, policy.ErrSyntax},
		"principals without one":   {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":[]},` + rest + `}}`, policy.ErrSyntax},
		"pattern of roles":         {`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/*"},` + rest + `}}`, policy.ErrPrincipal},
		"a role that is missing":   {`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:role/gone"},` + rest + `}}`, policy.ErrPrincipal},
		"a name":                   {`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"reader"},` + rest + `}}`, policy.ErrPrincipal},
		"a service":                {`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"Service":"lambda"},` + rest + `}}`, policy.ErrService},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := policy.Parse(test.text)
			if err == nil {
				err = document.CheckResource(func(arn string) bool { return !strings.HasSuffix(arn, "/gone") })
			}
			require.ErrorIs(t, err, test.want)
		})
	}
}

func TestWhatIsBroad(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]bool{
		`"Effect":"Allow","Principal":"*"`:                                                                                true,
		`"Effect":"Allow","Principal":{"AWS":["` + role + `","*"]}`:                                                       true,
		`"Effect":"Allow","NotPrincipal":{"AWS":"` + role + `"}`:                                                          true,
		`"Effect":"Deny","Principal":"*"`:                                                                                 false,
		`"Effect":"Allow","Principal":{"AWS":"` + role + `"}`:                                                             false,
		`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`:              false,
		`"Effect":"Allow","Principal":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::b"}}`:                     false,
		`"Effect":"Allow","Principal":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}`:                     true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringNotEquals":{"aws:SourceAccount":"123456789012"}}`:           true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"123456789012"}}`:      true,
		`"Effect":"Allow","Principal":"*","Condition":{"ForAllValues:StringEquals":{"aws:SourceAccount":"123456789012"}}`: true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}`:      true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:SourceVpce":["vpce-1","vpce-2*"]}}`:             true,
	} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			document := parse(t, `{`+statement+`,"Action":"secretsmanager:*","Resource":"*"}`)
			require.NoError(t, document.CheckResource(func(string) bool { return true }))
			require.Equal(t, want, document.Broad())
		})
	}
}

// FuzzPolicy looks for policies that are taken and cannot be evaluated, or that
// allow something to a caller whom a second, denying copy of theirs misses.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:*","Resource":"*"}]}`)
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["123456789012"]},"NotAction":["a:b"],"NotResource":["arn:aws:s3:::b"],"Condition":{"ForAnyValue:StringLikeIfExists":{"aws:SourceIp":["*",1,true]}}}}`)
	f.Add(`{"Version":"2008-10-17","Id":"i","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"*","Resource":"*","Condition":{"Null":{"aws:SourceArn":"true"}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		document, err := policy.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, policy.ErrSyntax)
			return
		}
		_ = document.CheckResource(func(string) bool { return true })
		document.Broad()
		allowed := document.DecideResource(request())
		document.DecideIdentity(request())
		denying, err := policy.Parse(strings.ReplaceAll(text, `"Allow"`, `"Deny"`))
		if err == nil && allowed == policy.Allow {
			require.Equal(t, policy.Deny, denying.DecideResource(request()))
		}
	})
}
