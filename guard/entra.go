package guard

const (
	applicationType  = "azuread:index/application:Application"
	registrationType = "azuread:index/applicationRegistration:ApplicationRegistration" // the same, in parts
)

// entra are the rules on applications of Microsoft Entra.
var entra = []Rule{
	{
		ID:        "application-token-version",
		Title:     "applications that expose an API get v2.0 tokens",
		Fix:       "set api.requestedAccessTokenVersion to 2, with requestedAccessTokenVersion for a registration",
		URL:       "https://learn.microsoft.com/graph/api/resources/apiapplication",
		Severity:  High,
		Mandatory: true,
		types:     []string{applicationType, registrationType},
		one:       applicationTokenVersion,
	},
	{
		ID:        "application-audience",
		Title:     "applications are for the accounts of one tenant",
		Fix:       "set signInAudience to AzureADMyOrg, or leave it out",
		URL:       "https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation",
		Severity:  High,
		Mandatory: true,
		types:     []string{applicationType, registrationType},
		one:       applicationAudience,
	},
	{
		ID:        "application-implicit-grant",
		Title:     "no tokens come back in a URL",
		Fix:       "leave web.implicitGrant out and use the authorization code flow with PKCE",
		URL:       "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-implicit-grant-flow",
		Severity:  Medium,
		Mandatory: true,
		types:     []string{applicationType, registrationType},
		one:       applicationImplicitGrant,
	},
	{
		ID:        "application-password-in-state",
		Title:     "no client secret is in the state",
		Fix:       "let a rotation make the secret where it is kept, or use a certificate or a federated credential",
		URL:       "https://www.pulumi.com/registry/packages/azuread/api-docs/applicationpassword/",
		Severity:  High,
		Mandatory: true,
		Public:    []string{"entra_app_registration_client_secret_unused"},
		types: []string{
			applicationType, "azuread:index/applicationPassword:ApplicationPassword",
			"azuread:index/servicePrincipalPassword:ServicePrincipalPassword",
		},
		one: applicationPassword,
	},
}

// applicationTokenVersion knows what the provider sends where the program says
// nothing: 1 for an application, 2 for a registration, whose API is made apart.
// https://www.pulumi.com/registry/packages/azuread/api-docs/application/
func applicationTokenVersion(r Resource) []string {
	version, fallback := r.at("api", "requestedAccessTokenVersion"), 1
	if r.Type == registrationType {
		version, fallback = r.at("requestedAccessTokenVersion"), 2
	} else if !exposesAPI(r) {
		return nil
	}
	switch {
	case !version.known || version.number() == 2 || version.unset() && fallback == 2:
		return nil
	case version.unset():
		return []string{"api: requestedAccessTokenVersion: not set, which is 1: tokens are of another issuer than the v2.0 metadata says"}
	}
	return []string{"requestedAccessTokenVersion: " + version.got()}
}

// exposesAPI reports whether others ask for tokens for the application: it has
// scopes, roles for other applications, or a URI.
func exposesAPI(r Resource) bool {
	if len(r.at("api", "oauth2PermissionScopes").items())+len(r.at("identifierUris").items()) > 0 {
		return true
	}
	for _, role := range r.at("appRoles").items() {
		for _, member := range role.at("allowedMemberTypes").items() {
			if member.text() == "Application" {
				return true
			}
		}
	}
	return false
}

func applicationAudience(r Resource) []string {
	audience := r.at("signInAudience")
	if audience.text() == "" || audience.text() == "AzureADMyOrg" {
		return nil
	}
	return []string{"signInAudience: " + audience.got()}
}

func applicationImplicitGrant(r Resource) []string {
	var problems []string
	for _, path := range [][]string{
		{"web", "implicitGrant", "accessTokenIssuanceEnabled"},
		{"web", "implicitGrant", "idTokenIssuanceEnabled"},
		{"implicitAccessTokenIssuanceEnabled"},
		{"implicitIdTokenIssuanceEnabled"},
	} {
		if r.at(path...).isTrue() {
			problems = append(problems, path[len(path)-1]+": got true")
		}
	}
	return problems
}

func applicationPassword(r Resource) []string {
	if r.Type == applicationType {
		if password := r.at("password"); password.unset() {
			return nil
		}
		return []string{"password: whoever reads the state can call as this application"}
	}
	return []string{"whoever reads the state can call as this application"}
}
