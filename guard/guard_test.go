package guard

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// properties in short.
type properties = map[string]any

// Strategy: each rule has resources that break it and neighbours that do not, as
// the engine sends them: with values that are unknown or secret where a program
// may have such.
func TestRules(t *testing.T) {
	t.Parallel()
	const (
		authorizer = "aws:apigatewayv2/authorizer:Authorizer"
		password   = "azuread:index/applicationPassword:ApplicationPassword"
		principal  = "azuread:index/servicePrincipalPassword:ServicePrincipalPassword"
		group      = "aws:cloudwatch/logGroup:LogGroup"
	)
	issuer := func(issuer any) properties {
		return properties{"authorizerType": "JWT", "jwtConfiguration": properties{"issuer": issuer, "audiences": []any{"a"}}}
	}
	audiences := func(audiences any) properties {
		return properties{"authorizerType": "JWT", "jwtConfiguration": properties{
			"issuer": "https://login.microsoftonline.com/9e8020d8-db57-4704-b02f-53a9bc330d6d/v2.0", "audiences": audiences,
		}}
	}
	stage := func(more properties) properties {
		good := properties{
			"defaultRouteSettings": properties{"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100.0},
			"accessLogSettings":    properties{"destinationArn": "arn", "format": `{"e":"$context.authorizer.error"}`},
		}
		maps.Copy(good, more)
		return good
	}
	exposed := func(api properties) properties {
		api["oauth2PermissionScopes"] = []any{properties{"value": "Read"}}
		return properties{"api": api}
	}
	implicit := func(name string, v any) properties {
		return properties{"web": properties{"implicitGrant": properties{name: v}}}
	}
	rotation := func(rules properties) properties { return properties{"rotationRules": rules} }

	for name, test := range map[string]struct {
		kind       string
		properties properties
		want       []string // "rule: part of the message"
	}{
		"a route with a JWT authorizer and scopes":    {routeType, properties{"routeKey": "GET /a", "authorizationType": "JWT", "authorizationScopes": []any{"Read"}}, nil},
		"a route with a Lambda authorizer":            {routeType, properties{"routeKey": "GET /a", "authorizationType": "CUSTOM"}, nil},
		"a route for IAM":                             {routeType, properties{"routeKey": "GET /a", "authorizationType": "AWS_IAM"}, nil},
		"a route of type NONE":                        {routeType, properties{"routeKey": "GET /a", "authorizationType": "NONE"}, []string{`route-authorization: anybody may call GET /a, authorizationType: got "NONE"`}},
		"a route without a type":                      {routeType, properties{"routeKey": "GET /a"}, []string{"route-authorization: anybody may call GET /a, authorizationType: not set"}},
		"a route with an authorizer but no type":      {routeType, properties{"routeKey": "GET /a", "authorizerId": "x"}, []string{"route-authorization: anybody may call GET /a, authorizationType: not set; its authorizerId changes nothing"}},
		"a route with an unknown authorizer, no type": {routeType, properties{"routeKey": "GET /a", "authorizerId": Unknown{}}, []string{"; its authorizerId changes nothing"}},
		"a route whose type is not known yet":         {routeType, properties{"routeKey": "GET /a", "authorizationType": Unknown{}}, nil},
		"a route whose key is not known yet":          {routeType, properties{"routeKey": Unknown{}, "authorizationType": "NONE"}, []string{"route-authorization: anybody may call the route,"}},
		"the key of a route is secret":                {routeType, properties{"routeKey": Secret{"GET /hidden"}}, []string{"route-authorization: anybody may call the route,"}},
		"a default route without a type":              {routeType, properties{"routeKey": "$default"}, []string{"route-authorization: anybody may call $default"}},
		"the connect route of a WebSocket API":        {routeType, properties{"routeKey": "$connect"}, []string{"route-authorization: anybody may call $connect"}},
		"a message of a WebSocket API":                {routeType, properties{"routeKey": "sendmessage"}, nil},
		"a JWT route without scopes":                  {routeType, properties{"routeKey": "GET /a", "authorizationType": "JWT", "authorizationScopes": []any{}}, []string{"route-scopes: any token for the audience may call GET /a"}},
		"a JWT route whose scopes are not known yet":  {routeType, properties{"routeKey": "GET /a", "authorizationType": "JWT", "authorizationScopes": Unknown{}}, nil},
		"an API that makes a route of its target":     {apiType, properties{"protocolType": "HTTP", "target": Unknown{}}, []string{"route-authorization: anybody may call the route that an API with a target has"}},
		"an API from an OpenAPI document":             {apiType, properties{"protocolType": "HTTP", "body": "{}"}, []string{"route-declared: body"}},
		"an API":                                      {apiType, properties{"protocolType": "HTTP"}, nil},

		"any origin with credentials":       {apiType, properties{"corsConfiguration": properties{"allowOrigins": []any{"*"}, "allowCredentials": true}}, []string{`cors-any-origin: corsConfiguration: allowOrigins: got "*" while allowCredentials is true`}},
		"any https origin with credentials": {apiType, properties{"corsConfiguration": properties{"allowOrigins": []any{"https://a.example", "https://*"}, "allowCredentials": "true"}}, []string{`cors-any-origin: corsConfiguration: allowOrigins: got "https://*"`}},
		"any origin without credentials":    {apiType, properties{"corsConfiguration": properties{"allowOrigins": []any{"*"}}}, nil},
		"one origin with credentials":       {apiType, properties{"corsConfiguration": properties{"allowOrigins": []any{"https://a.example"}, "allowCredentials": true}}, nil},

		"the issuer of a tenant":               {authorizer, issuer("https://login.microsoftonline.com/9e8020d8-db57-4704-b02f-53a9bc330d6d/v2.0"), nil},
		"the issuer of a local directory":      {authorizer, issuer("https://localhost:8443/9e8020d8-db57-4704-b02f-53a9bc330d6d/v2.0"), nil},
		"the issuer of somebody else":          {authorizer, issuer("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"), nil},
		"the issuer of somebody else's common": {authorizer, issuer("https://id.example.com/common"), nil},
		"the issuer is not known yet":          {authorizer, issuer(Unknown{}), nil},
		"the configuration is not known yet":   {authorizer, properties{"authorizerType": "JWT", "jwtConfiguration": Unknown{}}, nil},
		"a Lambda authorizer":                  {authorizer, properties{"authorizerType": "REQUEST"}, nil},
		"the issuer common":                    {authorizer, issuer("https://login.microsoftonline.com/common/v2.0"), []string{`jwt-issuer: jwtConfiguration: issuer: got "https://login.microsoftonline.com/common/v2.0", which is not that of one tenant`}},
		"the issuer organizations":             {authorizer, issuer("https://login.microsoftonline.us/Organizations/v2.0"), []string{"jwt-issuer: ", "which is not that of one tenant"}},
		"the issuer consumers":                 {authorizer, issuer("https://login.microsoftonline.com/consumers/v2.0/"), []string{"jwt-issuer: ", "which is not that of one tenant"}},
		"the tenant of personal accounts":      {authorizer, issuer("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"), []string{"jwt-issuer: ", "which is not that of one tenant"}},
		"the template of an issuer":            {authorizer, issuer("https://login.microsoftonline.com/{tenantid}/v2.0"), []string{"jwt-issuer: ", "which is not that of one tenant"}},
		"metadata of common in v1":             {authorizer, issuer("https://login.microsoftonline.com/common/"), []string{"jwt-issuer: ", "which is not that of one tenant"}},
		"common of a local directory":          {authorizer, issuer("https://localhost:8443/common/v2.0"), []string{"jwt-issuer: ", "which is not that of one tenant"}},
		"an issuer over http":                  {authorizer, issuer("http://id.example.com/"), []string{"jwt-issuer: ", "which is not https"}},
		"an issuer that is no URL":             {authorizer, issuer("id.example.com"), []string{"jwt-issuer: ", "which is not a URL"}},
		"an issuer that is empty":              {authorizer, issuer(""), []string{"jwt-issuer: ", "which is not a URL"}},
		"no issuer":                            {authorizer, issuer(nil), []string{"jwt-issuer: jwtConfiguration: issuer: not set"}},
		"the issuer of v1 tokens":              {authorizer, issuer("https://sts.windows.net/9e8020d8-db57-4704-b02f-53a9bc330d6d/"), []string{"jwt-issuer: ", "which is that of v1 tokens"}},
		"metadata of v1":                       {authorizer, issuer("https://login.microsoftonline.com/9e8020d8-db57-4704-b02f-53a9bc330d6d"), []string{"jwt-issuer: ", "which is not that of v2.0 tokens"}},
		"a secret issuer":                      {authorizer, issuer(Secret{"http://hush.example.com"}), []string{"jwt-issuer: jwtConfiguration: issuer: got a secret value, which is not https"}},
		"an authorizer without a type":         {authorizer, properties{"jwtConfiguration": issuer("http://x")["jwtConfiguration"]}, []string{"jwt-issuer: "}},

		"no audience":                     {authorizer, audiences([]any{}), []string{"jwt-audience: jwtConfiguration: audiences: none"}},
		"audiences not set":               {authorizer, audiences(nil), []string{"jwt-audience: jwtConfiguration: audiences: none"}},
		"an empty audience":               {authorizer, audiences([]any{"a", " "}), []string{`jwt-audience: jwtConfiguration: audiences: got " "`}},
		"an audience is not known yet":    {authorizer, audiences([]any{Unknown{}}), nil},
		"the audiences are not known yet": {authorizer, audiences(Unknown{}), nil},

		"a good stage":                    {stageType, stage(nil), nil},
		"a stage without limits":          {stageType, stage(properties{"defaultRouteSettings": nil}), []string{"stage-throttle: defaultRouteSettings: throttlingRateLimit: not set", "stage-throttle: defaultRouteSettings: throttlingBurstLimit: not set"}},
		"a stage with one limit":          {stageType, stage(properties{"defaultRouteSettings": properties{"throttlingRateLimit": 1.5}}), []string{"stage-throttle: defaultRouteSettings: throttlingBurstLimit: not set"}},
		"a stage with a limit of 0":       {stageType, stage(properties{"defaultRouteSettings": properties{"throttlingRateLimit": 0.0, "throttlingBurstLimit": 5.0}}), []string{"stage-throttle: defaultRouteSettings: throttlingRateLimit: got 0, with which every request is refused"}},
		"a stage with a negative limit":   {stageType, stage(properties{"defaultRouteSettings": properties{"throttlingRateLimit": -1, "throttlingBurstLimit": 5}}), []string{"throttlingRateLimit: got -1"}},
		"limits are not known yet":        {stageType, stage(properties{"defaultRouteSettings": Unknown{}}), nil},
		"a route's limit of 0":            {stageType, stage(properties{"routeSettings": []any{properties{"routeKey": "GET /a", "throttlingRateLimit": 1.0, "throttlingBurstLimit": 0.0}}}), []string{"stage-throttle: routeSettings of GET /a: throttlingBurstLimit: got 0"}},
		"a route's limit is missing":      {stageType, stage(properties{"routeSettings": []any{properties{"routeKey": "GET /a", "throttlingBurstLimit": 2.0}}}), []string{"stage-throttle: routeSettings of GET /a: throttlingRateLimit: not set"}},
		"a stage without access logs":     {stageType, stage(properties{"accessLogSettings": nil}), []string{"stage-access-log: accessLogSettings: not set"}},
		"a log whose place is to come":    {stageType, stage(properties{"accessLogSettings": properties{"destinationArn": Unknown{}, "format": "$context.authorizer.error"}}), nil},
		"a log that does not say why":     {stageType, stage(properties{"accessLogSettings": properties{"destinationArn": "arn", "format": "$context.requestId $context.authorizer.claims.sub"}}), []string{"stage-log-refusals: accessLogSettings: format"}},
		"a log whose format is not known": {stageType, stage(properties{"accessLogSettings": properties{"destinationArn": "arn", "format": Unknown{}}}), nil},

		"an API for v2.0 tokens":                {applicationType, exposed(properties{"requestedAccessTokenVersion": 2.0}), nil},
		"an API for v1 tokens":                  {applicationType, exposed(properties{"requestedAccessTokenVersion": 1.0}), []string{"application-token-version: requestedAccessTokenVersion: got 1"}},
		"an API that does not say":              {applicationType, exposed(properties{}), []string{"application-token-version: api: requestedAccessTokenVersion: not set"}},
		"an API that is not known yet":          {applicationType, exposed(properties{"requestedAccessTokenVersion": Unknown{}}), nil},
		"an API by its URI":                     {applicationType, properties{"identifierUris": []any{"api://x"}}, []string{"application-token-version: "}},
		"an API by its roles":                   {applicationType, properties{"appRoles": []any{properties{"allowedMemberTypes": []any{"User", "Application"}}}}, []string{"application-token-version: "}},
		"an application with roles of users":    {applicationType, properties{"appRoles": []any{properties{"allowedMemberTypes": []any{"User"}}}}, nil},
		"a client":                              {applicationType, properties{"displayName": "portal"}, nil},
		"a registration that does not say":      {registrationType, properties{"displayName": "x"}, nil},
		"a registration for v1 tokens":          {registrationType, properties{"requestedAccessTokenVersion": 1.0}, []string{"application-token-version: requestedAccessTokenVersion: got 1"}},
		"an application of this tenant":         {applicationType, properties{"signInAudience": "AzureADMyOrg"}, nil},
		"an application of any tenant":          {applicationType, properties{"signInAudience": "AzureADMultipleOrgs"}, []string{`application-audience: signInAudience: got "AzureADMultipleOrgs"`}},
		"a registration for personal accounts":  {registrationType, properties{"signInAudience": "PersonalMicrosoftAccount"}, []string{"application-audience: "}},
		"access tokens in a URL":                {applicationType, implicit("accessTokenIssuanceEnabled", true), []string{"application-implicit-grant: accessTokenIssuanceEnabled: got true"}},
		"ID tokens in a URL":                    {applicationType, implicit("idTokenIssuanceEnabled", true), []string{"application-implicit-grant: idTokenIssuanceEnabled: got true"}},
		"the implicit grant is off":             {applicationType, implicit("idTokenIssuanceEnabled", false), nil},
		"the implicit grant of a registration":  {registrationType, properties{"implicitIdTokenIssuanceEnabled": true}, []string{"application-implicit-grant: "}},
		"the password of an application":        {password, properties{"applicationId": Unknown{}}, []string{"application-password-in-state: "}},
		"the password of a service principal":   {principal, properties{}, []string{"application-password-in-state: "}},
		"an application with a password inside": {applicationType, properties{"password": properties{"displayName": "x"}}, []string{"application-password-in-state: password"}},

		"a rotation after 90 days":               {rotationType, rotation(properties{"automaticallyAfterDays": 90.0}), nil},
		"a rotation after 91 days":               {rotationType, rotation(properties{"automaticallyAfterDays": 91.0}), []string{"secret-rotation-days: rotationRules: automaticallyAfterDays: got 91, want at most 90"}},
		"a rotation after 91 days, as text":      {rotationType, rotation(properties{"automaticallyAfterDays": "91"}), []string{"secret-rotation-days: "}},
		"a rate of 90 days":                      {rotationType, rotation(properties{"scheduleExpression": "rate(90 days)"}), nil},
		"a rate of 91 days":                      {rotationType, rotation(properties{"scheduleExpression": "rate(91 days)"}), []string{`secret-rotation-days: rotationRules: scheduleExpression: got "rate(91 days)", which is up to 91 days, want at most 90`}},
		"a rate of 91 days in hours":             {rotationType, rotation(properties{"scheduleExpression": "rate(2184 hours)"}), []string{"which is up to 91 days"}},
		"every month":                            {rotationType, rotation(properties{"scheduleExpression": "cron(0 4 1 * ? *)"}), nil},
		"every third month":                      {rotationType, rotation(properties{"scheduleExpression": "cron(0 4 1 */3 ? *)"}), []string{"which is up to 92 days"}},
		"once a year":                            {rotationType, rotation(properties{"scheduleExpression": "cron(0 4 1 JAN ? *)"}), []string{"which is up to 365 days"}},
		"a schedule that is none":                {rotationType, rotation(properties{"scheduleExpression": "weekly"}), []string{`secret-rotation-days: rotationRules: scheduleExpression: got "weekly", want rate`}},
		"a secret schedule that is none":         {rotationType, rotation(properties{"scheduleExpression": Secret{"weekly"}}), []string{"got a secret value, which is no schedule"}},
		"a schedule that is not known yet":       {rotationType, rotation(properties{"scheduleExpression": Unknown{}}), nil},
		"a rotation without a schedule":          {rotationType, properties{}, []string{"secret-rotation-days: rotationRules: not set"}},
		"a log for 30 days":                      {group, properties{"retentionInDays": 30.0}, nil},
		"a log for ever":                         {group, properties{}, []string{"log-retention: retentionInDays: not set, which is for ever"}},
		"a log for ever, said so":                {group, properties{"retentionInDays": 0.0}, []string{"log-retention: retentionInDays: got 0"}},
		"a log for a time that is not known yet": {group, properties{"retentionInDays": Unknown{}}, nil},
		"a type that no rule is on":              {"aws:s3/bucket:Bucket", properties{"authorizationType": "NONE"}, nil},
		"everything that is not known yet":       {routeType, nil, []string{"route-authorization: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			resource := Resource{URN: "urn:x", Type: test.kind, Name: "x", Properties: test.properties}
			for _, v := range Judge([]Resource{resource}, nil) {
				require.Equal(t, "urn:x", v.URN)
				got = append(got, v.Rule+": "+v.Message)
			}
			all := strings.Join(got, "\n")
			if len(test.want) == 0 {
				require.Empty(t, got)
			}
			rules := map[string]bool{}
			for _, want := range test.want {
				require.Contains(t, all, want)
				if rule, _, ok := strings.Cut(want, ": "); ok && strings.Contains(rule, "-") {
					rules[rule] = true
				}
			}
			for _, line := range got {
				rule, _, _ := strings.Cut(line, ": ")
				require.True(t, len(rules) == 0 || rules[rule], "not expected: %s", line)
			}
			require.NotContains(t, all, "hush")
			require.NotContains(t, all, "hidden")
		})
	}
}

func TestASecretNeedsARotationOfTheStack(t *testing.T) {
	t.Parallel()
	secret := func(name string, p properties) Resource {
		return Resource{URN: "urn:" + name, Type: secretType, Name: name, Properties: p}
	}
	stack := []Resource{
		secret("to-come", properties{"arn": Unknown{}}),
		secret("there", properties{"arn": "arn:there"}),
		secret("forgotten", properties{"arn": Unknown{}}),
		secret("forgotten-too", properties{"arn": "arn:forgotten"}),
		{URN: "urn:r1", Type: rotationType, Properties: properties{"secretId": Unknown{}}, Depends: map[string][]string{"secretId": {"urn:to-come"}, "rotationLambdaArn": {"urn:forgotten"}}},
		{URN: "urn:r2", Type: rotationType, Properties: properties{"secretId": "arn:there"}},
	}
	found := func(allowed map[string][]Allowance) (urns []string) {
		for _, v := range Judge(stack, allowed) {
			if v.Rule == "secret-rotation" {
				urns = append(urns, v.URN)
			}
		}
		return urns
	}
	require.Equal(t, []string{"urn:forgotten", "urn:forgotten-too"}, found(nil))
	require.Equal(t, []string{"urn:forgotten-too"}, found(map[string][]Allowance{
		"secret-rotation": {{Resource: "forgotten", Reason: "is a certificate"}},
	}))
}

func TestWhatIsAllowed(t *testing.T) {
	t.Parallel()
	const urn = "urn:pulumi:dev::shop::aws:apigatewayv2/route:Route::shop-health"
	route := Resource{URN: urn, Type: routeType, Name: "shop-health", Properties: properties{"routeKey": "GET /health/live"}}
	for name, test := range map[string]struct {
		pattern string
		want    bool
	}{
		"its name":                        {"shop-health", true},
		"its URN":                         {urn, true},
		"its key":                         {"GET /health/live", true},
		"keys that begin like its":        {"GET /health/*", true},
		"keys that end like its":          {"*/live", true},
		"keys with something between":     {"GET */health*/l*e", true},
		"part of its key":                 {"GET /health", false},
		"another key":                     {"POST /health/*", false},
		"a key that is longer":            {"GET /health/live/*", false},
		"parts of its key in other order": {"GET *live*health*", false},
		"an end that is its beginning":    {"GET /health/live*live", false},
		"nothing":                         {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := Judge([]Resource{route}, map[string][]Allowance{"route-authorization": {{Resource: test.pattern, Reason: "r"}}})
			require.Equal(t, test.want, len(found) == 0)
			require.Len(t, Judge([]Resource{route}, map[string][]Allowance{"route-scopes": {{Resource: test.pattern, Reason: "r"}}}), 1, "of another rule")
		})
	}
}

