package diagnose

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// cleanToken takes off what surrounds a token in files and shells.
func cleanToken(text string) string {
	const scheme = "bearer "
	for {
		before := text
		text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
		if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
			text = text[1 : n-1]
		}
		if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
			text = text[len(scheme):]
		}
		if text == before {
			return text
		}
	}
}

// token is a token as it is, and what can be read of it without a look at its
// signature, more leniently than the gateway reads: to say what it is.
type token struct {
	raw    string
	header map[string]any // nil: cannot be read
	claims map[string]any // nil: cannot be read; numbers are [json.Number]
	form   form
}

// form is what is wrong with the form of a token.
type form string

const (
	formJSON      form = "json"      // a JSON document
	formEncrypted form = "encrypted" // five segments
	formRefresh   form = "refresh"   // most likely a refresh token
	formCut       form = "cut"       // a header, and not three segments
	formOpaque    form = "opaque"    // something else
	formSpace     form = "space"     // white space within
	formEncoding  form = "encoding"  // not base64url
	formHeader    form = "header"    // not JSON
	formClaims    form = "claims"    // not JSON
	formCritical  form = "critical"  // has extensions that must be understood
)

// refreshToken begins like the refresh tokens and codes of Entra that are seen,
// and those of personal accounts (a guess: Microsoft says that they are opaque).
var refreshToken = regexp.MustCompile(`^([01]\.A|M\.[A-Z]\d)`)

func parseToken(raw string) token {
	t := token{raw: raw}
	fields := strings.Fields(raw)
	segments := strings.Split(strings.Join(fields, ""), ".")
	t.header, _ = readSegment(segments[0])
	_, encrypted := t.header["enc"]
	switch {
	case strings.HasPrefix(raw, "{"):
		t.form = formJSON
	case len(segments) == 5 && encrypted:
		t.form = formEncrypted
	case t.header == nil && refreshToken.MatchString(raw):
		t.form = formRefresh
	case len(segments) != 3 && t.header != nil:
		t.form = formCut
	case len(segments) != 3:
		t.form = formOpaque
	default:
		t.claims, _ = readSegment(segments[1])
		t.form = formOf(t, segments, len(fields) > 1)
	}
	return t
}

// formOf says what is wrong with a token of three segments.
func formOf(t token, segments []string, spaced bool) form {
	_, critical := t.header["crit"]
	switch {
	case spaced:
		return formSpace
	case !isBase64(segments[0]) || !isBase64(segments[1]) || !isBase64(segments[2]):
		return formEncoding
	case t.header == nil:
		return formHeader
	case t.claims == nil:
		return formClaims
	case critical:
		return formCritical
	}
	return ""
}

func isBase64(segment string) bool {
	_, err := base64.RawURLEncoding.DecodeString(segment)
	return err == nil
}

// readSegment reads a JSON object in base64url, with padding or without.
func readSegment(segment string) (map[string]any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(segment, "="))
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON value")
	}
	return object, nil
}

// text is a claim that is text, or "".
func (t token) text(name string) string {
	text, _ := t.claims[name].(string)
	return text
}

// has reports whether the token has any of the claims.
func (t token) has(names ...string) bool {
	for _, name := range names {
		if _, ok := t.claims[name]; ok {
			return true
		}
	}
	return false
}

// list is a claim as texts: its own, or those of an array.
func (t token) list(name string) []string {
	switch value := t.claims[name].(type) {
	case string:
		return []string{value}
	case []any:
		var texts []string
		for _, element := range value {
			if text, ok := element.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// scopes are those of scp.
func (t token) scopes() []string {
	var scopes []string
	for _, text := range t.list("scp") {
		scopes = append(scopes, strings.Fields(text)...)
	}
	return scopes
}

// clientID is who asked Entra for the token: azp, or appid in a v1 token.
func (t token) clientID() string {
	if id := t.text("azp"); id != "" {
		return id
	}
	return t.text("appid")
}

// keyID is kid of the header, or "".
func (t token) keyID() string {
	id, _ := t.header["kid"].(string)
	return id
}

// shownClaims are those that a report shows: what tells tokens apart, and the
// ids that the access log has too.
var shownClaims = []string{
	"iss", "aud", "exp", "nbf", "iat", "ver", "tid", "azp", "appid", "idtyp", "scp", "roles", "oid",
}

// shown are the claims that a report shows, made safe to print.
func (t token) shown() map[string]any {
	shown := map[string]any{}
	for _, name := range shownClaims {
		switch value := t.claims[name].(type) {
		case string:
			shown[name] = t.tidy(value)
		case json.Number:
			shown[name] = value
			if len(value) > maxShownDigits {
				shown[name] = clip(value.String())
			}
		case []any:
			shown[name] = t.tidyAll(t.list(name))
		}
	}
	return shown
}

// Bounds of what a report repeats: claims come from whoever made the token.
const (
	maxShownRunes  = 200
	maxShownTexts  = 20
	maxShownDigits = 20
)

// tidy makes text of a token safe to show. Whatever repeats a part of the token
// itself, as none of Entra's does, is left out.
func (t token) tidy(text string) string {
	for segment := range strings.SplitSeq(t.raw, ".") {
		const telling = 16 // shorter ones are in ordinary text too
		if len(segment) >= telling && strings.Contains(text, segment) {
			return "(a part of the token)"
		}
	}
	return clip(text)
}

func (t token) tidyAll(texts []string) []string {
	tidied := make([]string, 0, min(len(texts), maxShownTexts+1))
	for i, text := range texts {
		if i == maxShownTexts {
			return append(tidied, "…")
		}
		tidied = append(tidied, t.tidy(text))
	}
	return tidied
}

// clip shortens text and takes out what a terminal might obey.
func clip(text string) string {
	runes := []rune(strings.ToValidUTF8(text, "�"))
	cut := len(runes) > maxShownRunes
	if cut {
		runes = runes[:maxShownRunes]
	}
	for i, r := range runes {
		if unprintable(r) {
			runes[i] = '�'
		}
	}
	if cut {
		return string(runes) + "…"
	}
	return string(runes)
}

func unprintable(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) }
