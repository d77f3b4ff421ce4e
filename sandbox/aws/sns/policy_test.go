package sns_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/sns"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

func policyOf(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

// allow is a statement that allows a principal to publish under a condition.
func allow(principal, condition string) string {
	return statement("Allow", `"Principal":`+principal, condition)
}

func statement(effect, principal, condition string) string {
	if condition == "" {
		condition = "{}"
	}
	return `{"Effect":"` + effect + `",` + principal + `,"Action":"sns:Publish","Resource":"` + topicARN + `","Condition":` + condition + `}`
}

const cloudWatch = `{"Service":"cloudwatch.amazonaws.com"}`

func TestThePolicyDecidesWhichServicesMayPublish(t *testing.T) {
	t.Parallel()
	mine := `{"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:*"}}`
	noTLS := statement("Deny", `"Principal":"*"`, `{"Bool":{"aws:SecureTransport":"false"}}`)
	for name, test := range map[string]struct {
		policy  string
		allowed bool
	}{
		"the service":                {allow(cloudWatch, ""), true},
		"one of several":             {allow(`{"Service":["events.amazonaws.com","cloudwatch.amazonaws.com"]}`, ""), true},
		"of the account's alarms":    {allow(cloudWatch, mine) + "," + noTLS, true},
		"of that alarm":              {allow(cloudWatch, `{"ArnEquals":{"AWS:SourceArn":"`+alarmARN+`"}}`), true},
		"of such an alarm":           {allow(cloudWatch, `{"StringLike":{"aws:sourcearn":"arn:aws:cloudwatch:*:alarm:err*"}}`), true},
		"by TLS":                     {allow(cloudWatch, `{"Bool":{"aws:SecureTransport":"true"}}`), true},
		"everybody of the owner":     {allow(`{"AWS":"*"}`, `{"StringEquals":{"AWS:SourceOwner":"000000000000"}}`), true},
		"everybody":                  {allow(`"*"`, ""), true},
		"denied to all but it":       {allow(`"*"`, "") + "," + statement("Deny", `"NotPrincipal":`+cloudWatch, ""), true},
		"nobody":                     {`{"Effect":"Deny","Principal":"*","Action":"sns:Subscribe","Resource":"*"}`, false},
		"another service":            {allow(`{"Service":"events.amazonaws.com"}`, ""), false},
		"the account":                {allow(`{"AWS":"000000000000"}`, ""), false},
		"the account's root":         {allow(`{"AWS":"arn:aws:iam::000000000000:root"}`, ""), false},
		"another account's alarms":   {allow(cloudWatch, `{"StringEquals":{"aws:SourceAccount":"111111111111"}}`), false},
		"another region's alarms":    {allow(cloudWatch, `{"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:*"}}`), false},
		"another alarm":              {allow(cloudWatch, `{"StringEquals":{"aws:SourceArn":"`+alarmARN+`x"}}`), false},
		"one of two conditions":      {allow(cloudWatch, `{"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:s3:::b"}}`), false},
		"without TLS":                {allow(cloudWatch, `{"Bool":{"aws:SecureTransport":"false"}}`), false},
		"what nobody knows":          {allow(cloudWatch, `{"StringEquals":{"sns:Protocol":"https"}}`), false},
		"another action":             {`{"Effect":"Allow","Principal":` + cloudWatch + `,"Action":"sns:Subscribe","Resource":"*"}`, false},
		"another topic":              {`{"Effect":"Allow","Principal":` + cloudWatch + `,"Action":"sns:Publish","Resource":"` + topicARN + `x"}`, false},
		"denied":                     {allow(cloudWatch, "") + "," + statement("Deny", `"Principal":`+cloudWatch, ""), false},
		"denied to everybody":        {allow(cloudWatch, "") + "," + statement("Deny", `"Principal":"*"`, ""), false},
		"denied to all but another":  {allow(cloudWatch, "") + "," + statement("Deny", `"NotPrincipal":{"Service":"events.amazonaws.com"}`, ""), false},
		"only principals of no kind": {allow(`{"Federated":"cloudwatch.amazonaws.com"}`, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.topic("Policy", policyOf(test.policy))
			err := b.alarm("m")
			if test.allowed {
				require.NoError(t, err)
				return
			}
			var refusal *wire.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, "Resource: "+alarmARN+" is not authorized to perform: SNS:Publish on resource: "+topicARN, refusal.Message)
		})
	}
}

func TestATopicWithoutAPolicyIsOpenToTheAccountsAlarms(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	require.NoError(t, b.alarm("m"))
}

func TestOnlyADenialStopsIdentitiesOfTheAccount(t *testing.T) {
	t.Parallel()
	user := sns.Caller{ARN: "arn:aws:iam::000000000000:user/sandbox"}
	role := sns.Caller{ARN: "arn:aws:sts::000000000000:assumed-role/r/s", RoleARN: "arn:aws:iam::000000000000:role/r"}
	for name, test := range map[string]struct {
		policy string
		caller sns.Caller
		denied bool
	}{
		"no statement about the user": {allow(cloudWatch, ""), user, false},
		"no TLS":                      {statement("Deny", `"Principal":"*"`, `{"Bool":{"aws:SecureTransport":"false"}}`), user, false},
		"the role, not the user":      {statement("Deny", `"Principal":{"AWS":"`+role.RoleARN+`"}`, ""), user, false},
		"the user":                    {statement("Deny", `"Principal":{"AWS":"`+user.ARN+`"}`, ""), user, true},
		"the role":                    {statement("Deny", `"Principal":{"AWS":"`+role.RoleARN+`"}`, ""), role, true},
		"the session":                 {statement("Deny", `"Principal":{"AWS":"`+role.ARN+`"}`, ""), role, true},
		"the account":                 {statement("Deny", `"Principal":{"AWS":"000000000000"}`, ""), role, true},
		"everybody but services":      {statement("Deny", `"Principal":"*"`, `{"Bool":{"aws:PrincipalIsAWSService":"false"}}`), user, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.topic("Policy", policyOf(test.policy))
			b.as(test.caller)
			_, err := b.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")})
			if !test.denied {
				require.NoError(t, err)
				return
			}
			refused(t, err, "AuthorizationError", "User: "+test.caller.ARN+" is not authorized to perform: SNS:Publish on resource: "+topicARN+" with an explicit deny")
		})
	}
}

func TestTheKeyDecidesToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic("KmsMasterKeyId", "alias/mine")
	require.NoError(t, b.alarm("m"))
	require.Equal(t, []string{"alias/mine cloudwatch.amazonaws.com " + topicARN}, b.keys)

	b.refuse = &wire.Error{Status: 400, Code: "DisabledException", Message: "the key is disabled"}
	err := b.alarm("m")
	require.ErrorContains(t, err, "KMSDisabled: null (Service: AWSKMS; Status Code: 400; Error Code: DisabledException; Request ID: ")
	require.Contains(t, b.logged(), "the key is disabled")
	b.say("identities of the account need no permission for the key")

	for _, managed := range []string{"alias/aws/sns", "arn:aws:kms:eu-west-1:000000000000:alias/aws/sns"} {
		b.refuse = nil
		require.NoError(t, b.set("KmsMasterKeyId", managed))
		require.ErrorContains(t, b.alarm("m"), "Error Code: AccessDeniedException")
	}
	require.NoError(t, b.set("KmsMasterKeyId", ""))
	require.NoError(t, b.alarm("m"))
}
