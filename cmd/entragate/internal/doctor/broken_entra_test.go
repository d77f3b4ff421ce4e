package doctor

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

// patchAPI changes the API's application.
func patchAPI(in object) func(*testing.T, *deployed) {
	return func(t *testing.T, d *deployed) {
		graph(t, d.Clouds, http.MethodPatch, "/applications/"+d.apiObject, in)
	}
}

func exposed(scopes ...object) object { return object{"api": object{"oauth2PermissionScopes": scopes}} }

func scopeOf(id, value string, enabled bool) object {
	return object{
		"id": id, "value": value, "type": "Admin", "isEnabled": enabled, "adminConsentDisplayName": value, "adminConsentDescription": value,
	}
}

var brokenEntra = map[string]broken{
	"tokens of v1": {
		patchAPI(object{"api": object{"requestedAccessTokenVersion": 1}}),
		[]want{{SeverityError, CheckGateway, "application of the API", `requestedAccessTokenVersion: got "1", want "2"`, "issuer of v1"}},
	},
	"a scope is disabled": {
		patchAPI(exposed(scopeOf(readScope, "Orders.Read", false), scopeOf(oldScope, "Orders.Old", false))),
		[]want{{SeverityWarning, CheckGateway, "scope Orders.Read", "enabled in Entra: false, want true", "pulumi up"}},
	},
	"a scope is gone": {
		func(t *testing.T, d *deployed) {
			patchAPI(exposed(scopeOf(readScope, "Orders.Read", false), scopeOf(oldScope, "Orders.Old", false)))(t, d)
			patchAPI(exposed(scopeOf(oldScope, "Orders.Old", false)))(t, d)
		},
		[]want{{SeverityError, CheckGateway, "scope Orders.Read", "does not have it", "pulumi up"}},
	},
	"a retired scope is enabled": {
		patchAPI(exposed(scopeOf(readScope, "Orders.Read", true), scopeOf(oldScope, "Orders.Old", true))),
		[]want{{SeverityWarning, CheckGateway, "scope Orders.Old", "want false", "pulumi up"}},
	},
	"a retired scope is gone": {patchAPI(exposed(scopeOf(readScope, "Orders.Read", true))), nil},
	"a role that is for users": {
		func(_ *testing.T, d *deployed) {
			d.Model.Roles = append(d.Model.Roles, access.Role{Value: "Orders.Purge"})
		},
		[]want{{SeverityError, CheckGateway, "role Orders.Purge", "refuse everybody", "pulumi up"}},
	},
	"tokens do not say what they are": {
		patchAPI(object{"optionalClaims": nil}),
		[]want{{SeverityError, CheckGateway, "application of the API", "idtyp", "pulumi up"}},
	},
	"other tenants may sign in": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodPatch, "/applications/"+d.portalObject, object{"signInAudience": "AzureADMultipleOrgs"})
		},
		[]want{{SeverityError, CheckApplications, "client portal", "AzureADMultipleOrgs", "other tenants"}},
	},
	"tokens in addresses": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodPatch, "/applications/"+d.portalObject, object{"web": object{"implicitGrantSettings": object{"enableIdTokenIssuance": true}}})
		},
		[]want{{SeverityError, CheckApplications, "client portal", "implicit grant is on: access tokens false, id tokens true", "leak"}},
	},
	"no identifier uri": {
		patchAPI(object{"identifierUris": []string{}}),
		[]want{{SeverityError, CheckApplications, "application of the API", "AADSTS500011", "pulumi up"}},
	},
	"nobody needs to be assigned": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodPatch, "/servicePrincipals/"+d.apiPrincipal, object{"appRoleAssignmentRequired": false})
		},
		[]want{{SeverityError, CheckApplications, "service principal of the API", `got "false", want "true"`, "without an assignment"}},
	},
	"the api's application is gone": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodDelete, "/applications/"+d.apiObject, nil)
		},
		[]want{
			{SeverityError, CheckGateway, "application of the API", "nobody gets a token", "restored"},
			{SeverityError, CheckApplications, "application of the API", "does not exist", "restored"},
			{SeverityError, CheckApplications, "service principal of the API", "does not exist", "pulumi up"},
			{SeverityError, CheckGrants, "service principal of the API", "does not exist", "pulumi up"},
		},
	},
	"a client is gone": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodDelete, "/applications/"+d.portalObject, nil)
		},
		[]want{
			{SeverityError, CheckApplications, "client portal", "does not exist", "restored"},
			{SeverityError, CheckGrants, "client portal", "no service principal", "pulumi up"},
		},
	},
}

