package rotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Hidden is a secret. Printed, logged or encoded in whichever way, it tells
// nothing; only a conversion to string does.
type Hidden string

const hidden = "[hidden]"

// Format implements [fmt.Formatter].
func (Hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements [slog.LogValuer].
func (Hidden) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements [encoding.TextMarshaler], which JSON uses.
func (Hidden) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Value is what a stored secret holds, so that an application needs nothing
// else to sign in.
type Value struct {
	ClientID, TenantID, Authority, Scope string
	ClientSecret                         Hidden
	KeyID                                string
	ExpiresAt                            time.Time
}

// stored is a [Value] as JSON.
type stored struct {
	ClientID     string    `json:"clientId"`
	TenantID     string    `json:"tenantId"`
	Authority    string    `json:"authority"`
	Scope        string    `json:"scope"`
	ClientSecret string    `json:"clientSecret"`
	KeyID        string    `json:"keyId"`
	ExpiresAt    time.Time `json:"expiresAt"`
}

// Encode is the value as it is stored.
func (v Value) Encode() (Hidden, error) {
	raw, err := json.Marshal(stored{
		ClientID: v.ClientID, TenantID: v.TenantID, Authority: v.Authority, Scope: v.Scope,
		ClientSecret: string(v.ClientSecret), KeyID: v.KeyID, ExpiresAt: v.ExpiresAt.UTC(),
	})
	return Hidden(raw), err
}

// errNotOurs says that a secret holds something else. What the decoder says
// would quote it.
var errNotOurs = errors.New("the value is not JSON with clientId, authority, clientSecret, keyId and expiresAt")

// ParseValue reads what is stored. An error says nothing of it.
func ParseValue(raw Hidden) (Value, error) {
	var s stored
	if err := json.Unmarshal([]byte(raw), &s); err != nil ||
		s.ClientID == "" || s.Authority == "" || s.ClientSecret == "" || s.KeyID == "" || s.ExpiresAt.IsZero() {
		return Value{}, errNotOurs
	}
	return Value{
		ClientID: s.ClientID, TenantID: s.TenantID, Authority: s.Authority, Scope: s.Scope,
		ClientSecret: Hidden(s.ClientSecret), KeyID: s.KeyID, ExpiresAt: s.ExpiresAt,
	}, nil
}

// known are the secrets that an invocation came to know.
type known []string

func (k *known) add(secret Hidden) {
	if secret == "" {
		return
	}
	*k = append(*k, string(secret))
	if escaped := url.QueryEscape(string(secret)); escaped != string(secret) {
		*k = append(*k, escaped)
	}
}

// clean takes the secrets out of an error. None should be there; but errors
// quote what services and libraries say.
func (k known) clean(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, secret := range k {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
