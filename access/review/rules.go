package review

import (
	"slices"
	"strings"
)

// Rule is one thing that a review looks for.
type Rule struct {
	// ID is stable: acknowledgements name it.
	ID string `json:"id"`
	// Kind is what the rule's findings do to access, as a rule.
	Kind Kind `json:"kind"`
	// Dangerous marks what opens the API further than people tend to mean, or
	// cuts off callers who cannot help it.
	Dangerous bool `json:"dangerous,omitempty"`
	// Title is what it looks for, in a few words.
	Title string `json:"title"`
	// Explanation says why it matters and what to do.
	Explanation string `json:"explanation"`
	// Source is the vendor's page behind it, where there is one.
	Source string `json:"source,omitempty"`
}

// Rules are all of them, in the order of their ids. Their kinds follow one
// principle: what lets more call, or hides it if they do, widens; what stops
// somebody who could call breaks; the rest is neutral.
func Rules() []Rule {
	all := slices.Concat(routeRules, scopeRules, clientRules, tenantRules, gatewayRules, watchRules, reviewRules)
	slices.SortFunc(all, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// The vendor pages that rules go by.
const (
	pageJWT        = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html"
	pageLambda     = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html"
	pageRoutes     = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html"
	pageThrottle   = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html"
	pageCORS       = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html"
	pageEndpoint   = "https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-disable-default-endpoint.html"
	pageLogging    = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html"
	pageRetention  = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
	pageLogKey     = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
	pageAlarm      = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
	pageRotation   = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html"
	pageLifetime   = "https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes"
	pagePermission = "https://learn.microsoft.com/graph/api/resources/permissionscope"
	pageConsent    = "https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview"
	pageRoles      = "https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps"
	pageAssignment = "https://learn.microsoft.com/entra/identity-platform/howto-restrict-your-app-to-a-set-of-users"
	pageGrant      = "https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant"
	pageReply      = "https://learn.microsoft.com/entra/identity-platform/reply-url"
	pageClaims     = "https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"
	pageFederation = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	pageDelete     = "https://learn.microsoft.com/entra/identity/enterprise-apps/delete-recover-faq"
	pageProtect    = "https://www.pulumi.com/docs/iac/concepts/resources/options/protect/"
)

var routeRules = []Rule{
	{
		"route-public", Widening, true, "a route is public",
		"Everybody may call it, without a token. Say why, and check that its backend neither tells nor changes anything that is not public.",
		pageRoutes,
	},
	{"route-protected", Breaking, false, "a public route asks for a token", "Who calls it without a token is refused from now on.", pageJWT},
	{"route-added", Widening, false, "a route is added", "Whoever holds what it asks for may call it.", pageRoutes},
	{"route-removed", Breaking, false, "a route is removed", "Its callers get 404, unless a wider route takes their requests.", pageRoutes},
	{
		"route-uncovered", Widening, true, "requests of a removed route go to a wider one that lets more call",
		"API Gateway gives a request to the most specific route that is there. Without this one, a greedy route, a route of any method or $default decides.",
		pageRoutes,
	},
	{
		"route-taken-over", Breaking, false, "a new route takes requests of a wider one and refuses callers it let through",
		"API Gateway gives a request to the most specific route. Callers of the wider route lose what the new one does not give them.",
		pageRoutes,
	},
	{
		"route-scope-added", Widening, false, "a route takes one more scope",
		"Scopes of a route are alternatives, so each one more opens it to whoever holds it.",
		pageJWT,
	},
	{
		"route-scope-dropped", Breaking, false, "a route no longer takes a scope",
		"Scopes of a route are alternatives: who holds only this one is refused. Dropping one never opens a route; what takes its place may, and is a finding of its own.",
		pageJWT,
	},
	{"route-roles-added", Widening, false, "a route takes one more role", "Daemons that hold the role may call.", pageLambda},
	{"route-roles-removed", Breaking, false, "a route no longer takes a role", "Daemons that hold only this role are refused.", pageLambda},
	{
		"route-moved-to-lambda", Neutral, false, "a route is decided by the Lambda authorizer",
		"Roles are what API Gateway's own JWT authorizer does not read. Wrong tokens get 403 in place of 401, decisions may be repeated from a cache, and for a few seconds while it is deployed either authorizer decides (a guess).",
		pageLambda,
	},
	{
		"route-moved-to-jwt", Neutral, false, "a route is decided by API Gateway's JWT authorizer",
		"Wrong tokens get 401 in place of 403. For a few seconds while it is deployed either authorizer decides (a guess).",
		pageJWT,
	},
	{
		"route-reason-changed", Neutral, false, "the reason of a public route is another",
		"It stays public. The reason is for whoever reads the configuration.",
		"",
	},
	{
		"backend-changed", Neutral, false, "allowed calls go elsewhere",
		"Calls go on with their Authorization header, so whoever runs the new place sees tokens for the API.",
		pageRoutes,
	},
	{
		"opens-to-everyone", Widening, true, "calls without a token are allowed that were not",
		"Anybody who reaches the API may call.",
		pageRoutes,
	},
	{
		"opens-to-any-client", Widening, true, "users of any client of the tenant may call",
		"Neither authorizer looks at which client a token is for. A scope that users may consent to is open to every client they sign in to.",
		pageConsent,
	},
	{"route-unreachable", Breaking, true, "nobody can call a route any more", "It is there, and no client holds what it asks for.", pageJWT},
}

var scopeRules = []Rule{
	{
		"scope-added", Neutral, false, "a scope is declared",
		"By itself it opens nothing: routes must ask for it and clients hold it.",
		pagePermission,
	},
	{
		"scope-removed-granted", Breaking, true, "a scope is removed or renamed while clients hold it",
		"Their tokens are refused, and what they ask Entra for is not there. Rename it in the safe order instead: add, grant, accept either, retire, remove.",
		pagePermission,
	},
	{
		"scope-removed-unretired", Breaking, true, "an active scope is removed that was not retired first",
		"Tokens at hand carry it and are refused. Retire it, wait until they have expired, then remove it. Where clients hold it, that is scope-removed-granted.",
		pagePermission,
	},
	{
		"scope-removed", Neutral, false, "a retired scope is removed",
		"No new token carries it. Wait with it until tokens from before it was retired have expired.",
		pageLifetime,
	},
	{
		"scope-retired", Breaking, false, "a scope is retired",
		"Entra puts it into no new token. Clients that still ask for it by name get an error at sign-in.",
		pagePermission,
	},
	{
		"scope-reactivated", Widening, false, "a retired scope is active again",
		"New tokens carry it again wherever it is still granted.",
		pagePermission,
	},
	{
		"scope-consent-opened", Widening, true, "users may consent to a scope",
		"Any client that users sign in to may hold it once they consent, not only those declared here.",
		pageConsent,
	},
	{
		"scope-consent-closed", Breaking, false, "only administrators may consent to a scope",
		"Clients outside the configuration that users would consent to get no new consent. What users have consented to already stays until it is revoked.",
		pageConsent,
	},
	{"scope-text-changed", Neutral, false, "the text of a scope or role is another", "Whoever consents reads it.", pagePermission},
	{
		"role-added", Neutral, false, "a role is declared",
		"By itself it opens nothing: routes must ask for it and daemons hold it.",
		pageRoles,
	},
	{
		"role-removed-granted", Breaking, true, "a role is removed or renamed while daemons hold it",
		"Their tokens are refused. Declare the new role, assign it, let routes take either, then retire and remove the old one.",
		pageRoles,
	},
	{
		"role-removed-unretired", Breaking, true, "an active role is removed that was not retired first",
		"Tokens at hand carry it and are refused. Retire it first. Where daemons hold it, that is role-removed-granted.",
		pageRoles,
	},
	{"role-removed", Neutral, false, "a retired role is removed", "No new token carries it.", pageRoles},
	{"role-retired", Breaking, false, "a role is retired", "Entra puts it into no new token.", pageRoles},
	{
		"role-reactivated", Widening, false, "a retired role is active again",
		"New tokens carry it again wherever it is still assigned.",
		pageRoles,
	},
}

var clientRules = []Rule{
	{"client-added", Widening, true, "a client is added", "Its users, or the daemon itself, may call what its grants open.", pageGrant},
	{
		"client-removed", Breaking, false, "a client is removed",
		"Its application is deleted, and can be restored for 30 days. It gets no new token.",
		pageDelete,
	},
	{
		"client-kind-changed", Breaking, false, "a client is of another kind",
		"How it signs in differs: redirect URIs are registered for a kind, and a daemon has no users. Change the client's program with it.",
		pageReply,
	},
	{"client-grant-added", Widening, true, "a client is granted a scope", "For every user of the client, without asking them.", pageGrant},
	{"client-grant-removed", Breaking, false, "a client is no longer granted a scope", "Its new tokens lack it.", pageGrant},
	{"role-assigned", Widening, true, "a daemon is assigned a role", "It may call, without a user, what the role opens.", pageRoles},
	{"role-unassigned", Breaking, false, "a daemon is no longer assigned a role", "Its new tokens lack it.", pageRoles},
	{"client-cut-off", Breaking, true, "a client can call nothing any more", "It could before, and stays declared.", pageGrant},
	{"client-renamed", Neutral, false, "a client is shown under another name", "People see it where they sign in.", ""},
	{
		"redirect-uri-added", Widening, true, "sign-in of a client may return to one more address",
		"Whoever is there gets the codes, and with them the tokens, of users who sign in.",
		pageReply,
	},
	{
		"redirect-uri-removed", Breaking, false, "sign-in of a client no longer returns to an address",
		"Programs that name it get AADSTS50011 when users sign in.",
		pageReply,
	},
	{
		"credential-changed", Breaking, false, "a client proves itself in another way",
		"Programs that go by the old way get no new token. Change them with it.",
		pageClaims,
	},
	{
		"credential-trust-changed", Widening, true, "somebody else can prove to be a client",
		"Whoever holds the new certificate, or gets tokens with the new issuer and subject, becomes the client; whoever held the old no longer is.",
		pageFederation,
	},
	{"secret-reader-added", Widening, true, "one more may read the secret of a client", "Who reads it can be the client.", pageRotation},
	{
		"secret-reader-removed", Breaking, false, "one no longer may read the secret of a client",
		"A program that reads it fails at its next read. What it has read is good until it is rotated away.",
		pageRotation,
	},
}

var tenantRules = []Rule{
	{
		"assignment-optional", Widening, true, "assignment is no longer required",
		"Entra gives a token to every user of the tenant, and to every application of it.",
		pageAssignment,
	},
	{"assignment-required", Breaking, false, "assignment is required", "Who is not assigned gets no token.", pageAssignment},
	{"assigned-added", Widening, false, "a user or group is assigned", "They, or the group's direct members, get tokens.", pageAssignment},
	{"assigned-removed", Breaking, false, "a user or group is no longer assigned", "They get no new token.", pageAssignment},
	{"issuer-changed", Breaking, true, "another issuer is trusted", "Every token in hand names the old one and is refused at once.", pageJWT},
	{
		"issuer-trusted", Widening, true, "another tenant is trusted",
		"Its users and applications may call, and those of the old one no longer.",
		pageClaims,
	},
	{
		"audience-changed", Breaking, true, "tokens must be for another audience",
		"Every token in hand names the old one and is refused at once; clients ask for another scope.",
		pageClaims,
	},
	{
		"application-replaced", Breaking, true, "an application is made anew, with another client id",
		"Callers know the id. For the API it is the audience of every token and part of every scope that clients ask for; for a client, its programs hold it.",
		pageClaims,
	},
	{
		"principal-replaced", Breaking, true, "a service principal is made anew",
		"What was granted and assigned to the old one, also outside the program, is gone.",
		pageGrant,
	},
	{
		"grants-external", Breaking, true, "the program no longer grants and assigns",
		"It deletes what it made. Until an administrator has run the commands of the output `administrator`, nobody is granted anything.",
		pageGrant,
	},
	{
		"grants-managed", Neutral, false, "the program grants and assigns",
		"What an administrator made has to be deleted or imported first, or Graph refuses to make it twice.",
		pageGrant,
	},
	{
		"outbound-issuer-changed", Neutral, false, "the account's outbound identity federation has another issuer",
		"Credentials of AWS roles, and the rotator's, name it.",
		pageFederation,
	},
	{"rotation-slower", Neutral, false, "secrets live longer", "One that leaks is good for longer.", pageRotation},
	{
		"rotation-faster", Neutral, false, "secrets live shorter",
		"Programs that keep a secret without reading it again have less time.",
		pageRotation,
	},
}

var gatewayRules = []Rule{
	{
		"api-replaced", Breaking, true, "the API is made anew, under another address",
		"Callers know the URL. The old one stops answering.",
		pageEndpoint,
	},
	{"resource-replaced", Neutral, false, "a part of the gateway is made anew", "Calls may fail for as long as that takes.", ""},
	{
		"endpoint-opened", Widening, true, "the execute-api endpoint answers",
		"Calls may pass by what stands in front of the custom domain.",
		pageEndpoint,
	},
	{
		"endpoint-closed", Breaking, false, "the execute-api endpoint answers no more",
		"Callers of that address are refused: they need the custom domain.",
		pageEndpoint,
	},
	{
		"cors-loosened", Widening, true, "browsers allow more",
		"Pages of more origins, or with more methods, headers or cookies, may call. Tokens are needed all the same.",
		pageCORS,
	},
	{
		"cors-tightened", Breaking, false, "browsers allow less",
		"Pages that relied on it fail in browsers. Other callers do not notice.",
		pageCORS,
	},
	{
		"cors-max-age-changed", Neutral, false, "browsers keep the answer about CORS for another time",
		"That long a change of CORS may go unnoticed in a browser.",
		pageCORS,
	},
	{"throttle-loosened", Widening, true, "more calls a second are let through", "The backend must bear it.", pageThrottle},
	{"throttle-tightened", Breaking, false, "fewer calls a second are let through", "Callers above it get 429.", pageThrottle},
	{
		"decision-cache-longer", Widening, false, "decisions of the Lambda authorizer are repeated for longer",
		"An allowed call may outlive its token by that time.",
		pageLambda,
	},
	{
		"decision-cache-shorter", Neutral, false, "decisions of the Lambda authorizer are repeated for a shorter time",
		"The function runs more often.",
		pageLambda,
	},
}

var watchRules = []Rule{
	{"log-removed", Widening, true, "a log is removed", "Calls and refusals go unseen, and what the log group held is deleted.", pageLogging},
	{
		"log-retention-shortened", Neutral, true, "logs are kept for a shorter time",
		"CloudWatch Logs deletes what is older, for good.",
		pageRetention,
	},
	{
		"log-retention-extended", Neutral, false, "logs are kept for longer",
		"They cost more, and hold what they say about callers for longer.",
		pageRetention,
	},
	{
		"log-unencrypted", Widening, true, "logs are no longer encrypted with a key of one's own",
		"Who may read logs no longer needs the key.",
		pageLogKey,
	},
	{"log-encrypted", Neutral, false, "logs are encrypted with a key of one's own", "Who reads logs needs the key.", pageLogKey},
	{"alarm-removed", Widening, true, "an alarm is removed, or nobody is told of alarms", "Misuse goes unnoticed.", pageAlarm},
	{"alarm-loosened", Neutral, true, "an alarm goes off later, or fewer are told", "Less is noticed.", pageAlarm},
	{"alarm-tightened", Neutral, false, "an alarm goes off earlier, or more are told", "More is noticed.", pageAlarm},
	{
		"protect-off", Neutral, true, "the stack is no longer protected",
		"Active scopes can be removed, and the stack destroyed, from the next deployment on.",
		pageProtect,
	},
	{
		"protect-on", Neutral, false, "the stack is protected",
		"Scopes must be retired before they are removed, and the stack cannot be destroyed.",
		pageProtect,
	},
}

var reviewRules = []Rule{
	{"first-deployment", Widening, false, "nothing is deployed yet", "All access is new. Public routes are findings of their own.", ""},
	{
		"order-changed", Neutral, false, "the order of scopes, roles or clients is another",
		"Where several scopes let a caller in, the matrix names the first; and it tries the first client where any would do. Nobody gains or loses.",
		"",
	},
	{
		"caller-stands-for-another", Neutral, false, "a column of the matrix stands for another client",
		"A made-up caller uses the first client that is declared. The cells of the clients themselves say who gains or loses.",
		"",
	},
	{
		"acknowledgement-unused", Neutral, false, "an acknowledgement matches nothing",
		"What it was for is deployed or gone. Remove it, before it covers what nobody has looked at.",
		"",
	},
}

// ruleByID are the rules by their ids.
var ruleByID = func() map[string]Rule {
	byID := map[string]Rule{}
	for _, r := range Rules() {
		byID[r.ID] = r
	}
	return byID
}()