var brokenGrants = map[string]broken{
	"a scope is not granted": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodDelete, "/oauth2PermissionGrants/"+d.scopeGrant, nil)
		},
		[]want{{SeverityError, CheckGrants, "client portal", "no token with Orders.Read", "pulumi up"}},
	},
	"an administrator has not granted it": {
		func(t *testing.T, d *deployed) {
			d.GrantsExternal = true
			graph(t, d.Clouds, http.MethodDelete, "/oauth2PermissionGrants/"+d.scopeGrant, nil)
		},
		[]want{
			{SeverityInfo, CheckGrants, "grants", "an administrator makes them", "pulumi stack output administrator"},
			{SeverityError, CheckGrants, "client portal", "no token with Orders.Read", "pulumi stack output administrator"},
		},
	},
	"more is granted": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodPatch, "/oauth2PermissionGrants/"+d.scopeGrant, object{"scope": "Orders.Read Orders.Old"})
		},
		[]want{{SeverityWarning, CheckGrants, "client portal", "is granted Orders.Old, which", "declare it"}},
	},
	"a stranger is granted a scope": {
		func(t *testing.T, d *deployed) {
			_, _, stranger := register(t, d.Clouds, object{"displayName": "Stranger " + d.Stack})
			d.grant(t, stranger, d.apiPrincipal, "Orders.Read")
		},
		[]want{{SeverityWarning, CheckGrants, "client Stranger", "granted Orders.Read", "take the grant away"}},
	},
	"a role is not assigned": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodDelete, "/servicePrincipals/"+d.apiPrincipal+"/appRoleAssignedTo/"+d.roleAssignment, nil)
		},
		[]want{{SeverityError, CheckGrants, "client export", "no token with role Orders.Export", "pulumi up"}},
	},
	"a stranger holds a role": {
		func(t *testing.T, d *deployed) {
			_, _, stranger := register(t, d.Clouds, object{"displayName": "Stranger " + d.Stack})
			d.assign(t, stranger, exportRole)
		},
		[]want{{SeverityWarning, CheckGrants, "serviceprincipal Stranger", "holds Orders.Export", "take the assignment away"}},
	},
	"a client holds a role that is not its own": {
		func(t *testing.T, d *deployed) { d.assign(t, d.portalPrincipal, exportRole) },
		[]want{{SeverityWarning, CheckGrants, "client portal", "holds Orders.Export, which", "declare it"}},
	},
	"a user is not assigned, and another one is": {
		func(_ *testing.T, d *deployed) { d.Model.Assignment.Users = []string{"somebody"} },
		[]want{
			{SeverityError, CheckGrants, "user somebody", "AADSTS50105", "pulumi up"},
			{SeverityWarning, CheckGrants, "user Alice", "may get tokens", "take the assignment away"},
		},
	},
	"a group is not assigned": {
		func(_ *testing.T, d *deployed) { d.Model.Assignment.Groups = []string{"some"} },
		[]want{{SeverityError, CheckGrants, "group some", "AADSTS50105", "pulumi up"}},
	},
	"users meet a prompt": {
		func(t *testing.T, d *deployed) {
			for _, g := range graph(t, d.Clouds, http.MethodGet, "/servicePrincipals/"+d.portalPrincipal+"/oauth2PermissionGrants", nil)["value"].([]any) {
				if g.(object)["resourceId"] == d.graph {
					graph(t, d.Clouds, http.MethodDelete, "/oauth2PermissionGrants/"+g.(object)["id"].(string), nil)
				}
			}
		},
		[]want{{SeverityWarning, CheckGrants, "client portal", "nobody granted offline_access, openid, profile", "pulumi up"}},
	},
	"disabled in Entra": {
		func(t *testing.T, d *deployed) {
			for _, id := range []string{d.apiPrincipal, d.exportPrincipal} {
				graph(t, d.Clouds, http.MethodPatch, "/servicePrincipals/"+id, object{"accountEnabled": false})
			}
		},
		[]want{
			{SeverityError, CheckGrants, "service principal of the API", "disabled", "accountEnabled=true"},
			{SeverityError, CheckGrants, "client export", "AADSTS7000112", "accountEnabled=true"},
		},
	},
}

