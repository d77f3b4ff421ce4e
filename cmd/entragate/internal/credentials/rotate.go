package credentials

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions/rotate"
)

// Work is rotating secrets of one stack.
type Work struct {
	Clouds   *clouds.Clouds
	Declared map[string]Declared
	// Now is the time in the clouds.
	Now func() time.Time
	// Poll is how long to wait between two looks, and Patience how long in all for
	// one secret.
	Poll, Patience time.Duration
	Progress       func(format string, args ...any)
}

// Rotation is what became of one.
type Rotation struct {
	Client    string `json:"client"`
	SecretARN string `json:"secretArn"`
	// Version is the one that is current now, KeyID its secret in Entra.
	Version string     `json:"version"`
	KeyID   string     `json:"keyId"`
	Expires *time.Time `json:"expires,omitempty"`
	// Revoked are the key ids that Entra takes no more.
	Revoked []string `json:"revoked,omitempty"`
}

// First waits until every secret has a value: Secrets Manager makes it at once
// when it is told to rotate, and tells nobody when it is done. What failed is
// tried again.
func (w Work) First(ctx context.Context) error {
	for _, name := range bySecret(w.Declared) {
		secret, err := w.describe(ctx, name)
		if err != nil {
			return err
		}
		if labelled(secret, rotate.Current) != "" {
			continue
		}
		w.Progress("rotating the secret of %s for the first time", name)
		if err := w.first(ctx, name, secret); err != nil {
			return err
		}
	}
	return nil
}

func (w Work) first(ctx context.Context, name string, secret *secretsmanager.DescribeSecretOutput) error {
	if name == components.RotatorName {
		_, err := w.bootstrap(ctx, name, secret)
		return err
	}
	_, err := w.await(ctx, name, "")
	return err
}

// Rotate makes a new secret now and waits until it is current. With revoke, those
// before it are taken from Entra at once, so that whoever has one of them, and has
// not read the new one yet, is cut off.
func (w Work) Rotate(ctx context.Context, name string, revoke bool) (Rotation, error) {
	secret, err := w.describe(ctx, name)
	if err != nil {
		return Rotation{}, err
	}
	current := labelled(secret, rotate.Current)
	var version string
	switch {
	case current == "" && name == components.RotatorName:
		version, err = w.bootstrap(ctx, name, secret)
	default:
		w.Progress("rotating the secret of %s", name)
		if err = w.start(ctx, name); err == nil {
			version, err = w.await(ctx, name, current)
		}
	}
	if err != nil {
		return Rotation{}, err
	}
	return w.settle(ctx, name, version, revoke)
}

// settle reads what a rotation made, and revokes what was before it.
func (w Work) settle(ctx context.Context, name, version string, revoke bool) (Rotation, error) {
	d := w.Declared[name]
	r := Rotation{Client: name, SecretARN: d.SecretARN, Version: version}
	app, err := readApplication(ctx, w.Clouds.Graph, d.ClientID)
	if err != nil {
		return r, err
	}
	for _, p := range app.Passwords {
		if of, ours := rotate.VersionOf(p.Name); ours && of == version {
			r.KeyID, r.Expires = p.KeyID, &p.End
		}
	}
	if r.KeyID == "" {
		return r, fmt.Errorf("client %s: Entra does not show the secret of version %s, which is current; nothing was revoked", name, version)
	}
	if !revoke {
		return r, nil
	}
	for _, p := range app.Passwords {
		if _, ours := rotate.VersionOf(p.Name); !ours || p.KeyID == r.KeyID {
			continue
		}
		if err := removePassword(ctx, w.Clouds.Graph, app.ID, p.KeyID); err != nil {
			return r, fmt.Errorf("client %s: revoking %s: %w", name, p.KeyID, err)
		}
		r.Revoked = append(r.Revoked, p.KeyID)
	}
	return r, nil
}

func removePassword(ctx context.Context, g *clouds.Graph, application, keyID string) error {
	err := g.Call(ctx, http.MethodPost, "/applications/"+application+"/removePassword", map[string]string{"keyId": keyID}, nil)
	var answer *clouds.GraphError
	if errors.As(err, &answer) && strings.Contains(answer.Message, "No password credential found") {
		return nil // it is gone
	}
	return err
}

// bootstrapLifetime is enough to rotate once.
const bootstrapLifetime = 24 * time.Hour

