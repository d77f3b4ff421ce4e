// Package credentials reads from the clouds how the clients of a stack prove
// themselves, and has their secrets rotated. It reads no secret.
package credentials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions/rotate"
)

// Declared is what a stack's outputs say of a client's credential.
type Declared struct {
	Kind      access.CredentialKind `json:"kind"`
	ClientID  string                `json:"clientId"`
	SecretARN string                `json:"secretArn"`
}

// Credential is what the clouds say of it.
type Credential struct {
	Client    string                `json:"client"`
	Kind      access.CredentialKind `json:"kind"`
	ClientID  string                `json:"clientId"`
	SecretARN string                `json:"secretArn,omitempty"`
	// KeyID is Entra's id of the secret that is current, or of the certificate.
	KeyID   string     `json:"keyId,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	// LastRotation and NextRotation are Secrets Manager's.
	LastRotation *time.Time `json:"lastRotation,omitempty"`
	NextRotation *time.Time `json:"nextRotation,omitempty"`
	// Valid is how many secrets Entra takes now.
	Valid int `json:"valid,omitempty"`
	// Foreign are the key ids of secrets that the rotator did not make and so
	// does not remove.
	Foreign []string `json:"foreign,omitempty"`
	// Issuer and Subject are those of a federated credential.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Problems are what is not as it should be.
	Problems []string `json:"problems,omitempty"`
}

const (
	// soon is how long before its end a credential should have been replaced.
	soon = 45 * 24 * time.Hour
	// late is how late a rotation may be: Secrets Manager chooses the hour.
	late = 48 * time.Hour
)

// application is what Microsoft Graph tells of a client.
type application struct {
	ID        string        `json:"id"`
	Passwords []password    `json:"passwordCredentials"`
	Keys      []certificate `json:"keyCredentials"`
}

type certificate struct {
	KeyID string    `json:"keyId"`
	End   time.Time `json:"endDateTime"`
}

type password struct {
	KeyID string    `json:"keyId"`
	Name  string    `json:"displayName"`
	Start time.Time `json:"startDateTime"`
	End   time.Time `json:"endDateTime"`
}

func readApplication(ctx context.Context, g *clouds.Graph, clientID string) (application, error) {
	var app application
	path := "/applications(appId='" + url.PathEscape(clientID) + "')?$select=id,passwordCredentials,keyCredentials"
	err := g.Call(ctx, http.MethodGet, path, nil, &app)
	return app, err
}

// List reads all of them, in the order of the clients' names, at a time.
func List(ctx context.Context, c *clouds.Clouds, declared map[string]Declared, now time.Time) ([]Credential, error) {
	found := []Credential{}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		credential, err := read(ctx, c, name, declared[name], now)
		if err != nil {
			return nil, fmt.Errorf("client %s: %w", name, err)
		}
		found = append(found, credential)
	}
	return found, nil
}

func read(ctx context.Context, c *clouds.Clouds, name string, d Declared, now time.Time) (Credential, error) {
	credential := Credential{Client: name, Kind: d.Kind, ClientID: d.ClientID, SecretARN: d.SecretARN}
	app, err := readApplication(ctx, c.Graph, d.ClientID)
	if clouds.IsNotFound(err) {
		credential.problem("the application does not exist")
		return credential, nil
	}
	if err != nil {
		return credential, err
	}
	switch d.Kind {
	case access.CredentialSecret:
		err = credential.readSecret(ctx, c, app, now)
	case access.CredentialCertificate:
		credential.readCertificate(app, now)
	case access.CredentialFederated:
		err = credential.readFederation(ctx, c.Graph, app)
	}
	return credential, err
}

func (c *Credential) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

func (c *Credential) readSecret(ctx context.Context, in *clouds.Clouds, app application, now time.Time) error {
	secret, err := in.SecretsManager.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &c.SecretARN})
	if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) {
		c.problem("the secret does not exist")
		return nil
	}
	if err != nil {
		return err
	}
	c.LastRotation, c.NextRotation = secret.LastRotatedDate, secret.NextRotationDate
	current := labelled(secret, rotate.Current)
	for _, p := range app.Passwords {
		version, ours := rotate.VersionOf(p.Name)
		if !ours {
			c.Foreign = append(c.Foreign, p.KeyID)
		}
		if now.Before(p.End) {
			c.Valid++
		}
		if ours && version == current {
			c.KeyID, c.Expires = p.KeyID, &p.End
		}
	}
	switch {
	case current == "":
		c.problem("it was never rotated: the rotation function's log says why")
	case c.Expires == nil:
		c.problem("Entra does not have the secret that is current")
	default:
		c.ending(now)
	}
	if !aws.ToBool(secret.RotationEnabled) {
		c.problem("rotation is not enabled")
	}
	if next := secret.NextRotationDate; next != nil && now.After(next.Add(late)) {
		c.problem("rotation is overdue since %s", day(*next))
	}
	return nil
}

func (c *Credential) readCertificate(app application, now time.Time) {
	if len(app.Keys) == 0 {
		c.problem("Entra has no certificate")
		return
	}
	key := slices.MaxFunc(app.Keys, func(a, b certificate) int { return a.End.Compare(b.End) })
	c.KeyID, c.Expires = key.KeyID, &key.End
	c.ending(now)
}

// ending says so when the credential ends soon.
func (c *Credential) ending(now time.Time) {
	switch {
	case !now.Before(*c.Expires):
		c.problem("it ended on %s", day(*c.Expires))
	case c.Expires.Sub(now) < soon:
		c.problem("it ends on %s", day(*c.Expires))
	}
}

func (c *Credential) readFederation(ctx context.Context, g *clouds.Graph, app application) error {
	type federated struct {
		ID      string `json:"id"`
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}
	found, err := clouds.List[federated](ctx, g, "/applications/"+app.ID+"/federatedIdentityCredentials")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		c.problem("Entra has no federated credential")
		return nil
	}
	c.KeyID, c.Issuer, c.Subject = found[0].ID, found[0].Issuer, found[0].Subject
	for _, p := range app.Passwords {
		c.Foreign = append(c.Foreign, p.KeyID)
	}
	return nil
}

// labelled is the version that has a label, or "".
func labelled(secret *secretsmanager.DescribeSecretOutput, stage rotate.Stage) string {
	for version, labels := range secret.VersionIdsToStages {
		if slices.Contains(labels, string(stage)) {
			return version
		}
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// bySecret are the clients that have one, the rotator first, since it rotates the
// others.
func bySecret(declared map[string]Declared) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if declared[name].Kind == access.CredentialSecret {
			names = append(names, name)
		}
	}
	if i := slices.Index(names, components.RotatorName); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, components.RotatorName)
	}
	return names
}
