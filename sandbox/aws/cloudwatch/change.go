package cloudwatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html.
const (
	maxReason     = 1023
	maxReasonData = 4000
	maxHistory    = 2000 // items of all alarms; AWS keeps them for 30 days
)

// carryOut changes the state of an alarm that is still there.
func (s *Service) carryOut(c change) error {
	return s.transition(c.alarm, c.at, c.verdict.state, func(alarm *Alarm) (reason, data string) {
		return alarm.reason(c.verdict, alarm.State), alarm.reasonData(c.verdict, c.at)
	})
}

// transition puts an alarm into a state and does what is to be done in it.
func (s *Service) transition(name string, at time.Time, state string, why func(*Alarm) (reason, data string)) error {
	var changed Alarm
	before := ""
	err := s.state.Update(func(all *State) error {
		alarm := all.Alarms[name]
		if alarm == nil {
			return nil // it was deleted meanwhile
		}
		before = alarm.State
		old := shownState(alarm)
		alarm.Reason, alarm.ReasonData = why(alarm)
		alarm.State, alarm.Updated = state, at
		changed = *alarm
		if state == before {
			return nil
		}
		alarm.Changed = at
		changed = *alarm
		s.remember(all, historyItem{
			AlarmName: name, Timestamp: at, HistoryItemType: "StateUpdate",
			HistorySummary: "Alarm updated from " + before + " to " + state,
			HistoryData:    string(encodeJSON(object{{"version", "1.0"}, {"oldState", old}, {"newState", shownState(alarm)}})),
		})
		return nil
	})
	if err != nil || before == "" || before == state || !*changed.ActionsEnabled {
		return err
	}
	return s.act(changed, before)
}

// shownState is a state as the history has it.
func shownState(a *Alarm) object {
	shown := object{{"stateValue", a.State}, {"stateReason", a.Reason}}
	if a.ReasonData != "" {
		shown = append(shown, member{"stateReasonData", json.RawMessage(a.ReasonData)})
	}
	return shown
}

// act tells the topics of a state. Actions of other kinds are not carried out,
// which the history says.
func (s *Service) act(alarm Alarm, before string) error {
	actions := map[string][]string{stateOK: alarm.OKActions, stateAlarm: alarm.AlarmActions, stateInsufficient: alarm.InsufficientDataActions}
	for _, action := range actions[alarm.State] {
		summary := "Failed to execute action " + action + ": the sandbox has only topics"
		if strings.HasPrefix(action, "arn:aws:sns:") && s.Notify != nil {
			summary = "Successfully executed action " + action
			if err := s.Notify(action, s.subject(alarm), s.message(alarm, before)); err != nil {
				summary = "Failed to execute action " + action + ". Received error: \"" + err.Error() + "\""
			}
		}
		err := s.state.Update(func(all *State) error {
			s.remember(all, historyItem{
				AlarmName: alarm.AlarmName, Timestamp: alarm.Changed, HistoryItemType: "Action", HistorySummary: summary,
				HistoryData: string(encodeJSON(object{{"actionState", strings.SplitN(summary, " ", 2)[0]}, {"notificationResource", action}})),
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stamp is a time as notifications have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

type setStateInput struct {
	AlarmName       string
	StateValue      string
	StateReason     string
	StateReasonData string
}

// setAlarmState holds until the next evaluation.
func (s *Service) setAlarmState(r request) (any, error) {
	in, err := decode[setStateInput](r)
	if err != nil {
		return nil, err
	}
	if err := oneOf(in.StateValue, "stateValue", states); err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(in.StateReason); n > maxReason {
		return nil, constraint("...", "stateReason", "Member must have length less than or equal to 1023")
	}
	if in.StateReasonData != "" && (!json.Valid([]byte(in.StateReasonData)) || len(in.StateReasonData) > maxReasonData) {
		return nil, refusal("InvalidFormatFault", "StateReasonData was not syntactically valid JSON.")
	}
	found := false
	s.state.View(func(all *State) { found = all.Alarms[in.AlarmName] != nil })
	if !found {
		return nil, noAlarm(in.AlarmName)
	}
	return nil, s.transition(in.AlarmName, s.Now(), in.StateValue, func(*Alarm) (string, string) {
		return in.StateReason, in.StateReasonData
	})
}

// historyItem is what happened to an alarm.
type historyItem struct {
	AlarmName       string
	AlarmType       string
	Timestamp       time.Time
	HistoryItemType string
	HistorySummary  string
	HistoryData     string
	Number          int `json:"-"`
}

// remember adds an item, and forgets the oldest of too many.
func (s *Service) remember(all *State, item historyItem) {
	item.AlarmType = "MetricAlarm"
	all.History = append(all.History, item)
	if extra := len(all.History) - maxHistory; extra > 0 {
		all.History = all.History[extra:]
	}
}

type historyInput struct {
	AlarmName       string
	AlarmTypes      []string
	HistoryItemType string
	StartDate       *instant
	EndDate         *instant
	MaxRecords      *int
	NextToken       string
	ScanBy          string
}

type historyOutput struct {
	AlarmHistoryItems []historyItem
	NextToken         string `json:",omitempty"`
}

func (s *Service) describeAlarmHistory(r request) (any, error) {
	in, err := decode[historyInput](r)
	if err != nil {
		return nil, err
	}
	if in.HistoryItemType != "" {
		if err := oneOf(in.HistoryItemType, "historyItemType", []string{"ConfigurationUpdate", "StateUpdate", "Action"}); err != nil {
			return nil, err
		}
	}
	if err := oneOf(cmp.Or(in.ScanBy, descending), "scanBy", []string{ascending, descending}); err != nil {
		return nil, err
	}
	var items []historyItem
	s.state.View(func(all *State) {
		for i, item := range all.History {
			if in.AlarmName != "" && item.AlarmName != in.AlarmName || in.HistoryItemType != "" && item.HistoryItemType != in.HistoryItemType ||
				in.StartDate != nil && item.Timestamp.Before(in.StartDate.Time) || in.EndDate != nil && item.Timestamp.After(in.EndDate.Time) ||
				len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, item.AlarmType) {
				continue
			}
			item.Number = i
			items = append(items, item)
		}
	})
	order := func(item historyItem) string {
		n := item.Number
		if in.ScanBy != ascending {
			n = maxHistory - n
		}
		return fmt.Sprintf("%08d", n)
	}
	items, next, err := page(items, order, in.NextToken, in.MaxRecords, 100, 100)
	return historyOutput{items, next}, err
}

// Orders of results.
const (
	ascending  = "TimestampAscending"
	descending = "TimestampDescending"
)
