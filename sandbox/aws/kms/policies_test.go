package kms_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/kms"
)

func TestPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	allow := func(members string) string {
		return policy(own, `{"Effect":"Allow",`+members+`}`)
	}
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":            {`{`, "not valid JSON"},
		"no statement":       {`{"Version":"2012-10-17","Statement":[]}`, "no statement"},
		"a version":          {`{"Version":"2020-10-17","Statement":[` + own + `]}`, "version"},
		"no effect":          {policy(`{"Principal":"*","Action":"kms:*","Resource":"*"}`), "effect"},
		"no principal":       {allow(`"Action":"kms:*","Resource":"*"`), "no principal"},
		"two principals":     {allow(`"Principal":"*","NotPrincipal":"*","Action":"kms:*","Resource":"*"`), "no principal"},
		"a principal's kind": {allow(`"Principal":{"Role":"x"},"Action":"kms:*","Resource":"*"`), "one or more invalid principals."},
		"a name":             {allow(`"Principal":{"AWS":"r"},"Action":"kms:*","Resource":"*"`), "one or more invalid principals."},
		"a wildcard in it":   {allow(`"Principal":{"AWS":"arn:aws:iam::000000000000:role/*"},"Action":"kms:*","Resource":"*"`), "one or more invalid principals."},
		"a service":          {allow(`"Principal":{"Service":"logs"},"Action":"kms:*","Resource":"*"`), "one or more invalid principals."},
		"no action":          {allow(`"Principal":"*","Resource":"*"`), "no actions"},
		"another's action":   {allow(`"Principal":"*","Action":"s3:Get","Resource":"*"`), "invalid actions"},
		"no resource":        {allow(`"Principal":"*","Action":"kms:*"`), "no resources"},
		"an operator":        {allow(`"Principal":"*","Action":"kms:*","Resource":"*","Condition":{"Is":{"kms:ViaService":"x"}}`), "condition operator"},
		"a condition key":    {allow(`"Principal":"*","Action":"kms:*","Resource":"*","Condition":{"Bool":{"x":"x"}}`), "condition"},
		"a member":           {allow(`"Principal":"*","Action":"kms:*","Resource":"*","Extra":1`), "syntax"},
		"the same id":        {policy(strings.Replace(own, "{", `{"Sid":"a",`, 1), strings.Replace(own, "{", `{"Sid":"a",`, 1)), "Sid"},
		"lock-out":           {policy(`{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"kms:*","Resource":"*"}`), "will not allow you to update the key policy in the future."},
		"lock-out by denial": {policy(own, `{"Effect":"Deny","Principal":"*","Action":"kms:Put*","Resource":"*"}`), "will not allow you to update the key policy in the future."},
		"lock-out by action": {policy(`{"Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"kms:Decrypt","Resource":"*"}`), "will not allow you to update the key policy in the future."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, Policy: &test.text, PolicyName: aws.String("default")})
			refused(t, err, "MalformedPolicyDocumentException", test.want)
			_, err = b.CreateKey(ctx, &sdk.CreateKeyInput{Policy: &test.text})
			refused(t, err, "MalformedPolicyDocumentException", test.want)
		})
	}
	_, err := b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, Policy: aws.String("{" + strings.Repeat(" ", 32768) + "}")})
	refused(t, err, "ValidationException", "32768")
}

func TestALockoutIsPossibleOnPurpose(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	text := policy(`{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"kms:*","Resource":"*"}`)
	out, err := b.CreateKey(t.Context(), &sdk.CreateKeyInput{Policy: &text, BypassPolicyLockoutSafetyCheck: true})
	require.NoError(t, err)
	_, err = b.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: out.KeyMetadata.KeyId})
	refused(t, err, "AccessDeniedException", "User: "+user+" is not authorized to perform: kms:DescribeKey on resource: "+*out.KeyMetadata.Arn+" because no resource-based policy allows the kms:DescribeKey action")
	b.as = role
	_, err = b.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: out.KeyMetadata.KeyId})
	require.NoError(t, err)
}

