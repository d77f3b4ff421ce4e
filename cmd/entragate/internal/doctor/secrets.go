package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
)

// sortedKeys are the keys of a map, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// secrets looks at how clients prove themselves, and until when they can.
func (x *examination) secrets(ctx context.Context) {
	for _, name := range sortedKeys(x.Outputs.Credentials) {
		declared := x.Outputs.Credentials[name]
		subject := clientSubject(name, declared.ClientID)
		found, err := credentials.List(ctx, x.Clouds, map[string]credentials.Declared{name: declared}, x.Now())
		if err != nil {
			x.unable(subject, err)
			continue
		}
		for _, c := range found {
			x.credential(subject, c)
		}
	}
	if x.OutboundIssuer != "" {
		x.outboundIssuer(ctx)
	}
}

// endsOn begins the problem of a credential that still works.
const endsOn = "it ends on "

func (x *examination) credential(subject string, c credentials.Credential) {
	fix := "run `entragate rotate " + c.Client + "`, and see the rotation function's log"
	switch c.Kind {
	case access.CredentialCertificate:
		fix = "give the client a new certificate in the configuration, and run `pulumi up`"
	case access.CredentialFederated:
		fix = deploy
	case access.CredentialSecret:
	}
	for _, problem := range c.Problems {
		if strings.HasPrefix(problem, endsOn) {
			x.warn(subject, string(c.Kind)+": "+problem, fix)
		} else {
			x.fail(subject, string(c.Kind)+": "+problem, fix)
		}
	}
	if len(c.Foreign) > 0 {
		x.warn(subject, "it has secrets that the rotator did not make and does not remove: "+strings.Join(c.Foreign, ", "),
			fmt.Sprintf("remove what nobody uses: `az ad app credential delete --id %s --key-id <key id>`", c.ClientID))
	}
	if len(c.Problems) == 0 {
		x.ok(subject, strings.Join(state(c), ", "))
	}
}

// state is what is known of a credential, in words.
func state(c credentials.Credential) []string {
	words := []string{string(c.Kind)}
	for what, at := range map[string]*time.Time{"ends on": c.Expires, "rotated on": c.LastRotation, "rotated next on": c.NextRotation} {
		if at != nil {
			words = append(words, what+" "+at.UTC().Format(time.DateOnly))
		}
	}
	if c.Issuer != "" {
		words = append(words, "takes tokens of "+c.Issuer+" for "+c.Subject)
	}
	slices.Sort(words[1:])
	return words
}

// maxDocument is far above any discovery document, in bytes.
const maxDocument = 1 << 20

// outboundIssuer looks whether Entra can read the keys of the account's issuer.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
func (x *examination) outboundIssuer(ctx context.Context) {
	subject, fix := "outbound issuer "+x.OutboundIssuer,
		"Entra takes no token of it: see `aws iam get-outbound-web-identity-federation-info`, and outboundIssuer in the configuration"
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := x.document(ctx, x.OutboundIssuer+"/.well-known/openid-configuration", &discovery); err != nil {
		x.fail(subject, err.Error(), fix)
		return
	}
	if !x.want(subject, "issuer", discovery.Issuer, x.OutboundIssuer, fix) {
		return
	}
	var keys struct {
		Keys []json.RawMessage `json:"keys"`
	}
	err := x.document(ctx, discovery.JWKSURI, &keys)
	if err == nil && len(keys.Keys) == 0 {
		err = errors.New("got no keys")
	}
	if err != nil {
		x.fail(subject, "its keys: "+err.Error(), fix)
		return
	}
	x.ok(subject, "has "+counted(len(keys.Keys), "key"))
}

// document reads a JSON document that everybody may read.
func (x *examination) document(ctx context.Context, address string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := x.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: got %s, want 200", address, res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxDocument)).Decode(out); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}
