package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions/rotate"
)

// clients compares the clients' applications, and that of the rotator.
func (c *comparison) clients() {
	for _, client := range c.Model.Clients {
		id := c.Clients[client.Name]
		subject := "client " + client.Name + " (" + id + ")"
		who := "users of " + client.Name
		if client.Kind == access.ClientDaemon {
			who = "daemon " + client.Name
		}
		want := proofs{kind: client.CredentialKind(c.OutboundIssuer)}
		if want.kind == access.CredentialFederated && client.Credential != nil {
			want.issuer, want.subject = client.Credential.Federation(c.OutboundIssuer)
		}
		c.client(subject, client, want, who+" get no token")
	}
	if rotator, ok := c.Credentials[components.RotatorName]; ok {
		want := proofs{kind: rotator.Kind, issuer: c.OutboundIssuer}
		subject := components.RotatorName + " (" + rotator.ClientID + ")"
		client := access.Client{Name: components.RotatorName, Kind: access.ClientDaemon}
		c.client(subject, client, want, "secrets of clients are not rotated any more, and end")
	}
}

func (c *comparison) client(subject string, client access.Client, want proofs, consequence string) {
	if !c.state.Knows(deployed.OfClient(client.Name)) {
		return
	}
	app := c.state.Clients[client.Name]
	if !c.exists(subject, app, consequence) {
		return
	}
	c.registration(subject, app)
	c.redirects(subject, app.Registration, client)
	c.proofs(subject, app, want)
	owners := slices.Clone(c.Owners)
	rotator := c.state.Clients[components.RotatorName]
	if want.kind == access.CredentialSecret && rotator.HasPrincipal { // it owns itself too
		owners = append(owners, rotator.Principal.ID)
	}
	c.owners(subject, app, owners)
}

// redirects compares where sign-ins return to, platform by platform.
// https://learn.microsoft.com/entra/identity-platform/reply-url
func (c *comparison) redirects(subject string, r deployed.Registration, client access.Client) {
	platforms := []struct {
		name string
		kind access.ClientKind
		got  []string
	}{
		{"single-page", access.ClientSPA, r.SPA.RedirectURIs},
		{"web", access.ClientWeb, r.Web.RedirectURIs},
		{"native", access.ClientNative, r.PublicClient.RedirectURIs},
	}
	for _, p := range platforms {
		var want []string
		if p.kind == client.Kind {
			want = client.RedirectURIs
		}
		for _, uri := range without(p.got, want) {
			c.add(Finding{
				Subject: subject, What: AddedOutside, Effect: Widening, Got: p.name + " redirect URI " + uri, Want: strings.Join(want, ", "),
				Access: "whoever answers at " + uri + " gets the sign-ins of its users, and by them its access", Fix: deploy,
			})
		}
		for _, uri := range without(want, p.got) {
			c.add(Finding{
				Subject: subject, What: Missing, Effect: Breaking, Want: p.name + " redirect URI " + uri,
				Access: "users cannot sign in to it at " + uri + " any more (AADSTS50011)", Fix: deploy,
			})
		}
	}
	public := r.FallbackPublic != nil && *r.FallbackPublic
	if public == (client.Kind == access.ClientNative) {
		return
	}
	f := Finding{
		Subject: subject, What: Changed, Effect: Breaking, Got: fmt.Sprintf("isFallbackPublicClient: %t", public), Want: fmt.Sprint(!public),
		Access: "nobody signs in to it by a device code any more", Fix: deploy,
	}
	if public {
		f.Effect, f.Access = Widening, "whoever knows its client id can have its users sign in by a device code, without its secret"
	}
	c.add(f)
}

// proofs are how an application should prove itself; the zero value: not at all.
type proofs struct {
	kind access.CredentialKind
	// Of a federated credential; empty where only Entra knows them.
	issuer, subject string
}