func TestWhoMayUseAKey(t *testing.T) {
	t.Parallel()
	const (
		logs    = "logs.eu-west-1.amazonaws.com"
		alarms  = "cloudwatch.amazonaws.com"
		decrypt = "kms:Decrypt"
		group   = "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/vendedlogs/api"
		via     = "secretsmanager.eu-west-1.amazonaws.com"
	)
	to := func(principal, more string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*"` + more + `}`
	}
	deny := func(principal, more string) string {
		return strings.Replace(to(principal, more), "Allow", "Deny", 1)
	}
	for name, test := range map[string]struct {
		policy []string
		use    kms.Use
		may    bool // the role has a policy that allows it
		want   string
	}{
		"the account's user":            {[]string{own}, kms.Use{Principal: user, Action: decrypt}, false, ""},
		"the account":                   {[]string{own}, kms.Use{Principal: root, Action: decrypt}, false, ""},
		"a role that may":               {[]string{own}, kms.Use{Principal: role, Action: decrypt}, true, ""},
		"a role that may not":           {[]string{own}, kms.Use{Principal: role, Action: decrypt}, false, "no identity-based policy"},
		"by the account's number":       {[]string{to(`{"AWS":"000000000000"}`, "")}, kms.Use{Principal: role, Action: decrypt}, true, ""},
		"a role by name":                {[]string{to(`{"AWS":["`+role+`"]}`, "")}, kms.Use{Principal: role, Action: decrypt}, false, ""},
		"another role by name":          {[]string{to(`{"AWS":"`+role+`x"}`, "")}, kms.Use{Principal: role, Action: decrypt}, true, "no resource-based policy"},
		"anybody":                       {[]string{to(`"*"`, "")}, kms.Use{Principal: role, Action: decrypt}, false, ""},
		"any AWS principal":             {[]string{to(`{"AWS":"*"}`, "")}, kms.Use{Principal: role, Action: decrypt}, false, ""},
		"another account":               {[]string{to(`{"AWS":"111111111111"}`, "")}, kms.Use{Principal: role, Action: decrypt}, true, "no resource-based policy"},
		"another action":                {[]string{to(`"*"`, "")}, kms.Use{Principal: role, Action: "kms:Encrypt"}, true, "no resource-based policy"},
		"a pattern of actions":          {[]string{to(`"*"`, "")}, kms.Use{Principal: role, Action: "kms:GenerateDataKeyWithoutPlaintext"}, false, ""},
		"denied by name":                {[]string{own, deny(`{"AWS":"`+role+`"}`, "")}, kms.Use{Principal: role, Action: decrypt}, true, "explicit deny in a resource-based policy"},
		"denied but for others":         {[]string{own, strings.Replace(deny(`{"AWS":"`+role+`"}`, ""), "Principal", "NotPrincipal", 1)}, kms.Use{Principal: role, Action: decrypt}, true, ""},
		"another is denied":             {[]string{own, deny(`{"AWS":"`+role+`x"}`, "")}, kms.Use{Principal: role, Action: decrypt}, true, ""},
		"the service":                   {[]string{own, to(`{"Service":"`+alarms+`"}`, "")}, kms.Use{Principal: alarms, Action: decrypt}, false, ""},
		"a service is not the account":  {[]string{own}, kms.Use{Principal: alarms, Action: decrypt}, true, "no resource-based policy"},
		"another service":               {[]string{own, to(`{"Service":"sns.amazonaws.com"}`, "")}, kms.Use{Principal: alarms, Action: decrypt}, false, "no resource-based policy"},
		"another region's service":      {[]string{own, to(`{"Service":"logs.us-east-1.amazonaws.com"}`, "")}, kms.Use{Principal: logs, Action: decrypt}, false, "no resource-based policy"},
		"logs for its group":            {[]string{to(`{"Service":"`+logs+`"}`, `,"Condition":{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:eu-west-1:000000000000:log-group:/aws/vendedlogs/*"}}`)}, kms.Use{Principal: logs, Action: decrypt, Context: map[string]string{"kms:EncryptionContext:aws:logs:arn": group}}, false, ""},
		"logs for another group":        {[]string{to(`{"Service":"`+logs+`"}`, `,"Condition":{"ArnEquals":{"kms:EncryptionContext:aws:logs:arn":"`+group+`"}}`)}, kms.Use{Principal: logs, Action: decrypt, Context: map[string]string{"kms:EncryptionContext:aws:logs:arn": group + "x"}}, false, "no resource-based policy"},
		"logs without context":          {[]string{to(`{"Service":"`+logs+`"}`, `,"Condition":{"ArnEquals":{"kms:EncryptionContext:aws:logs:arn":"`+group+`"}}`)}, kms.Use{Principal: logs, Action: decrypt}, false, "no resource-based policy"},
		"for another account's topic":   {[]string{to(`{"Service":"`+alarms+`"}`, `,"Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}`)}, kms.Use{Principal: alarms, Action: decrypt, Context: map[string]string{"aws:SourceAccount": account}}, false, "no resource-based policy"},
		"through Secrets Manager":       {[]string{to(`"*"`, `,"Condition":{"StringEquals":{"kms:ViaService":"`+via+`","kms:CallerAccount":"000000000000"}}`)}, kms.Use{Principal: role, Action: decrypt, Context: map[string]string{"kms:ViaService": via}}, false, ""},
		"by itself":                     {[]string{to(`"*"`, `,"Condition":{"StringEquals":{"kms:ViaService":"`+via+`"}}`)}, kms.Use{Principal: role, Action: decrypt}, false, "no resource-based policy"},
		"denied unless through it":      {[]string{own, deny(`"*"`, `,"Condition":{"StringNotEquals":{"kms:ViaService":"`+via+`"}}`)}, kms.Use{Principal: role, Action: decrypt}, true, "explicit deny"},
		"a condition of another kind":   {[]string{to(`"*"`, `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)}, kms.Use{Principal: role, Action: decrypt, Context: map[string]string{"aws:SourceIp": "10.0.0.1"}}, false, "no resource-based policy"},
		"denied by one of another kind": {[]string{own, deny(`"*"`, `,"Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)}, kms.Use{Principal: role, Action: decrypt, Context: map[string]string{"aws:SourceIp": "10.0.0.1"}}, true, "explicit deny"},
		"no services":                   {[]string{own, deny(`"*"`, `,"Condition":{"Bool":{"aws:PrincipalIsAWSService":true}}`), to(`{"Service":"`+alarms+`"}`, "")}, kms.Use{Principal: alarms, Action: decrypt}, false, "explicit deny"},
		"only with a context":           {[]string{to(`"*"`, `,"Condition":{"Null":{"kms:EncryptionContextKeys":"false"}}`)}, kms.Use{Principal: role, Action: decrypt}, false, "no resource-based policy"},
		"any key of the context":        {[]string{to(`"*"`, `,"Condition":{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}}`)}, kms.Use{Principal: role, Action: decrypt, Context: map[string]string{"kms:EncryptionContext:b": "1", "kms:EncryptionContext:c": "1"}}, false, ""},
		"all keys of the context":       {[]string{to(`"*"`, `,"Condition":{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}}`)}, kms.Use{Principal: role, Action: decrypt, Context: map[string]string{"kms:EncryptionContext:b": "1", "kms:EncryptionContext:c": "1"}}, false, "no resource-based policy"},
		"if there is one":               {[]string{to(`"*"`, `,"Condition":{"StringLikeIfExists":{"kms:ViaService":"x*"}}`)}, kms.Use{Principal: role, Action: decrypt}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			text := policy(test.policy...)
			out, err := b.CreateKey(t.Context(), &sdk.CreateKeyInput{Policy: &text, BypassPolicyLockoutSafetyCheck: true})
			require.NoError(t, err)
			if test.may {
				b.roles[test.use.Principal+" "+test.use.Action+" "+*out.KeyMetadata.Arn] = ""
			}
			err = b.service.Check(*out.KeyMetadata.Arn, test.use)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "AccessDeniedException")
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestRolesNeedPermissionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	sealed, err := b.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("p")})
	require.NoError(t, err)
	b.as = role
	_, err = b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	refused(t, err, "AccessDeniedException", "User: "+session+" is not authorized to perform: kms:Decrypt on resource: "+prefix+"key/"+id+" because no identity-based policy")
	_, err = b.CreateKey(ctx, &sdk.CreateKeyInput{})
	refused(t, err, "AccessDeniedException", "kms:CreateKey")
	_, err = b.ListKeys(ctx, &sdk.ListKeysInput{})
	refused(t, err, "AccessDeniedException", "kms:ListKeys")
	_, err = b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &id})
	refused(t, err, "AccessDeniedException", "kms:CreateAlias on resource: "+prefix+"alias/x")
	b.roles[role+" kms:Decrypt "+prefix+"key/"+id] = ""
	_, err = b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(t, err)
}