func TestAllowancesAreRefused(t *testing.T) {
	t.Parallel()
	require.NoError(t, Allowance{"GET /health", "load balancers have no token"}.Validate())
	for name, test := range map[string]struct {
		allowance Allowance
		want      string
	}{
		"without a reason":   {Allowance{"GET /health", ""}, `reason: got "", want why "GET /health" may break the rule`},
		"with a blank one":   {Allowance{"GET /health", " \t"}, "reason: got"},
		"without a resource": {Allowance{" ", "r"}, "resource: got"},
		"for everything":     {Allowance{"*", "r"}, "which is everything"},
		"for all of it":      {Allowance{"* *", "r"}, "which is everything"},
		"without anything":   {Allowance{}, "reason: got"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, test.allowance.Validate(), test.want)
		})
	}
}

func TestRulesAreComplete(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)
	var ids []string
	for _, rule := range Rules() {
		require.Regexp(t, id, rule.ID)
		require.NotContains(t, ids, rule.ID)
		ids = append(ids, rule.ID)
		require.NotEmpty(t, rule.Title, rule.ID)
		require.NotEmpty(t, rule.Fix, rule.ID)
		require.Contains(t, []Severity{Low, Medium, High, Critical}, rule.Severity, rule.ID)
		require.True(t, strings.HasPrefix(rule.URL, "https://"), rule.ID)
		require.Equal(t, rule.Stack(), rule.one == nil && len(rule.types) == 0, rule.ID)
	}
	require.NotContains(t, ids, "all", "the engine's word for every rule")
	list := Rules()
	list[0].ID = "mine"
	require.NotEqual(t, "mine", Rules()[0].ID)
}

