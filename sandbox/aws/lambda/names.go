package lambda

import (
	"regexp"
	"strings"
)

// The forms of names, see
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html.
var (
	reference = regexp.MustCompile(`^(?:arn:aws:lambda:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?` +
		`([a-zA-Z0-9-_]{1,64})(?::(\$LATEST|[a-zA-Z0-9-_]{1,128}))?$`)
	qualifier = regexp.MustCompile(`^(\$LATEST|[a-zA-Z0-9-_]{1,128})$`)
	number    = regexp.MustCompile(`^[0-9]+$`)
	aliasName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)
)

const latest = "$LATEST"

// ARN returns the name of a function as other services know it.
func (s *Service) ARN(name string) string {
	return "arn:aws:lambda:" + s.Region + ":" + s.Account + ":function:" + name
}

func (s *Service) qualifiedARN(name, qualifier string) string {
	if qualifier == "" {
		return s.ARN(name)
	}
	return s.ARN(name) + ":" + qualifier
}

// refer reads a name, a partial or a full ARN of a function.
func (s *Service) refer(given string) (name, qualifier string, err error) {
	parts := reference.FindStringSubmatch(given)
	if parts == nil || len(given) > 170 {
		return "", "", constraint(given, "functionName", "Member must satisfy regular expression pattern: %s", reference)
	}
	region, account := parts[1], parts[2]
	if region != "" && region != s.Region || account != "" && account != s.Account {
		return "", "", missing("Function not found: %s", given)
	}
	return parts[3], parts[4], nil
}

// named returns the function that a request names, and the qualifier that it
// has in the name or beside it.
func (s *Service) named(c *call) (name, qualified string, err error) {
	name, qualified, err = s.refer(c.PathValue("name"))
	if err != nil {
		return "", "", err
	}
	given := c.URL.Query().Get("Qualifier")
	switch {
	case given == "":
	case !qualifier.MatchString(given):
		return "", "", constraint(given, "qualifier", "Member must satisfy regular expression pattern: %s", qualifier)
	case qualified != "" && qualified != given:
		return "", "", invalid("The derived qualifier from the function name does not match the specified qualifier.")
	default:
		qualified = given
	}
	return name, qualified, nil
}

// unqualified returns the function that a request names, for operations that
// are of the function as a whole.
func (s *Service) unqualified(c *call) (string, error) {
	name, qualified, err := s.named(c)
	if err == nil && qualified != "" {
		err = invalid("This operation does not permit a qualifier: got '%s'", qualified)
	}
	return name, err
}

// view calls fn with a function, which fn must not change.
func (s *Service) view(name string, fn func(*Function) error) error {
	var err error
	s.state.View(func(all *State) {
		function := all.Functions[name]
		if function == nil {
			err = s.noFunction(name, "")
			return
		}
		err = fn(function)
	})
	return err
}

// change calls fn with a function, to change it.
func (s *Service) change(name string, fn func(*Function) error) error {
	return s.state.Update(func(all *State) error {
		function := all.Functions[name]
		if function == nil {
			return s.noFunction(name, "")
		}
		return fn(function)
	})
}

func (s *Service) noFunction(name, qualifier string) error {
	return missing("Function not found: %s", s.qualifiedARN(name, qualifier))
}

// resolve finds the version that a qualifier names.
func (s *Service) resolve(fn *Function, qualifier string) (*Version, error) {
	switch {
	case qualifier == "" || qualifier == latest:
		return fn.Latest, nil
	case fn.Aliases[qualifier] != nil:
		qualifier = fn.Aliases[qualifier].Version
		if qualifier == latest {
			return fn.Latest, nil
		}
	}
	if v := fn.Versions[qualifier]; v != nil {
		return v, nil
	}
	if !number.MatchString(qualifier) && !strings.HasPrefix(qualifier, "$") {
		return nil, missing("Cannot find alias arn: %s", s.qualifiedARN(fn.Name, qualifier))
	}
	return nil, s.noFunction(fn.Name, qualifier)
}