func TestAPolicyOfARoleSeesHowTheKeyIsUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	id := b.key("")
	const via = "secretsmanager.eu-west-1.amazonaws.com"
	b.roles[role+" kms:Decrypt "+prefix+"key/"+id] = via
	use := kms.Use{Principal: role, Action: "kms:Decrypt"}
	require.ErrorContains(t, b.service.Check(id, use), "no identity-based policy")
	use.Context = map[string]string{"kms:ViaService": via}
	require.NoError(t, b.service.Check(id, use))
}

func TestUsableTellsTheStateOfAKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	id := b.key("")
	_, err := b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &id})
	require.NoError(t, err)
	for _, name := range []string{id, prefix + "key/" + id, "alias/x", prefix + "alias/x"} {
		require.NoError(t, b.service.Usable(name, user, "kms:Decrypt"), name)
	}
	require.ErrorContains(t, b.service.Usable("alias/y", user, "kms:Decrypt"), "NotFoundException")
	_, err = b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &id})
	require.NoError(t, err)
	require.ErrorContains(t, b.service.Usable("alias/x", user, "kms:Decrypt"), "DisabledException")
	_, err = b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &id})
	require.NoError(t, err)
	require.ErrorContains(t, b.service.Usable("alias/x", user, "kms:Decrypt"), "KMSInvalidStateException")
}
