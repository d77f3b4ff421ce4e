package kms

import (
	"net/http"
	"strings"
)

// find returns the key that an id, an ARN, an alias or an alias's ARN names. A
// key whose time has come is no more.
func (s *Service) find(all *State, name string) (*Key, error) {
	id := name
	if rest, isARN := strings.CutPrefix(name, "arn:"); isARN {
		fields := strings.SplitN(rest, ":", 5) // partition, service, region, account, resource
		if len(fields) != 5 || fields[1] != "kms" {
			return nil, refusal("InvalidArnException", "Invalid arn %s", name)
		}
		// What belongs to others is not found (the text is a guess).
		if fields[2] != s.Region || fields[3] != s.Account {
			return nil, missing("Invalid arn %s", fields[2])
		}
		id = strings.TrimPrefix(fields[4], "key/")
		if id == fields[4] && !strings.HasPrefix(id, aliasPrefix) {
			return nil, refusal("InvalidArnException", "Invalid arn %s", name)
		}
	}
	if strings.HasPrefix(id, aliasPrefix) {
		alias := all.Aliases[id]
		if alias == nil {
			return nil, missing("Alias %s is not found.", s.arn(id))
		}
		id = alias.KeyID
	}
	key := all.Keys[id]
	switch {
	case key == nil && keyID.MatchString(id), key != nil && s.gone(key):
		return nil, missing("Key '%s' does not exist", s.keyARN(id))
	case key == nil:
		return nil, missing("Invalid keyId %s", name)
	}
	return key, nil
}

// gone reports whether the waiting period of a key is over.
func (s *Service) gone(key *Key) bool {
	return !key.Deletion.IsZero() && !s.Now().Before(key.Deletion)
}

// purge forgets the keys that are gone, with their aliases.
func (s *Service) purge(all *State) {
	for id, key := range all.Keys {
		if s.gone(key) {
			delete(all.Keys, id)
		}
	}
	for name, alias := range all.Aliases {
		if all.Keys[alias.KeyID] == nil {
			delete(all.Aliases, name)
		}
	}
}

// byID finds a key for the operations that take no alias.
func (s *Service) byID(all *State, name string) (*Key, error) {
	if strings.HasPrefix(name, aliasPrefix) || strings.HasPrefix(name, s.arn(aliasPrefix)) {
		return nil, missing("Invalid keyId %s", name)
	}
	return s.find(all, name)
}

// condition says in which states of a key an operation works, see
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html.
type condition int

const (
	anyState   condition = iota
	notPending           // enabled or disabled
	enabled
)

func (s *Service) check(key *Key, want condition) error {
	switch {
	case want >= notPending && !key.Deletion.IsZero():
		return refusal("KMSInvalidStateException", "%s is pending deletion.", s.keyARN(key.ID))
	case want == enabled && !key.Enabled:
		return refusal("DisabledException", "%s is disabled.", s.keyARN(key.ID))
	}
	return nil
}

// lookup is how operations name a key.
type lookup func(all *State, name string) (*Key, error)

// view calls fn with a key that the caller of a request may look at.
func (s *Service) view(r *http.Request, by lookup, name string, want condition, fn func(*Key) error) error {
	var err error
	s.state.View(func(all *State) {
		var key *Key
		if key, err = s.permitted(r, all, by, name, want, nil); err == nil {
			err = fn(key)
		}
	})
	return err
}

// change calls fn with a key that the caller of a request may change.
func (s *Service) change(r *http.Request, name string, want condition, fn func(*Key) error) error {
	return s.state.Update(func(all *State) error {
		key, err := s.permitted(r, all, s.byID, name, want, nil)
		if err != nil {
			return err
		}
		if err := fn(key); err != nil {
			return err
		}
		s.purge(all)
		return nil
	})
}

// permitted returns a key if the caller of a request may do with it what the
// request asks, under the context of the request.
func (s *Service) permitted(
	r *http.Request, all *State, by lookup, name string, want condition, context map[string]string,
) (*Key, error) {
	if name == "" {
		return nil, constraint("null", "keyId", "Member must not be null")
	}
	key, err := by(all, name)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(key, s.caller(r), action(r), context); err != nil {
		return nil, err
	}
	return key, s.check(key, want)
}