// bootstrap gives the rotator the secret with which it makes its next one. This
// is the only secret that passes through this program; when the rotation is done
// it is revoked.
func (w Work) bootstrap(ctx context.Context, name string, secret *secretsmanager.DescribeSecretOutput) (version string, err error) {
	w.Progress("giving the rotator its first secret")
	d := w.Declared[name]
	app, err := readApplication(ctx, w.Clouds.Graph, d.ClientID)
	if err != nil {
		return "", err
	}
	tags := map[string]string{}
	for _, tag := range secret.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	token := uuid.NewString()
	ends := w.Now().Add(bootstrapLifetime).UTC().Truncate(time.Second)
	var made struct {
		KeyID      string        `json:"keyId"`
		SecretText rotate.Hidden `json:"secretText"`
	}
	err = w.Clouds.Graph.Call(ctx, http.MethodPost, "/applications/"+app.ID+"/addPassword", map[string]any{
		"passwordCredential": map[string]any{"displayName": rotate.CredentialName(token), "endDateTime": ends.Format(time.RFC3339)},
	}, &made)
	if err != nil {
		return "", err
	}
	// It is of no use any more, whether the rotation succeeds or not.
	defer func() {
		err = errors.Join(err, removePassword(context.WithoutCancel(ctx), w.Clouds.Graph, app.ID, made.KeyID))
	}()
	value, err := rotate.Value{
		ClientID: d.ClientID, TenantID: tags[components.TagTenantID], Authority: tags[components.TagAuthority],
		Scope: tags[components.TagScope], ClientSecret: made.SecretText, KeyID: made.KeyID, ExpiresAt: ends,
	}.Encode()
	if err != nil {
		return "", err
	}
	_, err = w.Clouds.SecretsManager.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &d.SecretARN, ClientRequestToken: &token, SecretString: aws.String(string(value)),
		VersionStages: []string{string(rotate.Current)},
	})
	if err != nil {
		return "", fmt.Errorf("storing the rotator's first secret: %w", err)
	}
	if err := w.start(ctx, name); err != nil {
		return "", err
	}
	return w.await(ctx, name, token)
}

// start has Secrets Manager rotate. A rotation that is under way, or failed and
// will be tried again, is the one to wait for.
func (w Work) start(ctx context.Context, name string) error {
	arn := w.Declared[name].SecretARN
	_, err := w.Clouds.SecretsManager.RotateSecret(ctx, &secretsmanager.RotateSecretInput{SecretId: &arn})
	invalid, ok := errors.AsType[*types.InvalidRequestException](err)
	if ok && strings.Contains(invalid.ErrorMessage(), "isn't complete") {
		w.Progress("a rotation of %s is not complete, it is tried again", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("rotating the secret of %s: %w", name, err)
	}
	return nil
}

// await waits until another version than the one before is current. Now and then
// it asks for what failed to be tried again, before Secrets Manager would.
func (w Work) await(ctx context.Context, name, before string) (string, error) {
	const nudgeEvery = 20 // looks
	until := time.Now().Add(w.Patience)
	for looks := 1; ; looks++ {
		secret, err := w.describe(ctx, name)
		if err != nil {
			return "", err
		}
		if current := labelled(secret, rotate.Current); current != "" && current != before {
			return current, nil
		}
		if time.Now().After(until) {
			return "", fmt.Errorf("the secret of %s was not rotated within %s: the log of function %s says why; "+
				"Secrets Manager tries again, and so does `entragate rotate %s`",
				name, w.Patience, aws.ToString(secret.RotationLambdaARN), name)
		}
		if looks%nudgeEvery == 0 && labelled(secret, rotate.Pending) != "" {
			if err := w.start(ctx, name); err != nil {
				return "", err
			}
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(w.Poll):
		}
	}
}

func (w Work) describe(ctx context.Context, name string) (*secretsmanager.DescribeSecretOutput, error) {
	d, ok := w.Declared[name]
	if !ok || d.SecretARN == "" {
		return nil, fmt.Errorf("client: got %q, want one whose secret is rotated: %s", name, strings.Join(bySecret(w.Declared), ", "))
	}
	secret, err := w.Clouds.SecretsManager.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &d.SecretARN})
	if err != nil {
		return nil, fmt.Errorf("looking at the secret of %s: %w", name, err)
	}
	return secret, nil
}

// Names are the clients whose secrets can be rotated.
func Names(declared map[string]Declared) []string { return slices.Clone(bySecret(declared)) }
