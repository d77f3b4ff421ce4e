package events

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
// and https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html.
const (
	maxEntries = 100
	maxTargets = 5 // of a rule
	maxInput   = 8192
)

var (
	targetARN = regexp.MustCompile(`^arn:aws:([a-z0-9-]+):[a-z0-9-]*:\d{12}:.+$`)
	inputPath = regexp.MustCompile(`^\$(\.[A-Za-z0-9_-]+)*$`)
)

// target is what a rule calls. What is not read is kept as it was given.
type target struct {
	ID               string          `json:"Id"`
	ARN              string          `json:"Arn"`
	RoleARN          string          `json:"RoleArn,omitempty"`
	Input            *string         `json:",omitempty"`
	InputPath        *string         `json:",omitempty"`
	RetryPolicy      json.RawMessage `json:",omitempty"`
	DeadLetterConfig json.RawMessage `json:",omitempty"`
	SQSParameters    json.RawMessage `json:"SqsParameters,omitempty"`
}

// targetInput has the members that are refused too.
type targetInput struct {
	target
	InputTransformer            json.RawMessage
	KinesisParameters           json.RawMessage
	RunCommandParameters        json.RawMessage
	ECSParameters               json.RawMessage `json:"EcsParameters"`
	BatchParameters             json.RawMessage
	HTTPParameters              json.RawMessage `json:"HttpParameters"`
	RedshiftDataParameters      json.RawMessage
	SageMakerPipelineParameters json.RawMessage
	AppSyncParameters           json.RawMessage
}

func (t targetInput) check() error {
	if err := checkName(t.ID, "targets.id"); err != nil {
		return err
	}
	parts := targetARN.FindStringSubmatch(t.ARN)
	if parts == nil {
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.ARN)
	}
	if !slices.Contains([]string{"lambda", "sqs", "sns"}, parts[1]) {
		return wire.NotImplemented("a target of the service " + parts[1])
	}
	given := 0
	for _, is := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	case t.Input != nil && len(*t.Input) > maxInput:
		return constraint("...", "targets.input", "Member must have length less than or equal to 8192")
	case t.Input != nil && !json.Valid([]byte(*t.Input)):
		return invalid("JSON syntax error in input for target %s", t.ID)
	case t.InputPath != nil && !strings.HasPrefix(*t.InputPath, "$"):
		return invalid("Invalid InputPath for target %s : must begin with $.", t.ID)
	case t.InputPath != nil && !inputPath.MatchString(*t.InputPath):
		return wire.NotImplemented("the input path " + *t.InputPath)
	}
	for _, other := range []json.RawMessage{
		t.InputTransformer, t.KinesisParameters, t.RunCommandParameters, t.ECSParameters, t.BatchParameters, t.HTTPParameters,
		t.RedshiftDataParameters, t.SageMakerPipelineParameters, t.AppSyncParameters,
	} {
		if other != nil {
			return wire.NotImplemented("a target with an input transformer or parameters of another service")
		}
	}
	return nil
}

type targetsInput struct {
	Rule         string
	EventBusName string
	Targets      []targetInput
	IDs          []string `json:"Ids"`
}

// entriesOutput never has failed entries: what is wrong refuses all of them.
type entriesOutput struct {
	FailedEntryCount int
	FailedEntries    []struct{}
}

func (s *Service) putTargets(r *http.Request) (any, error) {
	in, err := decode[targetsInput](r)
	if err != nil {
		return nil, err
	}
	if n := len(in.Targets); n < 1 || n > maxEntries {
		return nil, constraint("...", "targets", "Member must have length between 1 and 100")
	}
	for _, each := range in.Targets {
		if err := each.check(); err != nil {
			return nil, err
		}
	}
	return entriesOutput{FailedEntries: []struct{}{}}, s.change(in.EventBusName, in.Rule, func(rule *Rule) error {
		targets := slices.Clone(rule.Targets)
		for _, each := range in.Targets {
			targets = slices.DeleteFunc(targets, func(t target) bool { return t.ID == each.ID })
			targets = append(targets, each.target)
		}
		if len(targets) > maxTargets {
			return refusal("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		slices.SortFunc(targets, func(a, b target) int { return cmp.Compare(a.ID, b.ID) })
		rule.Targets = targets
		return nil
	})
}

// removeTargets takes ids that are not there (a guess).
func (s *Service) removeTargets(r *http.Request) (any, error) {
	in, err := decode[targetsInput](r)
	if err != nil {
		return nil, err
	}
	if n := len(in.IDs); n < 1 || n > maxEntries {
		return nil, constraint("...", "ids", "Member must have length between 1 and 100")
	}
	return entriesOutput{FailedEntries: []struct{}{}}, s.change(in.EventBusName, in.Rule, func(rule *Rule) error {
		rule.Targets = slices.DeleteFunc(slices.Clone(rule.Targets), func(t target) bool { return slices.Contains(in.IDs, t.ID) })
		return nil
	})
}

type targetsOutput struct {
	Targets   []target
	NextToken string `json:",omitempty"`
}

func (s *Service) listTargetsByRule(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	var targets []target
	err = s.view(in.EventBusName, in.Rule, func(rule *Rule) error {
		targets = rule.Targets // replaced when it changes
		return nil
	})
	if err != nil {
		return nil, err
	}
	targets, next, err := page(targets, func(t target) string { return t.ID }, in.NextToken, in.Limit)
	return targetsOutput{targets, next}, err
}

type ruleNamesOutput struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

func (s *Service) listRuleNamesByTarget(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	var names []string
	s.state.View(func(all *State) {
		for name, rule := range all.Rules {
			if slices.ContainsFunc(rule.Targets, func(t target) bool { return t.ARN == in.TargetARN }) {
				names = append(names, name)
			}
		}
	})
	names, next, err := page(names, func(name string) string { return name }, in.NextToken, in.Limit)
	return ruleNamesOutput{names, next}, err
}
