package signin

import (
	"net/url"
	"slices"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// platform is where a redirect URI is registered. It decides whether a client
// proves itself when it redeems a code, and from where it may do so.
type platform string

const (
	platformWeb    platform = "web"
	platformSPA    platform = "spa"
	platformPublic platform = "publicClient"
)

// redirectPlatform finds the platform under which a redirect URI is registered.
// URIs are compared as they are, case included; only the port of a loopback
// address does not count.
// https://learn.microsoft.com/entra/identity-platform/reply-url
func redirectPlatform(app *directory.Application, uri string) (platform, bool) {
	registered := []struct {
		platform platform
		uris     []string
	}{
		{platformSPA, app.SPA.RedirectURIs},
		{platformWeb, app.Web.RedirectURIs},
		{platformPublic, app.PublicClient.RedirectURIs},
	}
	for _, r := range registered {
		if slices.Contains(r.uris, uri) {
			return r.platform, true
		}
	}
	portless, ok := withoutLoopbackPort(uri)
	if !ok {
		return "", false
	}
	for _, r := range registered {
		for _, candidate := range r.uris {
			if c, ok := withoutLoopbackPort(candidate); ok && c == portless {
				return r.platform, true
			}
		}
	}
	return "", false
}

// withoutLoopbackPort drops the port of http://localhost or http://127.0.0.1;
// of any other address it says false.
func withoutLoopbackPort(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return "", false
	}
	if host := u.Hostname(); host != "localhost" && host != "127.0.0.1" {
		return "", false
	}
	u.Host = u.Hostname()
	if u.Path == "/" {
		u.Path = "" // http://localhost and http://localhost/ are the same address
	}
	return u.String(), true
}
