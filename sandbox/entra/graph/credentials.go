package graph

import (
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint of a certificate, not a signature
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

const (
	// passwordYears is how long a secret lasts when no end is given.
	passwordYears = 2
	// maxPersonalSecrets is the limit for applications of personal accounts.
	maxPersonalSecrets = 2
	passwordResource   = "PasswordCredential"
	keyResource        = "KeyCredential"
)

// passwordRequest is a password credential as a request gives it.
type passwordRequest struct {
	CustomKeyIdentifier *string    `json:"customKeyIdentifier"`
	DisplayName         *string    `json:"displayName"`
	EndDateTime         *time.Time `json:"endDateTime"`
	Hint                *string    `json:"hint"`
	KeyID               *string    `json:"keyId"`
	SecretText          *string    `json:"secretText"`
	StartDateTime       *time.Time `json:"startDateTime"`
}

// newPassword generates a secret as a request wants it.
func (c *call) newPassword(a *directory.Application, r passwordRequest) (directory.PasswordCredential, string, error) {
	var none directory.PasswordCredential
	if r.SecretText != nil || r.KeyID != nil || r.Hint != nil {
		return none, "", badRequest("New password credentials must be generated with service generated values.")
	}
	if personal(a) && len(a.PasswordCredentials) >= maxPersonalSecrets {
		return none, "", tooLarge("passwordCredentials")
	}
	start := c.now
	if r.StartDateTime != nil {
		start = r.StartDateTime.UTC()
	}
	end := start.AddDate(passwordYears, 0, 0)
	if r.EndDateTime != nil {
		end = r.EndDateTime.UTC()
	}
	if !end.After(start) {
		return none, "", invalidProperty("endDateTime", passwordResource)
	}
	secret := directory.NewSecret()
	return directory.PasswordCredential{
		KeyID:         newID(),
		DisplayName:   r.DisplayName,
		Hint:          secret[:3],
		StartDateTime: start,
		EndDateTime:   end,
		SecretSHA256:  directory.HashSecret(secret),
		AddedAt:       c.now,
	}, secret, nil
}

// renderPassword is a credential as Graph answers it: the secret is in the
// answer to the request that made it and nowhere else.
func renderPassword(p directory.PasswordCredential, secret any) map[string]any {
	return map[string]any{
		"customKeyIdentifier": nil,
		"displayName":         p.DisplayName,
		"endDateTime":         p.EndDateTime,
		"hint":                p.Hint,
		"keyId":               p.KeyID,
		"secretText":          secret,
		"startDateTime":       p.StartDateTime,
	}
}

func (c *call) renderPasswords(passwords []directory.PasswordCredential) []any {
	out := make([]any, 0, len(passwords))
	for _, p := range passwords {
		if c.visible(p.AddedAt) {
			out = append(out, renderPassword(p, nil))
		}
	}
	return out
}

// addPassword adds a client secret and answers it, once.
// https://learn.microsoft.com/graph/api/application-addpassword
func (c *call) addPassword() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	request, _, err := bodyMember[passwordRequest](c, "passwordCredential", passwordResource)
	if err != nil {
		return answer{}, err
	}
	for name := range c.body {
		if name != "passwordCredential" && !strings.Contains(name, "@") {
			return answer{}, badRequest("Invalid property '%s'.", name)
		}
	}
	credential, secret, err := c.newPassword(a, request)
	if err != nil {
		return answer{}, err
	}
	a.PasswordCredentials = append(a.PasswordCredentials, credential)
	body := renderPassword(credential, secret)
	body["@odata.context"] = c.base() + "/$metadata#microsoft.graph.passwordCredential"
	return answer{status: http.StatusOK, body: body}, nil
}

// removePassword removes a client secret.
// https://learn.microsoft.com/graph/api/application-removepassword
func (c *call) removePassword() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	keyID, ok, err := bodyMember[string](c, "keyId", passwordResource)
	if err != nil {
		return answer{}, err
	}
	if !ok || keyID == "" {
		return answer{}, requiredProperty("keyId", passwordResource)
	}
	left := slices.DeleteFunc(slices.Clone(a.PasswordCredentials), func(p directory.PasswordCredential) bool {
		return strings.EqualFold(p.KeyID, keyID)
	})
	if len(left) == len(a.PasswordCredentials) {
		return answer{}, badRequest("No password credential found with keyId '%s'.", keyID)
	}
	a.PasswordCredentials = left
	return noContent, nil
}

// newPasswords generates the secrets that a new application is to have and
// returns them as they are answered.
func (c *call) newPasswords(a *directory.Application) ([]any, error) {
	requests, _, err := bodyMember[[]passwordRequest](c, "passwordCredentials", applicationResource)
	if err != nil {
		return nil, err
	}
	var answers []any
	for _, r := range requests {
		credential, secret, err := c.newPassword(a, r)
		if err != nil {
			return nil, err
		}
		a.PasswordCredentials = append(a.PasswordCredentials, credential)
		answers = append(answers, renderPassword(credential, secret))
	}
	return answers, nil
}

