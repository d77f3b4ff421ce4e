package logs

import (
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/logs/insights"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
// and of https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html.
const (
	maxDefinitions = 1000
	maxQuery       = 10_000 // characters
	queryLanguage  = "CWLI" // Logs Insights QL
)

// Definition is a saved query.
type Definition struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Query         string   `json:"query"`
	LogGroupNames []string `json:"logGroupNames,omitempty"`
	Modified      int64    `json:"modified"`        // ms since 1970
	Token         string   `json:"token,omitempty"` // of the request that made it
}

type definitionInput struct {
	Name              string            `json:"name"`
	QueryString       string            `json:"queryString"`
	LogGroupNames     []string          `json:"logGroupNames"`
	QueryDefinitionID string            `json:"queryDefinitionId"`
	ClientToken       string            `json:"clientToken"`
	QueryLanguage     string            `json:"queryLanguage"`
	Parameters        []queryParameters `json:"parameters"`
}

// queryParameters are not implemented, whatever is in them.
type queryParameters struct{}

type definitionOutput struct {
	QueryDefinitionID string `json:"queryDefinitionId"`
}

var (
	definitionName = regexp.MustCompile(`^[^:*/]+(/[^:*/]+)*$`)
	clientToken    = regexp.MustCompile(`^\S{36,128}$`)
)

// putQueryDefinition makes a definition, or replaces all of the one with the id.
// A request with the token of one that made a definition is that again. That a
// query which cannot be read is refused is a guess, and so is that the groups
// need not be there.
func (s *Service) putQueryDefinition(r *http.Request) (any, error) {
	in, err := decode[definitionInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	made := &Definition{
		ID: in.QueryDefinitionID, Name: in.Name, Query: in.QueryString, LogGroupNames: in.LogGroupNames,
		Modified: s.millis(), Token: in.ClientToken,
	}
	err = s.state.Update(func(all *State) error {
		if made.ID != "" {
			current := all.Definitions[made.ID]
			if current == nil {
				return missing("query definition")
			}
			made.Token = current.Token
			all.Definitions[made.ID] = made
			return nil
		}
		for id, each := range all.Definitions {
			if each.Token != "" && each.Token == made.Token {
				made.ID = id
				return nil
			}
		}
		if len(all.Definitions) >= maxDefinitions {
			return refusal("LimitExceededException", "Resource limit exceeded: an account has at most %d query definitions.", maxDefinitions)
		}
		made.ID = uuid.NewString()
		all.Definitions[made.ID] = made
		return nil
	})
	return definitionOutput{made.ID}, err
}

func (in definitionInput) check() error {
	switch {
	case len(in.Parameters) > 0:
		return wire.NotImplemented("parameters of query definitions")
	case len(in.Name) > 255 || !definitionName.MatchString(in.Name):
		return invalid("name: got %q, want 1 to 255 characters without : and *, of which neither the first nor the last is /", in.Name)
	case in.ClientToken != "" && !clientToken.MatchString(in.ClientToken):
		return invalid("1 validation error detected: Value '%s' at 'clientToken' failed to satisfy constraint: Member must satisfy regular expression pattern: \\S{36,128}", in.ClientToken)
	}
	if err := checkLanguage(in.QueryLanguage); err != nil {
		return err
	}
	for _, group := range in.LogGroupNames {
		if err := checkGroupName(group); err != nil {
			return err
		}
	}
	if err := checkQueryLength(in.QueryString); err != nil {
		return err
	}
	if _, err := insights.Parse(in.QueryString); err != nil {
		return invalid("queryString: %v", err)
	}
	return nil
}

func checkLanguage(language string) error {
	if language != "" && language != queryLanguage {
		return wire.NotImplemented("queryLanguage " + language)
	}
	return nil
}

func checkQueryLength(text string) error {
	if n := utf8.RuneCountInString(text); n < 1 || n > maxQuery {
		return invalid("queryString: got %d characters, want 1 to %d", n, maxQuery)
	}
	return nil
}

type describeDefinitionsInput struct {
	Prefix        string `json:"queryDefinitionNamePrefix"`
	MaxResults    *int   `json:"maxResults"`
	NextToken     string `json:"nextToken"`
	QueryLanguage string `json:"queryLanguage"`
}

type definitionAnswer struct {
	QueryDefinitionID string   `json:"queryDefinitionId"`
	Name              string   `json:"name"`
	QueryString       string   `json:"queryString"`
	LogGroupNames     []string `json:"logGroupNames,omitempty"`
	LastModified      int64    `json:"lastModified"`
	QueryLanguage     string   `json:"queryLanguage"`
}

type describeDefinitionsOutput struct {
	QueryDefinitions []definitionAnswer `json:"queryDefinitions"`
	NextToken        string             `json:"nextToken,omitempty"`
}

// describeQueryDefinitions lists definitions by name (the order is a guess, and
// so is the number that a page has unless the request says).
func (s *Service) describeQueryDefinitions(r *http.Request) (any, error) {
	in, err := decode[describeDefinitionsInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkLanguage(in.QueryLanguage); err != nil {
		return nil, err
	}
	limit, err := limit(in.MaxResults, 1000, 1000)
	if err != nil {
		return nil, err
	}
	var found []definitionAnswer
	s.state.View(func(all *State) {
		for id, each := range all.Definitions {
			if strings.HasPrefix(each.Name, in.Prefix) {
				found = append(found, definitionAnswer{id, each.Name, each.Query, each.LogGroupNames, each.Modified, queryLanguage})
			}
		}
	})
	key := func(d definitionAnswer) string { return d.Name + "\x00" + d.QueryDefinitionID }
	page, next, err := wire.Page(found, key, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return describeDefinitionsOutput{page, next}, nil
}

// succeeded answers an operation that says only so.
type succeeded struct {
	Success bool `json:"success"`
}

func (s *Service) deleteQueryDefinition(r *http.Request) (any, error) {
	in, err := decode[definitionInput](r)
	if err != nil {
		return nil, err
	}
	return succeeded{true}, s.state.Update(func(all *State) error {
		if all.Definitions[in.QueryDefinitionID] == nil {
			return missing("query definition")
		}
		delete(all.Definitions, in.QueryDefinitionID)
		return nil
	})
}