var brokenSecrets = map[string]broken{
	"rotation is off": {
		func(t *testing.T, d *deployed) {
			d.wire.answer("secretsmanager:DescribeSecret", http.StatusOK, asJSON(t, object{"VersionIdsToStages": object{version: []string{"AWSCURRENT"}}}))
		},
		[]want{{SeverityError, CheckSecrets, "client export", "rotation is not enabled", "entragate rotate export"}},
	},
	"the secret is gone": {
		func(_ *testing.T, d *deployed) {
			d.wire.answer("secretsmanager:DescribeSecret", http.StatusBadRequest, `{"__type":"ResourceNotFoundException","message":"no"}`)
		},
		[]want{{SeverityError, CheckSecrets, "client export", "does not exist", "entragate rotate export"}},
	},
	"it ends soon": {
		func(_ *testing.T, d *deployed) { d.clock.ahead = 170 * 24 * time.Hour },
		[]want{
			{SeverityWarning, CheckSecrets, "client export", "secret: it ends on", "entragate rotate export"},
			{SeverityError, CheckSecrets, "client export", "overdue", "entragate rotate export"},
		},
	},
	"it has ended": {
		func(_ *testing.T, d *deployed) { d.clock.ahead = 201 * 24 * time.Hour },
		[]want{
			{SeverityError, CheckSecrets, "client export", "secret: it ended on", "entragate rotate export"},
			{SeverityError, CheckSecrets, "client export", "overdue", "entragate rotate export"},
		},
	},
	"a secret made by hand": {
		func(t *testing.T, d *deployed) {
			graph(t, d.Clouds, http.MethodPost, "/applications/"+d.exportObject+"/addPassword", object{"passwordCredential": object{"displayName": "by hand"}})
		},
		[]want{{SeverityWarning, CheckSecrets, "client export", "rotator did not make", "az ad app credential delete"}},
	},
	"a certificate that is not there": {
		func(_ *testing.T, d *deployed) {
			declared := d.Outputs.Credentials["export"]
			declared.Kind = access.CredentialCertificate
			d.Outputs.Credentials["export"] = declared
		},
		[]want{{SeverityError, CheckSecrets, "client export", "no certificate", "new certificate"}},
	},
	"the outbound issuer does not answer": {
		func(_ *testing.T, d *deployed) {
			d.OutboundIssuer = "https://localhost/issuer"
			d.wire.answer("/issuer/.well-known/openid-configuration", http.StatusNotFound, "")
		},
		[]want{{SeverityError, CheckSecrets, "outbound issuer", "want 200", "get-outbound-web-identity-federation-info"}},
	},
	"the outbound issuer has no keys": {
		func(_ *testing.T, d *deployed) {
			d.OutboundIssuer = "https://localhost/issuer"
			d.wire.answer("/issuer/.well-known/openid-configuration", http.StatusOK, `{"issuer":"https://localhost/issuer","jwks_uri":"https://localhost/keys"}`)
			d.wire.answer("/keys", http.StatusOK, `{"keys":[]}`)
		},
		[]want{{SeverityError, CheckSecrets, "outbound issuer", "got no keys", "get-outbound-web-identity-federation-info"}},
	},
	"the outbound issuer is another one": {
		func(_ *testing.T, d *deployed) {
			d.OutboundIssuer = "https://localhost/issuer"
			d.wire.answer("/issuer/.well-known/openid-configuration", http.StatusOK, `{"issuer":"https://localhost/other"}`)
		},
		[]want{{SeverityError, CheckSecrets, "outbound issuer", `got "https://localhost/other"`, "get-outbound-web-identity-federation-info"}},
	},
}