// keptPasswords are the secrets that remain after an update, which may leave
// some out and cannot add any.
func (c *call) keptPasswords(old *directory.Application) ([]directory.PasswordCredential, error) {
	requests, ok, err := bodyMember[[]passwordRequest](c, "passwordCredentials", applicationResource)
	if err != nil || !ok {
		return old.PasswordCredentials, err
	}
	var kept []directory.PasswordCredential
	for _, r := range requests {
		i := slices.IndexFunc(old.PasswordCredentials, func(p directory.PasswordCredential) bool {
			return r.KeyID != nil && strings.EqualFold(p.KeyID, *r.KeyID)
		})
		if i < 0 {
			return nil, badRequest("New password credentials must be generated with service generated values.")
		}
		kept = append(kept, old.PasswordCredentials[i])
	}
	return kept, nil
}

// keyRequest is a key credential as a request gives it.
type keyRequest struct {
	CustomKeyIdentifier *string    `json:"customKeyIdentifier"`
	DisplayName         *string    `json:"displayName"`
	EndDateTime         *time.Time `json:"endDateTime"`
	Key                 []byte     `json:"key"`
	KeyID               *string    `json:"keyId"`
	StartDateTime       *time.Time `json:"startDateTime"`
	Type                string     `json:"type"`
	Usage               string     `json:"usage"`
}

// replacedKeys are the certificates of an application after a request. An
// entry without a key keeps the present certificate with its keyId.
func (c *call) replacedKeys(old *directory.Application) ([]directory.KeyCredential, error) {
	var present []directory.KeyCredential
	if old != nil {
		present = old.KeyCredentials
	}
	requests, ok, err := bodyMember[[]keyRequest](c, "keyCredentials", applicationResource)
	if err != nil || !ok {
		return present, err
	}
	keys := []directory.KeyCredential{}
	for _, r := range requests {
		i := slices.IndexFunc(present, func(k directory.KeyCredential) bool {
			return r.KeyID != nil && strings.EqualFold(k.KeyID, *r.KeyID)
		})
		if i >= 0 && r.Key == nil {
			keys = append(keys, present[i])
			continue
		}
		key, err := newKey(r)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	for i, k := range keys {
		if slices.ContainsFunc(keys[:i], func(o directory.KeyCredential) bool { return strings.EqualFold(o.KeyID, k.KeyID) }) {
			return nil, duplicateValue("keyCredentials")
		}
	}
	return keys, nil
}

// newKey checks a certificate: X.509 with an RSA key, for verifying, and dates
// that lie within its own. Documented is DER; PEM is taken too, which is what
// Terraform's provider sends.
// https://learn.microsoft.com/graph/api/resources/keycredential
// https://github.com/hashicorp/terraform-provider-azuread/blob/v2.53.1/internal/helpers/credentials.go
func newKey(r keyRequest) (directory.KeyCredential, error) {
	var none directory.KeyCredential
	if r.Type != "AsymmetricX509Cert" {
		return none, invalidProperty("type", keyResource)
	}
	if r.Usage != "Verify" {
		return none, invalidProperty("usage", keyResource)
	}
	der := r.Key
	if block, _ := pem.Decode(r.Key); block != nil {
		der = block.Bytes
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return none, invalidProperty("key", keyResource)
	}
	if _, ok := certificate.PublicKey.(*rsa.PublicKey); !ok {
		return none, invalidProperty("key", keyResource)
	}
	thumbprint := sha1.Sum(certificate.Raw) //nolint:gosec // as above
	key := directory.KeyCredential{
		KeyID:               newID(),
		DisplayName:         r.DisplayName,
		Type:                r.Type,
		Usage:               r.Usage,
		CustomKeyIdentifier: strings.ToUpper(hex.EncodeToString(thumbprint[:])),
		StartDateTime:       certificate.NotBefore.UTC(),
		EndDateTime:         certificate.NotAfter.UTC(),
		Key:                 certificate.Raw,
	}
	if r.KeyID != nil {
		if !isGUID(*r.KeyID) {
			return none, invalidProperty("keyId", keyResource)
		}
		key.KeyID = *r.KeyID
	}
	if r.CustomKeyIdentifier != nil && *r.CustomKeyIdentifier != "" {
		key.CustomKeyIdentifier = *r.CustomKeyIdentifier
	}
	if r.StartDateTime != nil {
		if r.StartDateTime.Before(key.StartDateTime) {
			return none, keyDateError("start", "KeyCredentialsInvalidStartDate")
		}
		key.StartDateTime = r.StartDateTime.UTC()
	}
	if r.EndDateTime != nil {
		if r.EndDateTime.After(key.EndDateTime) {
			return none, keyDateError("end", "KeyCredentialsInvalidEndDate")
		}
		key.EndDateTime = r.EndDateTime.UTC()
	}
	if !key.EndDateTime.After(key.StartDateTime) {
		return none, keyDateError("end", "KeyCredentialsInvalidEndDate")
	}
	return key, nil
}

func keyDateError(which, code string) error {
	return &Error{
		Status: http.StatusBadRequest, Code: code, Target: "keyCredentials",
		Message: "Key credential " + which + " date is invalid.",
	}
}

// renderKeys answers certificates without the certificate itself, unless
// $select asks for keyCredentials by name.
func (c *call) renderKeys(keys []directory.KeyCredential) []any {
	selected := slices.Contains(strings.Split(c.request.URL.Query().Get("$select"), ","), "keyCredentials")
	out := make([]any, 0, len(keys))
	for _, k := range keys {
		m := toMap(k)
		if !selected {
			m["key"] = nil
		}
		out = append(out, m)
	}
	return out
}
