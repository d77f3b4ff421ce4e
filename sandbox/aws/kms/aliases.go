package kms

import (
	"net/http"
	"regexp"
	"strings"
)

// aliasPrefix is what names of aliases begin with.
const aliasPrefix = "alias/"

// aliasName is the pattern of
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html.
var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

type aliasInput struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

// checkAlias refuses names that nobody or only AWS may give. The codes are
// guesses where the pattern is kept.
func checkAlias(name string) error {
	switch {
	case name == "" || len(name) > 256:
		return constraint(name, "aliasName", "Member must have length between 1 and 256")
	case !strings.HasPrefix(name, aliasPrefix):
		return refusal("ValidationException", "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case !aliasName.MatchString(name):
		return refusal("InvalidAliasNameException", "Alias contains invalid characters for an alias")
	case strings.HasPrefix(name, aliasPrefix+"aws/"):
		return refusal("NotAuthorizedException", "Aliases that begin with alias/aws/ are reserved")
	}
	return nil
}

// mayAlias refuses what an identity may not do with an alias; the key has a
// policy for its part.
func (s *Service) mayAlias(r *http.Request, name string) error {
	if err := checkAlias(name); err != nil {
		return err
	}
	return s.identityAllows(s.caller(r), action(r), s.arn(name), nil)
}

func (s *Service) createAlias(r *http.Request) (any, error) {
	in, err := decode[aliasInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.mayAlias(r, in.AliasName); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		key, err := s.permitted(r, all, s.byID, in.TargetKeyID, notPending, nil)
		if err != nil {
			return err
		}
		if other := all.Aliases[in.AliasName]; other != nil && all.Keys[other.KeyID] != nil && !s.gone(all.Keys[other.KeyID]) {
			return refusal("AlreadyExistsException", "An alias with the name %s already exists", s.arn(in.AliasName))
		}
		s.purge(all)
		all.Aliases[in.AliasName] = &Alias{in.AliasName, key.ID, s.Now(), s.Now()}
		return nil
	})
}

// updateAlias needs the permission for both keys, the old and the new one.
func (s *Service) updateAlias(r *http.Request) (any, error) {
	in, err := decode[aliasInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.mayAlias(r, in.AliasName); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		if _, err := s.permitted(r, all, s.find, in.AliasName, anyState, nil); err != nil {
			return err
		}
		key, err := s.permitted(r, all, s.byID, in.TargetKeyID, notPending, nil)
		if err != nil {
			return err
		}
		alias := all.Aliases[in.AliasName]
		alias.KeyID, alias.Updated = key.ID, s.Now()
		return nil
	})
}

func (s *Service) deleteAlias(r *http.Request) (any, error) {
	in, err := decode[aliasInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.mayAlias(r, in.AliasName); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		if _, err := s.permitted(r, all, s.find, in.AliasName, anyState, nil); err != nil {
			return err
		}
		delete(all.Aliases, in.AliasName)
		return nil
	})
}

type aliasEntry struct {
	AliasName       string
	AliasArn        string
	TargetKeyID     string `json:"TargetKeyId"`
	CreationDate    float64
	LastUpdatedDate float64
}

type aliasesOutput struct {
	Aliases    []aliasEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listAliases(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.identityAllows(s.caller(r), action(r), "*", nil); err != nil {
		return nil, err
	}
	var aliases []aliasEntry
	s.state.View(func(all *State) {
		of := ""
		if in.KeyID != "" {
			var key *Key
			if key, err = s.byID(all, in.KeyID); err != nil {
				return
			}
			of = key.ID
		}
		for name, alias := range all.Aliases {
			key := all.Keys[alias.KeyID]
			if key == nil || s.gone(key) || of != "" && of != key.ID {
				continue
			}
			aliases = append(aliases, aliasEntry{name, s.arn(name), alias.KeyID, seconds(alias.Created), seconds(alias.Updated)})
		}
	})
	if err != nil {
		return nil, err
	}
	aliases, next, err := page(in, aliases, func(a aliasEntry) string { return a.AliasName }, 50, 100)
	return aliasesOutput{aliases, next, next != ""}, err
}
