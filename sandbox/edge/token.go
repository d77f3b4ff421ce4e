package edge

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // RS256
	_ "crypto/sha512" // RS384, RS512
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Descriptions of tokens that cannot be read. The first was seen on AWS; the
// others are guesses in its manner.
const (
	descriptionSegments    = "token contains an invalid number of segments"
	descriptionMalformed   = "token is malformed"
	descriptionNoAlgorithm = "signing method (alg) is unspecified."
	descriptionUnknownAlg  = "signing method (alg) is unavailable."
)

// rsaHashes are the algorithms that are allowed. AWS says "only RSA-based
// algorithms are supported"; that excludes RSASSA-PSS here (a guess).
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
var rsaHashes = map[string]crypto.Hash{"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512}

// refusedAlgorithms are named in the refusal; any other value is not echoed.
var refusedAlgorithms = map[string]bool{
	"none": true, "HS256": true, "HS384": true, "HS512": true, "ES256": true, "ES384": true, "ES512": true,
	"PS256": true, "PS384": true, "PS512": true, "EdDSA": true,
}

// token is a JSON Web Token in compact form, read but not verified.
type token struct {
	keyID     string // empty when there is none
	hash      crypto.Hash
	signed    string // header and payload as they were signed
	signature []byte
	claims    Claims
}

// parseToken reads a token: three segments of unpadded base64url, a header
// with an allowed algorithm, a payload that is a JSON object.
func parseToken(raw string) (*token, *Refusal) {
	segments := strings.Split(raw, ".")
	if len(segments) != 3 {
		return nil, refuseToken(ReasonMalformed, descriptionSegments)
	}
	var header map[string]any
	if err := decodeSegment(segments[0], &header); err != nil || header == nil {
		return nil, refuseToken(ReasonMalformed, descriptionMalformed)
	}
	t := &token{signed: raw[:len(segments[0])+1+len(segments[1])]}
	if err := decodeSegment(segments[1], (*map[string]any)(&t.claims)); err != nil || t.claims == nil {
		return nil, refuseToken(ReasonMalformed, descriptionMalformed)
	}
	// RFC 7515, section 4.1.11: critical extensions that are not understood
	// make a token invalid. What AWS does about them is not documented.
	if _, ok := header["crit"]; ok {
		return nil, refuseToken(ReasonMalformed, descriptionMalformed)
	}
	alg, ok := header["alg"].(string)
	if !ok {
		return nil, refuseToken(ReasonAlgorithm, descriptionNoAlgorithm)
	}
	t.hash, ok = rsaHashes[alg]
	if !ok && refusedAlgorithms[alg] {
		return nil, refuseToken(ReasonAlgorithm, "signing method "+alg+" is invalid") // seen on AWS with ES256
	}
	if !ok {
		return nil, refuseToken(ReasonAlgorithm, descriptionUnknownAlg)
	}
	t.keyID, _ = header["kid"].(string)
	signature, err := decodeBase64(segments[2])
	if err != nil {
		return nil, refuseToken(ReasonMalformed, descriptionMalformed)
	}
	t.signature = signature
	return t, nil
}

// verify checks the signature.
func (t *token) verify(key *rsa.PublicKey) error {
	h := t.hash.New()
	_, _ = io.WriteString(h, t.signed) // a hash never fails
	return rsa.VerifyPKCS1v15(key, t.hash, h.Sum(nil), t.signature)
}

// decodeSegment decodes one JSON value in base64url, as [decodeJSON] does.
func decodeSegment(segment string, into any) error {
	raw, err := decodeBase64(segment)
	if err != nil {
		return err
	}
	return decodeJSON(raw, into)
}

// decodeJSON decodes one JSON value and keeps numbers as they are written. Of
// a name that occurs twice the last value counts.
func decodeJSON(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON value")
	}
	return nil
}

// decodeBase64 refuses padding, as RFC 7515 does, and line breaks, which the
// standard library would skip.
func decodeBase64(segment string) ([]byte, error) {
	if strings.ContainsAny(segment, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	return base64.RawURLEncoding.DecodeString(segment)
}