func TestAViolationIsExplained(t *testing.T) {
	t.Parallel()
	rule := Rules()[0]
	require.Equal(t, `routes have an authorizer: found
`+rule.Fix+`
also known as APIGateway.8, API_GWV2_AUTHORIZATION_TYPE_CONFIGURED, CKV_AWS_309, AwsSolutions-APIG4
`+rule.URL, rule.Explain(Violation{Message: "found"}))
}

// What Entragate's components register breaks no rule, but for routes that are
// public with a reason.
func TestWhatTheComponentsMakeBreaksNoRule(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../components/testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	judged := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var registered []struct {
			Type, Name string
			DependsOn  []string
			Inputs     properties
		}
		require.NoError(t, json.Unmarshal(raw, &registered), file)
		var resources []Resource
		for _, r := range registered {
			judged[r.Type] = true
			resources = append(resources, Resource{
				URN: r.Type + "::" + r.Name, Type: r.Type, Name: r.Name, Properties: r.Inputs,
				Depends: map[string][]string{"secretId": r.DependsOn},
			})
		}
		require.Empty(t, Judge(resources, map[string][]Allowance{"route-authorization": {
			{Resource: "GET /health", Reason: "public in the fixture"}, {Resource: "OPTIONS *", Reason: "preflights have no token"},
		}}), file)
	}
	for _, rule := range Rules() {
		require.True(t, rule.Stack() || slices.ContainsFunc(rule.types, func(kind string) bool { return judged[kind] }), rule.ID)
	}
}
