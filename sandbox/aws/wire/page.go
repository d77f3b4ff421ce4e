package wire

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// ErrToken says that a pagination token was not issued by [Page].
var ErrToken = errors.New("invalid pagination token")

// Page returns up to limit of the items that follow token, and the token of
// the next page, which is empty after the last one. key must be unique: the
// items are ordered by it, so pages stay consistent while others come and go.
func Page[T any](items []T, key func(T) string, token string, limit int) (page []T, next string, err error) {
	after := ""
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return nil, "", ErrToken
		}
		after = string(raw)
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
	return page, base64.RawURLEncoding.EncodeToString([]byte(key(page[limit-1]))), nil
}
