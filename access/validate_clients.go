package access

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func (v *validator) clients() {
	seen, shown := map[string]string{}, map[string]string{}
	scopes, roles := v.model.scopeValues(), v.model.roleValues()
	kinds := []string{string(ClientSPA), string(ClientWeb), string(ClientNative), string(ClientDaemon)}
	for i, c := range v.model.Clients {
		path := at("clients", i)
		v.name(at(path, "name"), c.Name, "portal", seen)
		if c.Kind == "" {
			v.add(at(path, "kind"), "missing kind", "", oneOf("", kinds))
		}
		v.enum(at(path, "kind"), "kind", string(c.Kind), kinds...)
		v.text(at(path, "displayName"), c.DisplayName, false, MaxDisplayName)
		v.displayName(at(path, "displayName"), c.DisplayName, shown)
		v.references(at(path, "scopes"), "scope", c.Scopes, scopes)
		v.references(at(path, "roles"), "role", c.Roles, roles)
		v.credential(path, c)
		switch {
		case c.Kind == ClientDaemon:
			v.daemon(path, c)
		case c.Kind.IsDelegated():
			v.delegated(path, c)
		}
	}
}

// displayName checks that no two clients show the same name. Entra would take
// both, and people could not tell them apart; so the azuread provider is asked
// to refuse the second one, which it does late. Entra compares without case.
// https://registry.terraform.io/providers/hashicorp/azuread/2.53.1/docs/resources/application#prevent_duplicate_names
func (v *validator) displayName(path, name string, shown map[string]string) {
	key := strings.ToLower(name)
	if key == "" {
		return
	}
	if first, ok := shown[key]; ok {
		v.add(path, "name is shown twice", name, "another name than "+first)
		return
	}
	shown[key] = path
}

func (v *validator) daemon(path string, c Client) {
	if len(c.Scopes) > 0 {
		v.add(at(path, "scopes"), "delegated scopes on a daemon: nobody signs in to it", strings.Join(c.Scopes, " "), "roles")
	}
	if len(c.RedirectURIs) > 0 {
		v.add(at(path, "redirectUris"), "redirect URIs on a daemon: nobody signs in to it", strings.Join(c.RedirectURIs, " "), "none")
	}
}

func (v *validator) delegated(path string, c Client) {
	if len(c.Roles) > 0 {
		v.add(at(path, "roles"), fmt.Sprintf("roles on a %s client: a user's token carries scopes", c.Kind),
			strings.Join(c.Roles, " "), "scopes, or kind \"daemon\"")
	}
	if len(c.RedirectURIs) == 0 && c.Kind != ClientNative {
		v.add(at(path, "redirectUris"), fmt.Sprintf("no redirect URI on a %s client: sign-in has nowhere to return to", c.Kind),
			"", "at least one")
	}
	if n := len(c.RedirectURIs); n > MaxRedirectURIs {
		v.add(at(path, "redirectUris"), "too many redirect URIs", fmt.Sprint(n),
			fmt.Sprintf("at most %d, Entra's limit", MaxRedirectURIs))
	}
	for i, uri := range c.RedirectURIs {
		uriPath := at(path, "redirectUris", i)
		if slices.Index(c.RedirectURIs, uri) < i {
			v.add(uriPath, "redirect URI is listed twice", uri, "each once")
			continue
		}
		if message, want := v.redirectURI(c.Kind, uri); message != "" {
			v.add(uriPath, message, withoutUserinfo(uri), want)
		}
	}
}

// schemePattern is RFC 3986's, in lower case.
var schemePattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// scriptSchemes run or show what is in them rather than return to an
// application.
var scriptSchemes = []string{"javascript", "vbscript", "data", "file", "blob", "about", "view-source", "ftp", "ws", "wss"}

// redirectURI returns what is wrong with a redirect URI, and what is wanted.
// The rules are Entra's for work and school accounts, and where noted those of
// the azuread provider. Entra takes wildcards and http://127.0.0.1 through the
// manifest only; neither is accepted here, since a wildcard hands codes to
// hosts nobody listed.
// https://learn.microsoft.com/entra/identity-platform/reply-url
func (v *validator) redirectURI(kind ClientKind, uri string) (message, want string) {
	const https = "https, or http://localhost"
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "":
		return "malformed redirect URI", "an absolute address such as \"https://app.example.com/signed-in\""
	case utf8.RuneCountInString(uri) > MaxRedirectURI:
		return "redirect URI is too long", fmt.Sprintf("at most %d characters", MaxRedirectURI)
	case strings.Contains(uri, "*"):
		return "wildcard in a redirect URI", "each address in full"
	case strings.Contains(uri, "#"):
		return "fragment in a redirect URI", "an address without #"
	case strings.ContainsAny(uri, "!$'(),;"):
		return "character not allowed in a redirect URI", "none of ! $ ' ( ) , ;"
	case strings.ContainsAny(uri, "\"\\<>") || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "character not allowed in a redirect URI", "no spaces, quotes, backslashes or angle brackets"
	case u.User != nil:
		return "user name in a redirect URI", "an address without credentials"
	case !isPort(u.Port()):
		return "port out of range in a redirect URI", "a port from 1 to 65535, or none"
	case !strings.HasPrefix(uri, u.Scheme+"://") || !schemePattern.MatchString(u.Scheme):
		return "malformed scheme", "a scheme in lower case"
	}
	web := u.Scheme == "https" || u.Scheme == "http"
	switch host := u.Hostname(); {
	case !web && kind != ClientNative:
		return fmt.Sprintf("scheme not allowed on a %s client", kind), https
	case !web && slices.Contains(scriptSchemes, u.Scheme):
		return "scheme not allowed", "https, http://localhost or the application's own scheme"
	case !web:
		return "", ""
	case host == "":
		return "redirect URI without a host", "an absolute address"
	case strings.Contains(host, ":"):
		return "IPv6 address in a redirect URI: Entra does not support it", https
	case u.Scheme == "http" && host != "localhost":
		if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
			return "address not allowed in a redirect URI", "http://localhost: Entra ignores its port, so any will do"
		}
		return "redirect URI would carry the code unencrypted", https
	case kind != ClientNative && u.Path == "":
		// The azuread provider insists on it; Entra matches both.
		origin := u.Scheme + "://" + u.Host
		return "redirect URI without a path", fmt.Sprintf("%q", origin+"/"+strings.TrimPrefix(uri, origin))
	case kind != ClientNative && isLoopback(host) && !v.options.AllowLocalhost:
		return "localhost in a redirect URI, where it is not allowed", "the address under which users reach the application"
	}
	return "", ""
}
