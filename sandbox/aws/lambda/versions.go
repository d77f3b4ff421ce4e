package lambda

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// publish makes a version of the newest code and settings, or returns the last
// one if they are still the same.
func (f *Function) publish(description string) *Version {
	if last := f.Versions[strconv.Itoa(f.Published)]; last != nil && f.PublishedRevision == f.Latest.RevisionID {
		return last
	}
	v := *f.Latest
	f.Published++
	f.PublishedRevision = f.Latest.RevisionID
	v.Version, v.RevisionID = strconv.Itoa(f.Published), uuid.NewString()
	if description != "" {
		v.Description = description
	}
	f.Versions[v.Version] = &v
	return &v
}

// every returns all versions, the newest code first and then in order.
func (f *Function) every() []*Version {
	all := []*Version{f.Latest}
	for _, n := range slices.SortedFunc(maps.Keys(f.Versions), func(a, b string) int { return strings.Compare(order(a), order(b)) }) {
		all = append(all, f.Versions[n])
	}
	return all
}

// order is the key that versions are sorted by: $LATEST before all.
func order(version string) string {
	n, err := strconv.Atoi(version)
	if err != nil {
		n = 0
	}
	return fmt.Sprintf("%020d", n)
}

type publishInput struct {
	CodeSha256  string
	Description string
	PublishTo   string
	RevisionID  string `json:"RevisionId"`
}

func checkDescription(description string) error {
	if utf8.RuneCountInString(description) > 256 {
		return constraint(description, "description", "Member must have length less than or equal to 256")
	}
	return nil
}

func (s *Service) publishVersion(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[publishInput](c)
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, wire.NotImplemented("PublishTo")
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	var answer configuration
	return &answer, s.change(name, func(fn *Function) error {
		if in.CodeSha256 != "" && in.CodeSha256 != fn.Latest.CodeSHA256 {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, fn.Latest.CodeSHA256)
		}
		if err := checkRevision(in.RevisionID, fn.Latest.RevisionID); err != nil {
			return err
		}
		v := fn.publish(in.Description)
		answer = s.answer(fn, v, v.Version)
		return nil
	})
}

type versionsOutput struct {
	Versions   []configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) listVersions(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	var found []configuration
	err = s.view(name, func(fn *Function) error {
		for _, v := range fn.every() {
			found = append(found, s.answer(fn, v, v.Version))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found, next, err := page(c, found, 50, func(v configuration) string { return order(v.Version) })
	return versionsOutput{found, next}, err
}

type aliasInput struct {
	Name            string
	FunctionVersion *string
	Description     *string
	RevisionID      string `json:"RevisionId"`
	RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
}

type aliasAnswer struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RevisionID      string `json:"RevisionId"`
}

func (s *Service) aliasAnswer(function string, alias *Alias) aliasAnswer {
	return aliasAnswer{s.qualifiedARN(function, alias.Name), alias.Name, alias.Version, alias.Description, alias.RevisionID}
}

// check refuses what an alias cannot name.
func (in aliasInput) check(s *Service, fn *Function) error {
	if len(in.RoutingConfig.AdditionalVersionWeights) > 0 {
		return wire.NotImplemented("an alias of two versions")
	}
	if in.Description != nil {
		if err := checkDescription(*in.Description); err != nil {
			return err
		}
	}
	if v := in.FunctionVersion; v != nil && *v != latest {
		if !number.MatchString(*v) {
			return constraint(*v, "functionVersion", "Member must satisfy regular expression pattern: (\\$LATEST|[0-9]+)")
		}
		if fn.Versions[*v] == nil {
			return s.noFunction(fn.Name, *v)
		}
	}
	return nil
}

func (s *Service) createAlias(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[aliasInput](c)
	if err != nil {
		return nil, err
	}
	if !aliasName.MatchString(in.Name) || number.MatchString(in.Name) {
		return nil, constraint(in.Name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
	}
	if in.FunctionVersion == nil {
		return nil, constraint("null", "functionVersion", "Member must not be null")
	}
	var answer aliasAnswer
	return &answer, s.change(name, func(fn *Function) error {
		if err := in.check(s, fn); err != nil {
			return err
		}
		if fn.Aliases[in.Name] != nil {
			return conflict("Alias already exists: %s", s.qualifiedARN(name, in.Name))
		}
		alias := &Alias{Name: in.Name, Version: *in.FunctionVersion, RevisionID: uuid.NewString()}
		set(&alias.Description, in.Description)
		fn.Aliases[in.Name] = alias
		answer = s.aliasAnswer(name, alias)
		return nil
	})
}

func (s *Service) noAlias(function, alias string) error {
	return missing("Cannot find alias arn: %s", s.qualifiedARN(function, alias))
}

func (s *Service) getAlias(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	var answer aliasAnswer
	return &answer, s.view(name, func(fn *Function) error {
		alias := fn.Aliases[c.PathValue("alias")]
		if alias == nil {
			return s.noAlias(name, c.PathValue("alias"))
		}
		answer = s.aliasAnswer(name, alias)
		return nil
	})
}

func (s *Service) updateAlias(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[aliasInput](c)
	if err != nil {
		return nil, err
	}
	var answer aliasAnswer
	return &answer, s.change(name, func(fn *Function) error {
		alias := fn.Aliases[c.PathValue("alias")]
		if alias == nil {
			return s.noAlias(name, c.PathValue("alias"))
		}
		if err := in.check(s, fn); err != nil {
			return err
		}
		if err := checkRevision(in.RevisionID, alias.RevisionID); err != nil {
			return err
		}
		next := *alias
		set(&next.Version, in.FunctionVersion)
		set(&next.Description, in.Description)
		next.RevisionID = uuid.NewString()
		fn.Aliases[next.Name] = &next
		answer = s.aliasAnswer(name, &next)
		return nil
	})
}

// deleteAlias succeeds when there is no such alias, as AWS does.
func (s *Service) deleteAlias(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	return nil, s.change(name, func(fn *Function) error {
		delete(fn.Aliases, c.PathValue("alias"))
		delete(fn.Policies, c.PathValue("alias"))
		return nil
	})
}

type aliasesOutput struct {
	Aliases    []aliasAnswer
	NextMarker string `json:",omitempty"`
}

func (s *Service) listAliases(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	version := c.URL.Query().Get("FunctionVersion")
	var found []aliasAnswer
	err = s.view(name, func(fn *Function) error {
		for _, alias := range fn.Aliases {
			if version == "" || version == alias.Version {
				found = append(found, s.aliasAnswer(name, alias))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found, next, err := page(c, found, 50, func(a aliasAnswer) string { return a.Name })
	return aliasesOutput{found, next}, err
}
