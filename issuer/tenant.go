// Package issuer knows where a tenant of Microsoft Entra ID is: its cloud, its
// authority, the issuer that its v2 tokens name, and whether its discovery
// document says the same.
package issuer

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// Tenant is one Entra tenant.
type Tenant struct {
	// ID is the tenant's GUID, in either letter case; what is derived from it is
	// in lower case, as Entra writes it. Names such as "common",
	// "organizations" and "consumers" are refused: their discovery document
	// names no issuer that a token could match.
	ID string `json:"id" pulumi:"id"`
	// Cloud is "public" (default), "usgovernment" or "china".
	Cloud Cloud `json:"cloud,omitempty" pulumi:"cloud,optional"`
	// LoginHost replaces the cloud's login host, e.g. "localhost:8443" for a
	// local directory. Default: that of the cloud.
	LoginHost string `json:"loginHost,omitempty" pulumi:"loginHost,optional"`
	// GraphHost replaces the cloud's host of Microsoft Graph likewise.
	GraphHost string `json:"graphHost,omitempty" pulumi:"graphHost,optional"`
}

// Cloud is a Microsoft cloud.
type Cloud string

// The clouds.
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
const (
	CloudPublic       Cloud = "public"
	CloudUSGovernment Cloud = "usgovernment"
	CloudChina        Cloud = "china"
)

// hosts are where a cloud signs users in and serves Microsoft Graph.
type hosts struct{ login, graph string }

// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
// https://learn.microsoft.com/graph/deployments
var clouds = map[Cloud]hosts{
	CloudPublic:       {"login.microsoftonline.com", "graph.microsoft.com"},
	CloudUSGovernment: {"login.microsoftonline.us", "graph.microsoft.us"},
	CloudChina:        {"login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"},
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Validate returns every reason why no issuer can be derived from the tenant.
func (t Tenant) Validate() error {
	return errors.Join(t.checkID(), t.checkCloud(), checkHost("login host", t.LoginHost), checkHost("graph host", t.GraphHost))
}

func (t Tenant) checkID() error {
	const want = "want the tenant's GUID, which Entra shows as directory (tenant) id"
	switch lower := strings.ToLower(t.ID); {
	case guid.MatchString(t.ID) && strings.Trim(t.ID, "0-") != "":
		return nil
	case t.ID == "":
		return errors.New("tenant id: missing, " + want)
	case slices.Contains([]string{"common", "organizations", "consumers"}, lower):
		return fmt.Errorf("tenant id: got %q, %s: the discovery document of %q names no issuer that a token could match, "+
			"so API Gateway would refuse every token", t.ID, want, lower)
	case strings.Contains(t.ID, "."):
		return fmt.Errorf("tenant id: got the domain name %q, %s: tokens name the GUID", t.ID, want)
	default:
		return fmt.Errorf("tenant id: got %q, %s", t.ID, want)
	}
}

func (t Tenant) checkCloud() error {
	if _, ok := clouds[t.cloud()]; ok {
		return nil
	}
	names := []Cloud{CloudPublic, CloudUSGovernment, CloudChina}
	nearest := slices.MinFunc(names, func(a, b Cloud) int {
		return distance(t.Cloud, a) - distance(t.Cloud, b)
	})
	return fmt.Errorf("cloud: got %q, want one of %q; nearest is %q", t.Cloud, names, nearest)
}

func distance(a, b Cloud) int {
	return levenshtein.Distance(strings.ToLower(string(a)), string(b), nil)
}

// checkHost accepts "host" and "host:port", and nothing else that could end up
// in a URL.
func checkHost(what, host string) error {
	if host == "" {
		return nil
	}
	fail := fmt.Errorf("%s: got %q, want a host, or host:port, without a scheme or path", what, host)
	u, err := url.Parse("https://" + host)
	if err != nil || u.Host != host || u.Hostname() == "" || strings.ToLower(host) != host {
		return fail
	}
	if _, port, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fail
		}
	}
	return nil
}

// Authority returns where clients of the tenant sign in, such as
// "https://login.microsoftonline.com/<tenant id>", without a trailing slash.
func (t Tenant) Authority() string {
	host := t.LoginHost
	if host == "" {
		host = clouds[t.cloud()].login
	}
	return "https://" + host + "/" + strings.ToLower(t.ID)
}

// Issuer returns the issuer that the tenant's v2 tokens name, and that API
// Gateway compares byte for byte.
func (t Tenant) Issuer() string { return t.Authority() + "/v2.0" }

// DiscoveryURL returns where the discovery document of [Tenant.Issuer] is.
func (t Tenant) DiscoveryURL() string { return t.Issuer() + "/.well-known/openid-configuration" }

// TokenEndpoint returns where clients get v2 tokens.
func (t Tenant) TokenEndpoint() string { return t.Authority() + "/oauth2/v2.0/token" }

// GraphURL returns the base address of Microsoft Graph in the tenant's cloud,
// without a version or trailing slash.
func (t Tenant) GraphURL() string {
	if t.GraphHost != "" {
		return "https://" + t.GraphHost
	}
	return "https://" + clouds[t.cloud()].graph
}

func (t Tenant) cloud() Cloud {
	if t.Cloud == "" {
		return CloudPublic
	}
	return t.Cloud
}
