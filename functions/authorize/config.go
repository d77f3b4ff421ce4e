package authorize

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/entragate/entragate/access/policy"
)

// The environment variables of the function.
const (
	IssuerVariable   = "ISSUER"
	AudienceVariable = "AUDIENCE"
	TenantVariable   = "TENANT_ID"
)

// Config says whose tokens are accepted, for what, and who may call.
type Config struct {
	// Issuer is the exact iss claim, https://<login host>/<tenant id>/v2.0.
	Issuer string
	// Audience is the exact aud claim: the client id of the API. That of a v2
	// token is always that.
	// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
	Audience string
	// TenantID is the exact tid claim.
	TenantID string
	// Policy says who may call which route.
	Policy policy.Policy
}

// ReadConfig reads the environment, and policy.json in the folder of the
// program. The error names everything that is missing or wrong.
func ReadConfig(getenv func(name string) string, folder string) (Config, error) {
	c := Config{Issuer: getenv(IssuerVariable), Audience: getenv(AudienceVariable), TenantID: getenv(TenantVariable)}
	path := filepath.Join(folder, policy.FileName)
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, errors.Join(c.validateNames(), fmt.Errorf("read the policy: %w", err))
	}
	if c.Policy, err = policy.Parse(raw); err != nil {
		return Config{}, errors.Join(c.validateNames(), fmt.Errorf("%s: %w", path, err))
	}
	return c, c.validate()
}

// id is a GUID as Entra writes it in tokens.
var id = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// validate returns every problem at once.
func (c Config) validate() error {
	err := c.validateNames()
	if len(c.Policy.Routes) == 0 {
		err = errors.Join(err, fmt.Errorf("%s: got no routes, want at least one", policy.FileName))
	}
	return err
}

func (c Config) validateNames() error {
	var problems []error
	for _, v := range []struct{ name, value string }{{AudienceVariable, c.Audience}, {TenantVariable, c.TenantID}} {
		if !id.MatchString(v.value) {
			problems = append(problems, fmt.Errorf("%s: got %q, want an id in lower case, such as 11111111-2222-3333-4444-555555555555", v.name, v.value))
		}
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Scheme != "https" || issuer.Host == "" || issuer.User != nil ||
		c.Issuer != "https://"+issuer.Host+"/"+c.TenantID+"/v2.0" {
		problems = append(problems, fmt.Errorf("%s: got %q, want https://<login host>/<%s>/v2.0, with nothing after it",
			IssuerVariable, c.Issuer, TenantVariable))
	}
	return errors.Join(problems...)
}

// discoveryURL is where the issuer says where its keys are.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
func discoveryURL(issuer string) string {
	return issuer + "/.well-known/openid-configuration"
}
