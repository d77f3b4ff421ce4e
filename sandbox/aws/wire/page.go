package wire

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// ErrToken says that a pagination token was not issued by [Page].
var ErrToken = errors.New("invalid pagination token")

// tokenPrefix tells tokens from other texts that happen to be base64.
const tokenPrefix = "after:"

// Page returns up to limit of the items that follow token, and the token of
// the next page, which is empty after the last one. key must be unique: the
// items are ordered by it, so pages stay consistent while others come and go.
func Page[T any](items []T, key func(T) string, token string, limit int) (page []T, next string, err error) {
	after := ""
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		var issued bool
		after, issued = strings.CutPrefix(string(raw), tokenPrefix)
		if err != nil || !issued || after == "" {
			return nil, "", ErrToken
		}
	}
	page = []T{}
	for _, item := range items {
		if token == "" || key(item) > after {
			page = append(page, item)
		}
	}
	slices.SortFunc(page, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if len(page) <= limit {
		return page, "", nil
	}
	page = page[:limit]
	return page, base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + key(page[limit-1]))), nil
}