// keyPolicy gives the topic's key another policy.
func keyPolicy(statements string) func(*testing.T, *deployed) {
	return func(t *testing.T, d *deployed) {
		_, err := d.Clouds.KMS.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: &d.key, Policy: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}` + statements + `]}`)})
		require.NoError(t, err)
	}
}

var brokenAlarms = map[string]broken{
	"no alarm": {
		func(_ *testing.T, d *deployed) { d.Stack += "-other" },
		[]want{{SeverityError, CheckAlarms, "alarms", "no alarm has the tags", "pulumi up"}},
	},
	"actions are disabled": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.CloudWatch.DisableAlarmActions(t.Context(), &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{d.alarm}})
			require.NoError(t, err)
		},
		[]want{{SeverityError, CheckAlarms, "alarm orders-", "actions are disabled", "enable-alarm-actions"}},
	},
	"no action": {
		func(t *testing.T, d *deployed) { d.putAlarm(t) },
		[]want{{SeverityError, CheckAlarms, "alarm orders-", "no action", "pulumi up"}},
	},
	"it is in alarm": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.CloudWatch.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
				AlarmName: &d.alarm, StateValue: cloudwatchtypes.StateValueAlarm, StateReason: aws.String("three errors"),
			})
			require.NoError(t, err)
		},
		[]want{{SeverityWarning, CheckAlarms, "alarm orders-", "in ALARM: three errors", "Look at the log."}},
	},
	"the topic is gone": {
		func(_ *testing.T, d *deployed) {
			d.wire.answer("sns:GetTopicAttributes", http.StatusNotFound, `<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>`)
		},
		[]want{{SeverityError, CheckAlarms, "topic arn:", "does not exist", "pulumi up"}},
	},
	"the topic is not encrypted": {
		func(_ *testing.T, d *deployed) { d.topicIs(alarmsTopic, "") },
		[]want{{SeverityWarning, CheckAlarms, "topic arn:", "not encrypted", "customer-managed key"}},
	},
	"the topic has AWS's own key": {
		func(_ *testing.T, d *deployed) { d.topicIs(alarmsTopic, "alias/aws/sns") },
		[]want{{SeverityError, CheckAlarms, "topic arn:", "in silence", "customer-managed key"}},
	},
	"alarms may not publish": {
		func(_ *testing.T, d *deployed) {
			d.topicIs(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`, d.key)
		},
		[]want{{SeverityError, CheckAlarms, "topic arn:", "does not say that cloudwatch.amazonaws.com may sns:Publish", "publish"}},
	},
	"alarms of another account may publish": {
		func(_ *testing.T, d *deployed) {
			d.topicIs(`{"Statement":{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":["sns:*"],"Resource":"*",`+
				`"Condition":{"StringEquals":{"AWS:SourceAccount":["111111111111"]}}}}`, d.key)
		},
		[]want{{SeverityError, CheckAlarms, "topic arn:", "alarms tell nobody", "publish"}},
	},
	"the key is gone": {
		func(_ *testing.T, d *deployed) { d.topicIs(alarmsTopic, "alias/nothing") },
		[]want{{SeverityError, CheckAlarms, "key alias/nothing", "does not exist", "customer-managed key"}},
	},
	"the key is disabled": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.KMS.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &d.key})
			require.NoError(t, err)
		},
		[]want{{SeverityError, CheckAlarms, "key arn:", "Disabled", "enable it"}},
	},
	"alarms may not use the key": {
		keyPolicy(""),
		[]want{{SeverityError, CheckAlarms, "key arn:", "in silence", "kms:GenerateDataKey*"}},
	},
	"alarms may only decrypt": {
		keyPolicy(`,{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"}`),
		[]want{{SeverityError, CheckAlarms, "key arn:", "in silence", "kms:GenerateDataKey*"}},
	},
	"the key's condition is not known": {
		keyPolicy(`,{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"kms:*","Resource":"*",` +
			`"Condition":{"StringEquals":{"kms:CallerAccount":"123456789012"}}}`),
		[]want{{SeverityWarning, CheckAlarms, "key arn:", "StringEquals kms:CallerAccount", "compare"}},
	},
	"nobody is subscribed": {
		func(_ *testing.T, d *deployed) { d.subscribed() },
		[]want{{SeverityWarning, CheckAlarms, "topic arn:", "alarms reach nobody", "alarms.subscriptions"}},
	},
	"nobody has confirmed": {
		func(_ *testing.T, d *deployed) {
			d.subscribed([3]string{"PendingConfirmation", "email", "ops@example.com"}, [3]string{"PendingConfirmation", "https", "https://hooks.example.com/secret"})
		},
		[]want{
			{SeverityWarning, CheckAlarms, "topic arn:", "email ops@example.com, https hooks.example.com", "link"},
			{SeverityWarning, CheckAlarms, "topic arn:", "alarms reach nobody", "alarms.subscriptions"},
		},
	},
}
