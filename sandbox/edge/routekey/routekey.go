// Package routekey parses the route keys of HTTP APIs, orders them by priority
// and matches paths with them. It knows nothing of the control plane, so that
// the control plane can validate with it what the data plane matches.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
package routekey

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	// Default is the key of the catch-all route.
	Default = "$default"
	// AnyMethod stands for every method that has no route of its own on a path.
	AnyMethod = "ANY"
)

// kind orders the kinds of path segments, the most specific first.
type kind byte

const (
	static kind = iota
	variable
	greedy
)

// segment is a part of a key's path between slashes.
type segment struct {
	kind kind
	text string // what to match, or the variable's name
}

// Key is the parsed key of a route other than [Default]. It is immutable and
// safe for concurrent use.
type Key struct {
	// Method is an HTTP method or [AnyMethod].
	Method   string
	segments []segment
}

var (
	methodForm   = regexp.MustCompile(`^(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$`)
	literalForm  = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,;=:@%-]+$`)
	variableForm = regexp.MustCompile(`^\{([A-Za-z0-9._:-]+)(\+?)\}$`)
)

// ErrForm refuses what is not of the form "METHOD /path" at all.
var ErrForm = errors.New(`want $default or "METHOD /path"`)

// Parse parses "METHOD /path". A path variable is a whole segment, its name
// occurs once, and only the last may be greedy. No segment is empty, so no path
// but "/" ends in a slash (https://github.com/storacha/w3infra/pull/166,
// https://github.com/aws/serverless-application-model/issues/1949). Which
// characters segments may have is a guess.
func Parse(key string) (Key, error) {
	method, path, ok := strings.Cut(key, " ")
	if !ok || !methodForm.MatchString(method) || !strings.HasPrefix(path, "/") {
		return Key{}, fmt.Errorf("route key %q: %w", key, ErrForm)
	}
	words := split(path)
	k := Key{Method: method, segments: make([]segment, len(words))}
	for i, word := range words {
		if literalForm.MatchString(word) {
			k.segments[i] = segment{static, word}
			continue
		}
		parts := variableForm.FindStringSubmatch(word)
		switch {
		case parts == nil:
			return Key{}, fmt.Errorf("route key %q: got the segment %q, want literal text, {name} or a last {name+}", key, word)
		case parts[2] != "" && i < len(words)-1:
			return Key{}, fmt.Errorf("route key %q: the greedy path variable %s must be the last segment", key, word)
		case slices.ContainsFunc(k.segments[:i], func(s segment) bool { return s.kind == variable && s.text == parts[1] }):
			return Key{}, fmt.Errorf("route key %q: path variable %s occurs twice", key, parts[1])
		case parts[2] != "":
			k.segments[i] = segment{greedy, parts[1]}
		default:
			k.segments[i] = segment{variable, parts[1]}
		}
	}
	return k, nil
}

// Conflicts reports whether two keys of one method are the same up to a variable
// that they name differently, such as /a/{x} and /a/{y}/b.
func (k Key) Conflicts(other Key) bool {
	if k.Method != other.Method {
		return false
	}
	for i := range min(len(k.segments), len(other.segments)) {
		if s, o := k.segments[i], other.segments[i]; s != o {
			return s.kind == o.kind && s.kind != static
		}
	}
	return false
}

// split returns the segments of a path that starts with a slash: none for "/",
// and an empty last one for a path that ends in another slash.
func split(path string) []string {
	if path == "/" || path == "" {
		return nil
	}
	return strings.Split(path[1:], "/")
}

// isGreedy reports whether the last segment takes the rest of a path.
func (k Key) isGreedy() bool {
	return len(k.segments) > 0 && k.segments[len(k.segments)-1].kind == greedy
}

// Compare orders keys by priority, the first to be tried before the others.
// AWS documents: a full match comes before a greedy one; a static segment
// before a variable; and a method that is named before ANY on the same path.
// That segments count from the left is a guess, as is what follows from it for
// two greedy routes.
func (k Key) Compare(other Key) int {
	if k.isGreedy() != other.isGreedy() {
		return cmp.Compare(rank(k.isGreedy()), rank(other.isGreedy()))
	}
	byKind := func(a, b segment) int { return cmp.Compare(a.kind, b.kind) }
	return cmp.Or(
		slices.CompareFunc(k.segments, other.segments, byKind),
		cmp.Compare(rank(k.Method == AnyMethod), rank(other.Method == AnyMethod)),
	)
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}
