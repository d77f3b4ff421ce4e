package events

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

// Limits of https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
// and https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html.
const (
	maxDescription = 512
	maxSchedule    = 256
	maxRules       = 300
)

// States of a rule.
const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
	// ofTrails is for patterns on CloudTrail's events.
	ofTrails = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

type tag struct{ Key, Value string }

type ruleInput struct {
	Name               string
	Description        string
	EventBusName       string
	EventPattern       string
	ScheduleExpression string
	State              string
	RoleARN            string `json:"RoleArn"`
	Tags               []tag
	Force              bool
}

func (in ruleInput) check() error {
	if err := checkName(in.Name, "name"); err != nil {
		return err
	}
	switch {
	case utf8.RuneCountInString(in.Description) > maxDescription:
		return constraint("...", "description", "Member must have length less than or equal to 512")
	case len(in.ScheduleExpression) > maxSchedule:
		return constraint("...", "scheduleExpression", "Member must have length less than or equal to 256")
	case in.State != "" && !slices.Contains([]string{enabled, disabled, ofTrails}, in.State):
		return constraint(in.State, "state", "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	case in.RoleARN != "" && !strings.HasPrefix(in.RoleARN, "arn:aws:iam::"):
		return invalid("Parameter RoleArn is not valid. Reason: Provided Arn is not in correct format.")
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if in.ScheduleExpression != "" {
		if _, err := parseSchedule(in.ScheduleExpression); err != nil {
			return invalid("Parameter ScheduleExpression is not valid.")
		}
	}
	if in.EventPattern != "" {
		if reason := checkPattern(in.EventPattern); reason != "" {
			return refusal("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", reason)
		}
	}
	return nil
}

type ruleARNOutput struct{ RuleArn string }

// putRule replaces all of a rule but its targets and tags.
func (s *Service) putRule(r *http.Request) (any, error) {
	in, err := decode[ruleInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	if in.State == "" {
		in.State = enabled
	}
	return ruleARNOutput{s.RuleARN(in.Name)}, s.state.Update(func(all *State) error {
		before := all.Rules[in.Name]
		rule := &Rule{
			Name: in.Name, Description: in.Description, Pattern: in.EventPattern, Schedule: in.ScheduleExpression, State: in.State,
			Role: in.RoleARN, Tags: tags, Targets: []target{},
		}
		switch {
		case before != nil:
			rule.Tags, rule.Targets, rule.Called, rule.Failed = before.Tags, before.Targets, before.Called, before.Failed
			if before.Schedule == rule.Schedule {
				rule.Next = before.Next
			}
		case len(all.Rules) >= maxRules:
			return refusal("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		rule.plan(s.Now())
		all.Rules[in.Name] = rule
		return nil
	})
}

// plan sets when a rule is due, if it is not set yet. That a rate counts from
// when the rule is put or enabled is documented for new rules only.
func (r *Rule) plan(now time.Time) {
	if r.Schedule == "" || r.State == disabled {
		r.Next = time.Time{}
		return
	}
	if !r.Next.IsZero() {
		return
	}
	if schedule, err := parseSchedule(r.Schedule); err == nil { // it was checked when it was put
		r.Next = schedule.next(now, now)
	}
}

func (s *Service) describeRule(r *http.Request) (any, error) {
	in, err := decode[ruleInput](r)
	if err != nil {
		return nil, err
	}
	var out ruleOutput
	err = s.view(in.EventBusName, in.Name, func(rule *Rule) error {
		out = s.describe(rule)
		out.CreatedBy = s.Account
		return nil
	})
	return out, err
}

type ruleOutput struct {
	Name               string
	Arn                string
	Description        string `json:",omitempty"`
	EventBusName       string
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	RoleARN            string `json:"RoleArn,omitempty"`
	CreatedBy          string `json:",omitempty"`
}

func (s *Service) describe(rule *Rule) ruleOutput {
	return ruleOutput{
		Name: rule.Name, Arn: s.RuleARN(rule.Name), Description: rule.Description, EventBusName: defaultBus, EventPattern: rule.Pattern,
		ScheduleExpression: rule.Schedule, State: rule.State, RoleARN: rule.Role,
	}
}

type listInput struct {
	EventBusName string
	NamePrefix   string
	TargetARN    string `json:"TargetArn"`
	Rule         string
	NextToken    string
	Limit        *int
}

type rulesOutput struct {
	Rules     []ruleOutput
	NextToken string `json:",omitempty"`
}

func (s *Service) listRules(r *http.Request) (any, error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	var rules []ruleOutput
	s.state.View(func(all *State) {
		for name, rule := range all.Rules {
			if strings.HasPrefix(name, in.NamePrefix) {
				rules = append(rules, s.describe(rule))
			}
		}
	})
	rules, next, err := page(rules, func(r ruleOutput) string { return r.Name }, in.NextToken, in.Limit)
	return rulesOutput{rules, next}, err
}

func (s *Service) enableRule(r *http.Request) (any, error)  { return nil, s.setState(r, enabled) }
func (s *Service) disableRule(r *http.Request) (any, error) { return nil, s.setState(r, disabled) }

func (s *Service) setState(r *http.Request, state string) error {
	in, err := decode[ruleInput](r)
	if err != nil {
		return err
	}
	return s.change(in.EventBusName, in.Name, func(rule *Rule) error {
		rule.State = state
		rule.plan(s.Now())
		return nil
	})
}

// deleteRule refuses a rule that is not there, as the page of the operation has
// it; AWS was seen to take it too.
func (s *Service) deleteRule(r *http.Request) (any, error) {
	in, err := decode[ruleInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	if err := checkName(in.Name, "name"); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		rule := all.Rules[in.Name]
		if rule == nil {
			return noRule(in.Name)
		}
		if len(rule.Targets) > 0 {
			return invalid("Rule can't be deleted since it has targets.")
		}
		delete(all.Rules, in.Name)
		return nil
	})
}

func merge(current map[string]string, add []tag) (map[string]string, error) {
	added := map[string]string{}
	for _, each := range add {
		if _, twice := added[each.Key]; twice {
			return nil, invalid("Duplicate tag keys found: %s", each.Key)
		}
		added[each.Key] = each.Value
	}
	merged, err := tagging.Merge(current, added)
	if err != nil {
		return nil, invalid("%v", err)
	}
	return merged, nil
}

type busOutput struct{ Name, Arn string }

func (s *Service) describeEventBus(r *http.Request) (any, error) {
	in, err := decode[struct{ Name string }](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkBus(in.Name); err != nil {
		return nil, err
	}
	return busOutput{defaultBus, s.busARN()}, nil
}

func (s *Service) listEventBuses(r *http.Request) (any, error) {
	in, err := decode[struct{ NamePrefix string }](r)
	if err != nil {
		return nil, err
	}
	buses := []busOutput{}
	if strings.HasPrefix(defaultBus, in.NamePrefix) {
		buses = append(buses, busOutput{defaultBus, s.busARN()})
	}
	return struct{ EventBuses []busOutput }{buses}, nil
}
