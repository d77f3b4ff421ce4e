package secretsmanager_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

const readerSession = "arn:aws:sts::123456789012:assumed-role/reader/i-1"

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

// withReader adds the session of a role whose policies are the statements.
func (b *bench) withReader(statements ...string) {
	caller := secretsmanager.Caller{ARN: readerSession, RoleARN: reader}
	for _, statement := range statements {
		caller.Policies = append(caller.Policies, document(statement))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.callers["reader"] = caller
}

func (b *bench) putPolicy(id, text string, block bool) error {
	_, err := b.PutResourcePolicy(b.t.Context(), &sdk.PutResourcePolicyInput{SecretId: &id, ResourcePolicy: &text, BlockPublicPolicy: &block})
	return err
}

func TestWhoMayReadASecret(t *testing.T) {
	t.Parallel()
	const (
		allowed    = ""
		noIdentity = " because no identity-based policy allows the secretsmanager:GetSecretValue action"
		byIdentity = " with an explicit deny in an identity-based policy"
		byResource = " with an explicit deny in a resource-based policy"

		mayAll  = `{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}`
		mayThis = `{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"` + prefix + `web-??????"}`
		others  = `{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":["` + reader + `"]}}}`
	)
	for name, test := range map[string]struct {
		identity, resource, want string
	}{
		"nothing allows it":                 {"", "", noIdentity},
		"the identity":                      {mayThis, "", allowed},
		"the identity for another":          {strings.Replace(mayThis, "web", "daemon", 1), "", noIdentity},
		"the identity, current only":        {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}}`, "", allowed},
		"the identity, previous only":       {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}}}`, "", noIdentity},
		"the identity, by tag":              {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/stage":"dev"}}}`, "", allowed},
		"the identity, by another tag":      {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"secretsmanager:ResourceTag/stage":"prod"}}}`, "", noIdentity},
		"the identity, if it rotates":       {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"secretsmanager:resource/AllowRotationLambdaArn":"` + function + `"}}}`, "", noIdentity},
		"the identity denies":               {mayAll + `,{"Effect":"Deny","Action":"*","Resource":"*"}`, `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`, byIdentity},
		"the identity cannot be read":       {mayAll + `,{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}}`, "", byIdentity},
		"the secret":                        {"", `{"Effect":"Allow","Principal":{"AWS":"` + reader + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, allowed},
		"the secret, for the session":       {"", `{"Effect":"Allow","Principal":{"AWS":"` + readerSession + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, allowed},
		"the secret, for the account":       {"", `{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, noIdentity},
		"the secret, for another":           {"", `{"Effect":"Allow","Principal":{"AWS":"` + rotator + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, noIdentity},
		"the secret, if it may be so":       {"", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, noIdentity},
		"the secret denies":                 {mayAll, `{"Effect":"Deny","Principal":{"AWS":"` + reader + `"},"Action":"*","Resource":"*"}`, byResource},
		"the secret denies others":          {mayAll, others, allowed},
		"the secret denies what may be so":  {mayAll, `{"Effect":"Deny","Principal":"*","Action":"secretsmanager:Get*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, byResource},
		"the secret denies without TLS":     {mayAll, `{"Effect":"Deny","Principal":"*","Action":"secretsmanager:Get*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, allowed},
		"the secret denies outside a VPC":   {mayAll, `{"Effect":"Deny","Principal":"*","Action":"secretsmanager:Get*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}`, byResource},
		"the secret denies, but services":   {mayAll, `{"Effect":"Deny","Principal":"*","Action":"secretsmanager:Get*","Resource":"*","Condition":{"Bool":{"aws:PrincipalIsAWSService":"false"},"ArnNotEquals":{"aws:PrincipalArn":"` + rotator + `"}}}`, byResource},
		"the secret denies another action":  {mayAll, `{"Effect":"Deny","Principal":"*","Action":"secretsmanager:Put*","Resource":"*"}`, allowed},
		"the secret denies another secret":  {mayAll, `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"` + prefix + `daemon-*"}`, allowed},
		"the secret denies all but the two": {mayAll, `{"Effect":"Deny","NotPrincipal":{"AWS":["` + reader + `","` + account + `"]},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, byResource},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, secretsmanager.Options{})
			_, err := b.CreateSecret(t.Context(), &sdk.CreateSecretInput{
				Name: aws.String("web"), SecretString: aws.String("hunter2"), Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("dev")}},
			})
			require.NoError(t, err)
			if test.resource != "" {
				require.NoError(t, b.putPolicy("web", document(test.resource), false))
			}
			if test.identity == "" {
				b.withReader()
			} else {
				b.withReader(test.identity)
			}
			_, err = b.as("reader").GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String("web"), VersionStage: aws.String("AWSCURRENT")})
			if test.want == allowed {
				require.NoError(t, err)
				return
			}
			requireRefusal(t, err, "AccessDeniedException", "User: "+readerSession+" is not authorized to perform: secretsmanager:GetSecretValue on resource: web"+test.want)
		})
	}
}

func TestThePolicyOfASecretHoldsForTheUserToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	arn := b.create("web", "v")
	const text = `{"Effect":"Deny","Principal":"*","Action":["secretsmanager:GetSecretValue","secretsmanager:PutSecretValue"],"Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":["` + reader + `"]}}}`
	require.NoError(t, b.putPolicy(arn, document(text), true))
	_, err := b.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: &arn})
	requireRefusal(t, err, "AccessDeniedException", "User: "+user+" is not authorized to perform: secretsmanager:GetSecretValue on resource: "+arn+" with an explicit deny in a resource-based policy")
	_, err = b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: &arn, SecretString: aws.String("w")})
	requireRefusal(t, err, "AccessDeniedException", "PutSecretValue")
	b.describe(arn)

	got, err := b.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{SecretId: &arn})
	require.NoError(t, err)
	require.Equal(t, document(text), *got.ResourcePolicy)
	_, err = b.DeleteResourcePolicy(t.Context(), &sdk.DeleteResourcePolicyInput{SecretId: &arn})
	require.NoError(t, err)
	got, err = b.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{SecretId: &arn})
	require.NoError(t, err)
	require.Nil(t, got.ResourcePolicy)
	require.Equal(t, "v", b.get(arn, ""))
}

func TestEveryOperationNeedsItsPermission(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "v")
	web, ctx := aws.String("web"), t.Context()
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	policy := aws.String(document(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`))
	for action, call := range map[string]func(c *sdk.Client) error{
		"CreateSecret": func(c *sdk.Client) error {
			return second(c.CreateSecret(ctx, &sdk.CreateSecretInput{Name: aws.String("new")}))
		},
		"DescribeSecret": func(c *sdk.Client) error {
			return second(c.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: web}))
		},
		"GetSecretValue": func(c *sdk.Client) error {
			return second(c.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: web}))
		},
		"PutSecretValue": func(c *sdk.Client) error {
			return second(c.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: web, SecretString: web}))
		},
		"UpdateSecret": func(c *sdk.Client) error {
			return second(c.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: web, Description: web}))
		},
		"UpdateSecretVersionStage": func(c *sdk.Client) error {
			return second(c.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{SecretId: web, VersionStage: web, MoveToVersionId: web}))
		},
		"ListSecrets": func(c *sdk.Client) error { return second(c.ListSecrets(ctx, &sdk.ListSecretsInput{})) },
		"ListSecretVersionIds": func(c *sdk.Client) error {
			return second(c.ListSecretVersionIds(ctx, &sdk.ListSecretVersionIdsInput{SecretId: web}))
		},
		"DeleteSecret": func(c *sdk.Client) error {
			return second(c.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: web}))
		},
		"RestoreSecret": func(c *sdk.Client) error {
			return second(c.RestoreSecret(ctx, &sdk.RestoreSecretInput{SecretId: web}))
		},
		"RotateSecret": func(c *sdk.Client) error {
			return second(c.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: web}))
		},
		"CancelRotateSecret": func(c *sdk.Client) error {
			return second(c.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: web}))
		},
		"PutResourcePolicy": func(c *sdk.Client) error {
			return second(c.PutResourcePolicy(ctx, &sdk.PutResourcePolicyInput{SecretId: web, ResourcePolicy: policy}))
		},
		"GetResourcePolicy": func(c *sdk.Client) error {
			return second(c.GetResourcePolicy(ctx, &sdk.GetResourcePolicyInput{SecretId: web}))
		},
		"DeleteResourcePolicy": func(c *sdk.Client) error {
			return second(c.DeleteResourcePolicy(ctx, &sdk.DeleteResourcePolicyInput{SecretId: web}))
		},
		"ValidateResourcePolicy": func(c *sdk.Client) error {
			return second(c.ValidateResourcePolicy(ctx, &sdk.ValidateResourcePolicyInput{SecretId: web, ResourcePolicy: policy}))
		},
		"TagResource": func(c *sdk.Client) error {
			return second(c.TagResource(ctx, &sdk.TagResourceInput{SecretId: web, Tags: tags}))
		},
		"UntagResource": func(c *sdk.Client) error {
			return second(c.UntagResource(ctx, &sdk.UntagResourceInput{SecretId: web, TagKeys: []string{"a"}}))
		},
		"GetRandomPassword": func(c *sdk.Client) error {
			return second(c.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{}))
		},
	} {
		b.withReader(`{"Effect":"Allow","NotAction":"secretsmanager:` + action + `","Resource":"*"}`)
		requireRefusal(t, call(b.as("reader")), "AccessDeniedException", "because no identity-based policy allows the secretsmanager:"+action+" action")
	}
	b.withReader(`{"Effect":"Allow","NotAction":"secretsmanager:TagResource","Resource":"*"}`)
	_, err := b.as("reader").CreateSecret(ctx, &sdk.CreateSecretInput{Name: aws.String("new"), Tags: tags})
	requireRefusal(t, err, "AccessDeniedException", "secretsmanager:TagResource on resource: new")
	b.withReader(`{"Effect":"Allow","Action":"*","Resource":"` + prefix + `team/*"}`)
	_, err = b.as("reader").CreateSecret(ctx, &sdk.CreateSecretInput{Name: aws.String("team/new"), Tags: tags})
	require.NoError(t, err)
	_, err = b.as("reader").DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: aws.String("absent")})
	requireRefusal(t, err, "AccessDeniedException", "on resource: absent")
	_, err = b.as("reader").DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: aws.String("team/absent")})
	requireRefusal(t, err, "ResourceNotFoundException", "")
}

func TestConditionsOnTheRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	b.create("web", "v")
	ctx := t.Context()
	b.withReader(`{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"},
		{"Effect":"Deny","Action":"secretsmanager:DeleteSecret","Resource":"*","Condition":{"Bool":{"secretsmanager:ForceDeleteWithoutRecovery":"true"}}},
		{"Effect":"Deny","Action":"secretsmanager:DeleteSecret","Resource":"*","Condition":{"NumericLessThan":{"secretsmanager:RecoveryWindowInDays":"14"}}},
		{"Effect":"Deny","Action":"secretsmanager:PutResourcePolicy","Resource":"*","Condition":{"Bool":{"secretsmanager:BlockPublicPolicy":"false"}}},
		{"Effect":"Deny","Action":"secretsmanager:TagResource","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}}}`)
	c, web := b.as("reader"), aws.String("web")
	policy := aws.String(document(`{"Effect":"Deny","Principal":"*","Action":"a:b","Resource":"*"}`))
	_, err := c.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: web, ForceDeleteWithoutRecovery: aws.Bool(true)})
	requireRefusal(t, err, "AccessDeniedException", "explicit deny")
	_, err = c.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: web, RecoveryWindowInDays: aws.Int64(7)})
	requireRefusal(t, err, "AccessDeniedException", "explicit deny")
	_, err = c.PutResourcePolicy(ctx, &sdk.PutResourcePolicyInput{SecretId: web, ResourcePolicy: policy})
	requireRefusal(t, err, "AccessDeniedException", "explicit deny")
	_, err = c.PutResourcePolicy(ctx, &sdk.PutResourcePolicyInput{SecretId: web, ResourcePolicy: policy, BlockPublicPolicy: aws.Bool(true)})
	require.NoError(t, err)
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{SecretId: web, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("")}}})
	requireRefusal(t, err, "AccessDeniedException", "explicit deny")
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{SecretId: web, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}}})
	require.NoError(t, err)
	_, err = c.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: web, RecoveryWindowInDays: aws.Int64(14)})
	require.NoError(t, err)
}

func TestPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{Exists: func(arn string) bool { return arn == reader }})
	b.create("web", "v")
	statement := func(who string) string {
		return document(`{"Effect":"Allow",` + who + `,"Action":"secretsmanager:GetSecretValue","Resource":"*"}`)
	}
	for name, test := range map[string]struct{ text, code, message string }{
		"empty object":  {`{}`, "MalformedPolicyDocumentException", "This resource policy contains a syntax error."},
		"no JSON":       {`{`, "MalformedPolicyDocumentException", "This resource policy contains a syntax error."},
		"missing role":  {statement(`"Principal":{"AWS":"` + rotator + `"}`), "MalformedPolicyDocumentException", "This resource policy contains an unsupported principal."},
		"service":       {statement(`"Principal":{"Service":"lambda"}`), "MalformedPolicyDocumentException", "This resource policy contains an invalid service principal."},
		"for everybody": {statement(`"Principal":"*"`), "PublicPolicyException", "You can't attach a resource-based policy that allows broad access to the secret."},
		"too long":      {strings.Repeat(" ", 20481), "ValidationException", "20480"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.PutResourcePolicy(context.WithoutCancel(t.Context()), &sdk.PutResourcePolicyInput{
				SecretId: aws.String("web"), ResourcePolicy: &test.text, BlockPublicPolicy: aws.Bool(true),
			})
			requireRefusal(t, err, test.code, test.message)
		})
	}
	require.NoError(t, b.putPolicy("web", statement(`"Principal":"*"`), false))
	require.NoError(t, b.putPolicy("web", statement(`"Principal":{"AWS":"`+reader+`"}`), true))
}