// proofs compares how an application can prove itself. Whoever holds a secret of
// it is that application.
func (c *comparison) proofs(subject string, app deployed.Application, want proofs) {
	r := app.Registration
	is := "whoever holds it can sign in as this application, and has its access"
	rotated := false
	for _, p := range r.Passwords {
		if _, ours := rotate.VersionOf(p.Name); ours && want.kind == access.CredentialSecret {
			rotated = true
			continue
		}
		c.add(Finding{
			Subject: subject, What: AddedOutside, Effect: Widening, Got: key("secret", p), Want: string(want.kind), Access: is,
			Fix: fmt.Sprintf("`az ad app credential delete --id %s --key-id %s`", r.AppID, p.KeyID),
		})
	}
	if want.kind == access.CredentialSecret && !rotated {
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Want: "a secret that the rotator made",
			Access: "it cannot sign in: the stored secret is none of Entra's", Fix: "`entragate rotate`",
		})
	}
	certificates := 0
	if want.kind == access.CredentialCertificate {
		certificates = 1
	}
	switch {
	case len(r.Keys) > certificates:
		for _, k := range r.Keys {
			c.add(Finding{
				Subject: subject, What: AddedOutside, Effect: Widening,
				Got: key("certificate", k), Want: fmt.Sprintf("%d certificates", certificates), Access: is,
				Fix: fmt.Sprintf("`az ad app credential delete --id %s --cert --key-id %s`, unless it is the declared one", r.AppID, k.KeyID),
			})
		}
	case len(r.Keys) < certificates:
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Want: "a certificate", Access: "it cannot sign in", Fix: deploy,
		})
	}
	c.federated(subject, app, want)
	for what, keys := range map[string][]deployed.Key{"secret": app.Principal.Passwords, "certificate": app.Principal.Keys} {
		for _, k := range keys {
			c.add(Finding{
				Subject: subject, What: AddedOutside, Effect: Widening, Got: key(what, k) + " of its service principal", Access: is,
				Fix: fmt.Sprintf("`az ad sp credential delete --id %s --key-id %s`", app.Principal.ID, k.KeyID),
			})
		}
	}
}

func key(what string, k deployed.Key) string {
	name := k.Name
	if name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("%s %s (%s)", what, name, k.KeyID)
}

func (c *comparison) federated(subject string, app deployed.Application, want proofs) {
	found := false
	for _, f := range app.Federated {
		if !found && want.kind == access.CredentialFederated && (want.issuer == "" || want.issuer == f.Issuer) &&
			(want.subject == "" || want.subject == f.Subject) {
			found = true
			continue
		}
		c.add(Finding{
			Subject: subject, What: AddedOutside, Effect: Widening,
			Got:    fmt.Sprintf("federated credential %s: %s of %s", f.Name, f.Subject, f.Issuer),
			Access: f.Subject + " of " + f.Issuer + " can sign in as this application, and has its access",
			Fix:    fmt.Sprintf("`az ad app federated-credential delete --id %s --federated-credential-id %s`", app.Registration.AppID, f.ID),
		})
	}
	if want.kind == access.CredentialFederated && !found {
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Want: "federated credential: " + want.subject + " of " + want.issuer,
			Access: "it cannot sign in", Fix: deploy,
		})
	}
}

// owners compares who may change an application.
func (c *comparison) owners(subject string, app deployed.Application, want []string) {
	if len(c.Owners) == 0 {
		return
	}
	for _, of := range []struct {
		what string
		got  []deployed.Object
		want []string
	}{{"", app.Owners, want}, {" of its service principal", app.PrincipalOwners, c.Owners}} {
		var ids []string
		for _, o := range of.got {
			ids = append(ids, o.ID)
			if slices.Contains(of.want, o.ID) {
				continue
			}
			c.add(Finding{
				Subject: subject, What: AddedOutside, Effect: Widening, Got: fmt.Sprintf("owner%s %s (%s)", of.what, o.Name, o.ID),
				Access: o.Name + " can give it secrets and redirect URIs, and sign in as it", Fix: deploy,
			})
		}
		for _, id := range without(of.want, ids) {
			c.add(Finding{
				Subject: subject, What: Missing, Effect: Neutral, Want: "owner" + of.what + " " + id,
				Access: "who can call is the same; " + id + " cannot change it any more", Fix: deploy,
			})
		}
	}
}
