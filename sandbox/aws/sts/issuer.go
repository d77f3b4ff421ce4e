package sts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// algorithms are those of web identity tokens, and how their keys are made.
var algorithms = map[string]func() (crypto.Signer, error){
	string(jose.RS256): func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	string(jose.ES384): func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
}

// key is a key that signs tokens.
type key struct {
	ID        string `json:"id"`
	Algorithm string `json:"algorithm"`
	PKCS8     []byte `json:"pkcs8"`
}

func (k *key) private() (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return nil, fmt.Errorf("key %s of the issuer: %w", k.ID, err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key %s of the issuer: got %T, want a key that signs", k.ID, parsed)
	}
	return signer, nil
}

// keys returns one key of each algorithm; at first they are made.
func (s *Service) keys() ([]key, error) {
	var all []key
	copied := func(state *State) {
		for _, each := range state.Keys {
			all = append(all, *each)
		}
	}
	s.state.View(copied)
	if len(all) == len(algorithms) {
		return all, nil
	}
	err := s.state.Update(func(state *State) error {
		var made []*key
		for _, name := range slices.Sorted(maps.Keys(algorithms)) {
			if slices.ContainsFunc(state.Keys, func(k *key) bool { return k.Algorithm == name }) {
				continue
			}
			private, err := algorithms[name]()
			if err != nil {
				return fmt.Errorf("making a key of the issuer: %w", err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(private)
			if err != nil {
				return fmt.Errorf("making a key of the issuer: %w", err)
			}
			made = append(made, &key{ID: uuid.NewString(), Algorithm: name, PKCS8: der})
		}
		state.Keys = append(state.Keys, made...)
		all = nil
		copied(state)
		return nil
	})
	return all, err
}

// sign makes a token of claims.
func (s *Service) sign(algorithm string, claims map[string]any) (string, error) {
	keys, err := s.keys()
	if err != nil {
		return "", err
	}
	for _, each := range keys {
		if each.Algorithm != algorithm {
			continue
		}
		private, err := each.private()
		if err != nil {
			return "", err
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: private},
			(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", each.ID))
		if err != nil {
			return "", fmt.Errorf("signing a web identity token: %w", err)
		}
		return jwt.Signed(signer).Claims(claims).Serialize()
	}
	return "", fmt.Errorf("signing a web identity token: no key for %s", algorithm)
}

// Issuer serves what others verify web identity tokens with: the discovery
// document and the key set of the account's issuer. It goes on when outbound
// identity federation is turned off, which "does not affect tokens that were
// issued before"
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DisableOutboundWebIdentityFederation.html).
func (s *Service) Issuer() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		issuer, _ := s.Roles.Federation()
		address, err := url.Parse(issuer)
		if err != nil || issuer == "" {
			http.NotFound(w, r)
			return
		}
		path, ok := strings.CutPrefix(r.URL.Path, address.Path+"/.well-known/")
		switch {
		case !ok || path != "openid-configuration" && path != "jwks.json":
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		case path == "jwks.json":
			s.serveKeys(w)
		default:
			writeDocument(w, map[string]any{
				"issuer":                                issuer,
				"jwks_uri":                              issuer + "/.well-known/jwks.json",
				"response_types_supported":              []string{"id_token"},
				"subject_types_supported":               []string{"public"},
				"id_token_signing_alg_values_supported": slices.Sorted(maps.Keys(algorithms)),
			})
		}
	})
}

func (s *Service) serveKeys(w http.ResponseWriter) {
	keys, err := s.keys()
	set := jose.JSONWebKeySet{}
	for _, each := range keys {
		private, keyErr := each.private()
		if keyErr != nil {
			err = keyErr
			break
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: private.Public(), KeyID: each.ID, Algorithm: each.Algorithm, Use: "sig"})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeDocument(w, set)
}

func writeDocument(w http.ResponseWriter, document any) {
	raw, err := json.Marshal(document)
	if err != nil {
		http.Error(w, "encoding the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw) // the client may have gone
}