func TestPoliciesAreValidated(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{Exists: func(arn string) bool { return arn == reader }})
	arn := b.create("web", "v")
	for text, want := range map[string][]string{
		document(`{"Effect":"Deny","Principal":"*","Action":"secretsmanager:*","Resource":"*"}`):                                      {"Your requested changes will not allow you to manage this secret in the future."},
		document(`{"Effect":"Deny","Principal":"*","Action":"secretsmanager:Get*","Resource":"*"}`):                                   nil,
		document(`{"Effect":"Allow","Principal":"*","Action":"secretsmanager:Get*","Resource":"*"}`):                                  {"This resource policy grants broad access to your secret. Secrets Manager does not allow creating and applying such policies in the console."},
		document(`{"Effect":"AllowSomething","Principal":"*","Action":"secretsmanager:*","Resource":"*"}`):                            {"This resource policy contains a syntax error."},
		document(`{"Effect":"Deny","Principal":{"AWS":"` + rotator + `"},"Action":"secretsmanager:*","Resource":"*"}`):                {"This resource policy contains an unsupported principal."},
		document(`{"Effect":"Deny","NotPrincipal":{"AWS":["` + reader + `"]},"Action":"secretsmanager:PutResource*","Resource":"*"}`): {"Your requested changes will not allow you to manage this secret in the future."},
	} {
		out, err := b.ValidateResourcePolicy(t.Context(), &sdk.ValidateResourcePolicyInput{ResourcePolicy: &text, SecretId: &arn})
		require.NoError(t, err)
		var errs []string
		for _, each := range out.ValidationErrors {
			errs = append(errs, *each.ErrorMessage)
		}
		require.Equal(t, want, errs, text)
		require.Equal(t, want == nil, out.PolicyValidationPassed)
	}
	out, err := b.ValidateResourcePolicy(t.Context(), &sdk.ValidateResourcePolicyInput{ResourcePolicy: aws.String("{}")})
	require.NoError(t, err)
	require.False(t, out.PolicyValidationPassed)
	require.Equal(t, "v", b.get(arn, ""), "nothing was put")
}

func TestKeysAreAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, secretsmanager.Options{})
	ctx := t.Context()
	var asked []string
	forbidden := ""
	b.keys = func(key, who, action string) error {
		asked = append(asked, key+" "+action)
		require.Equal(t, user, who)
		if action == forbidden {
			return errors.New("no")
		}
		if key == "disabled" {
			return &wire.Error{Status: http.StatusBadRequest, Code: "EncryptionFailure", Message: "it is disabled"}
		}
		return nil
	}
	create := func(name, key string) error {
		_, err := b.CreateSecret(ctx, &sdk.CreateSecretInput{Name: &name, KmsKeyId: &key, SecretString: aws.String("v")})
		return err
	}
	requireRefusal(t, create("x", "disabled"), "EncryptionFailure", "it is disabled")
	asked = nil
	require.NoError(t, create("web", "alias/k"))
	b.get("web", "")
	b.put("web", "w")
	require.NoError(t, create("plain", "alias/aws/secretsmanager"))
	b.get("plain", "")
	require.Equal(t, []string{
		"alias/k kms:GenerateDataKey", "alias/k kms:Decrypt", "alias/k kms:Decrypt", "alias/k kms:GenerateDataKey", "alias/k kms:Decrypt",
	}, asked)
	forbidden = "kms:Decrypt"
	_, err := b.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: aws.String("web")})
	requireRefusal(t, err, "AccessDeniedException", "Access to KMS is not allowed")
	forbidden = "kms:GenerateDataKey"
	_, err = b.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: aws.String("web"), SecretString: aws.String("x")})
	requireRefusal(t, err, "AccessDeniedException", "Access to KMS is not allowed")
	forbidden = "kms:Encrypt"
	_, err = b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: aws.String("web"), KmsKeyId: aws.String("alias/other")})
	requireRefusal(t, err, "AccessDeniedException", "Access to KMS is not allowed")
	require.Equal(t, "alias/k", *b.describe("web").KmsKeyId)
}
