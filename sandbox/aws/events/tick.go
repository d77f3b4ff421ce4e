package events

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Tick calls the targets of the rules that are due, and waits for them. A rule
// that was due several times since the last tick calls once. What fails is
// counted, in [Service.Calls] and the metrics, and not tried again. The error is
// of keeping the state.
func (s *Service) Tick() error { return s.tick(context.Background()) }

// Run ticks every second of real time until the context ends or the state cannot
// be kept.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := s.tick(ctx); err != nil {
				return err
			}
		}
	}
}

// NextDue tells when the next rule is due, if any is.
func (s *Service) NextDue() (next time.Time, found bool) {
	s.state.View(func(all *State) {
		for _, rule := range all.Rules {
			if !rule.Next.IsZero() && (!found || rule.Next.Before(next)) {
				next, found = rule.Next, true
			}
		}
	})
	return next, found
}

// due is a rule that is to call its targets.
type due struct {
	rule    string
	at      time.Time // that it was due, the last time
	targets []target
}

func (s *Service) tick(ctx context.Context) error {
	s.ticking.Lock()
	defer s.ticking.Unlock()
	rules, err := s.takeDue()
	if err != nil {
		return err
	}
	for _, each := range rules {
		called, failed := s.call(ctx, each)
		dimensions := map[string]string{"RuleName": each.rule}
		s.record("TriggeredRules", dimensions, 1)
		s.record("Invocations", dimensions, called)
		s.record("FailedInvocations", dimensions, failed)
		err := s.state.Update(func(all *State) error {
			if rule := all.Rules[each.rule]; rule != nil {
				rule.Called += called
				rule.Failed += failed
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// record leaves out zeros, as AWS does.
func (s *Service) record(name string, dimensions map[string]string, n int) {
	if s.Record != nil && n > 0 {
		s.Record("AWS/Events", name, dimensions, float64(n), s.Now())
	}
}

// takeDue returns the rules that are due, in the order of their times. They are
// not due any more before they are called, so that none is called twice.
func (s *Service) takeDue() ([]due, error) {
	now := s.Now()
	is := func(rule *Rule) bool { return !rule.Next.IsZero() && !rule.Next.After(now) }
	waiting := false
	s.state.View(func(all *State) {
		for _, rule := range all.Rules {
			waiting = waiting || is(rule)
		}
	})
	if !waiting {
		return nil, nil
	}
	var rules []due
	err := s.state.Update(func(all *State) error {
		for _, name := range slices.Sorted(maps.Keys(all.Rules)) {
			rule := all.Rules[name]
			if !is(rule) {
				continue
			}
			schedule, err := parseSchedule(rule.Schedule)
			if err != nil { // it was checked when it was put
				return err
			}
			rules = append(rules, due{name, schedule.last(rule.Next, now), rule.Targets})
			rule.Next = schedule.next(rule.Next, now)
		}
		return nil
	})
	slices.SortStableFunc(rules, func(a, b due) int { return a.at.Compare(b.at) })
	return rules, err
}

// call calls the targets of a rule, and counts.
func (s *Service) call(ctx context.Context, rule due) (called, failed int) {
	event := map[string]any{
		"version": "0", "id": uuid.NewString(), "detail-type": "Scheduled Event", "source": "aws.events", "account": s.Account,
		"time": rule.at.UTC().Format(time.RFC3339), "region": s.Region, "resources": []any{s.RuleARN(rule.rule)}, "detail": map[string]any{},
	}
	for _, each := range rule.targets {
		if !each.isFunction() {
			continue
		}
		payload, err := each.payload(event)
		if err == nil {
			err = s.invoke(ctx, each.ARN, rule.rule, payload)
		}
		called++
		if err != nil {
			failed++
		}
	}
	return called, failed
}

func (s *Service) invoke(ctx context.Context, function, rule string, payload []byte) error {
	if s.Invoke == nil {
		return errors.New("there is nobody to call functions")
	}
	return s.Invoke(ctx, function, s.RuleARN(rule), payload)
}

func (t target) isFunction() bool { return strings.HasPrefix(t.ARN, "arn:aws:lambda:") }

// payload is what a target gets of an event: a constant, a part or all of it.
func (t target) payload(event map[string]any) ([]byte, error) {
	if t.Input != nil {
		return []byte(*t.Input), nil
	}
	var part any = event
	if t.InputPath != nil {
		for name := range strings.SplitSeq(strings.TrimPrefix(*t.InputPath, "$"), ".") {
			if name == "" {
				continue
			}
			members, ok := part.(map[string]any)
			if !ok || members[name] == nil {
				return nil, errors.New("the event has no " + *t.InputPath)
			}
			part = members[name]
		}
	}
	return json.Marshal(part)
}
