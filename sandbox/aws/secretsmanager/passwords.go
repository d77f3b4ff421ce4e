package secretsmanager

import (
	"net/http"
	"strings"
)

type passwordInput struct {
	PasswordLength          *int
	ExcludeCharacters       string
	ExcludeLowercase        bool
	ExcludeUppercase        bool
	ExcludeNumbers          bool
	ExcludePunctuation      bool
	IncludeSpace            bool
	RequireEachIncludedType *bool
}

type passwordOutput struct{ RandomPassword string }

// types are the characters of each type that is wanted.
func (in passwordInput) types() []string {
	var types []string
	for _, each := range []struct {
		wanted     bool
		characters string
	}{
		{!in.ExcludeLowercase, "abcdefghijklmnopqrstuvwxyz"},
		{!in.ExcludeUppercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{!in.ExcludeNumbers, "0123456789"},
		{!in.ExcludePunctuation, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{in.IncludeSpace, " "},
	} {
		left := strings.Map(func(c rune) rune {
			if strings.ContainsRune(in.ExcludeCharacters, c) {
				return -1
			}
			return c
		}, each.characters)
		if each.wanted && left != "" {
			types = append(types, left)
		}
	}
	return types
}

func (s *Service) getRandomPassword(r *http.Request) (any, error) {
	in, err := decode[passwordInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.decide(s.Caller(r), "GetRandomPassword", "*", target{ARN: "*"}, nil); err != nil {
		return nil, err
	}
	length, types := 32, in.types()
	if in.PasswordLength != nil {
		length = *in.PasswordLength
	}
	switch {
	case length < 1 || length > 4096:
		return nil, constraint("passwordLength", "Member must have value between 1 and 4096")
	case len(in.ExcludeCharacters) > 4096:
		return nil, constraint("excludeCharacters", "Member must have length less than or equal to 4096")
	case len(types) == 0:
		return nil, invalidParameter("There are no valid characters to generate the password.")
	}
	each := in.RequireEachIncludedType == nil || *in.RequireEachIncludedType
	if each && length < len(types) {
		return nil, invalidParameter("Password length is too short based on the required types.")
	}
	for {
		password := random(strings.Join(types, ""), length)
		complete := true
		for _, characters := range types {
			complete = complete && strings.ContainsAny(password, characters)
		}
		if complete || !each {
			return passwordOutput{password}, nil
		}
	}
}
