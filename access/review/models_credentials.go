package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// unseenCredential is why no cell shows how clients prove themselves.
const unseenCredential = "the matrix says what a client may call, not who can be the client"

// credential compares how a client proves itself.
func (c *comparison) credential(before, after access.Client, setting string) {
	was := before.CredentialKind(c.before.Credentials.OutboundIssuer)
	is := after.CredentialKind(c.after.Credentials.OutboundIssuer)
	f := Finding{
		Subject: after.Name, Setting: setting + ".credential", Resource: c.resources.client(after.Name),
		Tokens: c.tokens.none() + " The old way yields no new ones.", Unseen: unseenCredential,
	}
	if was != is {
		f.Rule = "credential-changed"
		f.Cause = fmt.Sprintf("credential of client %q from %s to %s", after.Name, kindWords(was), kindWords(is))
		f.Words = fmt.Sprintf("The client %s proves itself by %s in place of %s.", after.Name, kindWords(is), kindWords(was))
		c.find(f)
		return
	}
	old, now := declared(before), declared(after)
	switch is {
	case access.CredentialFederated:
		oldIssuer, oldSubject := old.Federation(c.before.Credentials.OutboundIssuer)
		issuer, subject := now.Federation(c.after.Credentials.OutboundIssuer)
		if oldIssuer != issuer || oldSubject != subject {
			f.Rule, f.Cause = "credential-trust-changed", fmt.Sprintf("federated credential of client %q changed", after.Name)
			f.Words = fmt.Sprintf("Tokens of %s for %s make one the client %s, in place of those of %s for %s.", issuer, subject, after.Name, oldIssuer, oldSubject)
			c.find(f)
		}
	case access.CredentialCertificate:
		if old.File != now.File || strings.TrimSpace(old.PEM) != strings.TrimSpace(now.PEM) {
			f.Rule, f.Cause = "credential-trust-changed", fmt.Sprintf("certificate of client %q changed", after.Name)
			f.Words = fmt.Sprintf("Another certificate makes one the client %s.", after.Name)
			c.find(f)
		}
	case access.CredentialSecret:
		c.readers(after.Name, old.Readers, now.Readers, setting)
	}
}

func declared(c access.Client) access.Credential {
	if c.Credential == nil {
		return access.Credential{}
	}
	return *c.Credential
}

func kindWords(kind access.CredentialKind) string {
	switch kind {
	case access.CredentialSecret:
		return "a secret"
	case access.CredentialCertificate:
		return "a certificate"
	case access.CredentialFederated:
		return "a federated credential"
	default:
		return "nothing"
	}
}

// readers compares who may read the secret of a client.
func (c *comparison) readers(client string, before, after []string, setting string) {
	f := Finding{Setting: setting + ".credential.readers", Resource: c.resources.secret(client), Unseen: unseenCredential}
	for _, reader := range after {
		if !slices.Contains(before, reader) {
			f.Rule, f.Subject = "secret-reader-added", client+" "+reader
			f.Cause = fmt.Sprintf("reader added to the secret of client %q", client)
			f.Words = fmt.Sprintf("%s may read the secret of %s, and so be the client.", reader, client)
			f.Tokens = c.tokens.none() + " It may get new ones at once."
			c.find(f)
		}
	}
	for _, reader := range before {
		if !slices.Contains(after, reader) {
			f.Rule, f.Subject = "secret-reader-removed", client+" "+reader
			f.Cause = fmt.Sprintf("reader removed from the secret of client %q", client)
			f.Words = fmt.Sprintf("%s may no longer read the secret of %s.", reader, client)
			f.Tokens = c.tokens.none() + " What it has read yields new ones until it is rotated away: `entragate rotate " + client + "`."
			c.find(f)
		}
	}
}
