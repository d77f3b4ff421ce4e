package cloudwatch

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// States of an alarm.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

var states = []string{stateOK, stateAlarm, stateInsufficient}

// Definition is what whoever puts an alarm says of it.
type Definition struct {
	AlarmName                        string
	AlarmDescription                 *string
	ActionsEnabled                   *bool
	OKActions                        []string
	AlarmActions                     []string
	InsufficientDataActions          []string
	MetricName                       *string
	Namespace                        *string
	Statistic                        *string
	ExtendedStatistic                *string
	Dimensions                       []Dimension
	Period                           *int
	Unit                             *string
	EvaluationPeriods                *int
	DatapointsToAlarm                *int
	Threshold                        *number
	ComparisonOperator               string
	TreatMissingData                 *string
	EvaluateLowSampleCountPercentile *string
	Metrics                          []metricQuery `json:",omitempty"`
	ThresholdMetricID                *string       `json:"ThresholdMetricId"`
}

// metricQuery is one of the metrics and expressions of an alarm or a request.
type metricQuery struct {
	ID         string `json:"Id"`
	MetricStat *metricStat
	Expression *string
	Label      *string
	ReturnData *bool
	Period     *int
	AccountID  *string `json:"AccountId"`
}

type metricStat struct {
	Metric struct {
		Namespace  *string
		MetricName *string
		Dimensions []Dimension
	}
	Period *int
	Stat   string
	Unit   *string
}

// Alarm is an alarm on metrics.
type Alarm struct {
	Definition
	Tags       map[string]string
	State      string
	Reason     string
	ReasonData string
	Configured time.Time // when it was put
	Updated    time.Time // when the state or its reason changed
	Changed    time.Time // when the state changed
}

// described is an alarm as it is told.
type described struct {
	Definition
	AlarmArn                           string
	AlarmConfigurationUpdatedTimestamp time.Time
	StateValue                         string
	StateReason                        string
	StateReasonData                    string `json:",omitempty"`
	StateUpdatedTimestamp              time.Time
	StateTransitionedTimestamp         time.Time
}

func (s *Service) describe(a *Alarm) described {
	return described{a.Definition, s.AlarmARN(a.AlarmName), a.Configured, a.State, a.Reason, a.ReasonData, a.Updated, a.Changed}
}

type putAlarmInput struct {
	Definition
	Tags []tag
}

func (s *Service) putMetricAlarm(r request) (any, error) {
	in, err := decode[putAlarmInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.ActionsEnabled == nil {
		in.ActionsEnabled = new(bool)
		*in.ActionsEnabled = true
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		now := s.Now()
		alarm := &Alarm{
			Definition: in.Definition, Tags: tags, State: stateInsufficient, Reason: "Unchecked: Initial alarm creation",
			Configured: now, Updated: now, Changed: now,
		}
		summary := "Alarm \"" + in.AlarmName + "\" created"
		// Tags count only when an alarm is made; its state stays when it changes.
		if before := all.Alarms[in.AlarmName]; before != nil {
			alarm.Tags, alarm.State, alarm.Reason, alarm.ReasonData = before.Tags, before.State, before.Reason, before.ReasonData
			alarm.Updated, alarm.Changed = before.Updated, before.Changed
			summary = "Alarm \"" + in.AlarmName + "\" updated"
		}
		all.Alarms[in.AlarmName] = alarm
		s.remember(all, historyItem{
			AlarmName: in.AlarmName, Timestamp: now, HistoryItemType: "ConfigurationUpdate", HistorySummary: summary,
			HistoryData: string(encodeJSON(object{{"version", "1.0"}, {"alarm", treeOf(s.describe(alarm))}})),
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.evaluated, in.AlarmName)
		return nil
	})
}

type describeAlarmsInput struct {
	AlarmNames      []string
	AlarmNamePrefix string
	AlarmTypes      []string
	ActionPrefix    string
	StateValue      string
	MaxRecords      *int
	NextToken       string

	ChildrenOfAlarmName string
	ParentsOfAlarmName  string
}

type alarmsOutput struct {
	MetricAlarms    []described
	CompositeAlarms []struct{}
	NextToken       string `json:",omitempty"`
}

func (s *Service) describeAlarms(r request) (any, error) {
	in, err := decode[describeAlarmsInput](r)
	if err != nil {
		return nil, err
	}
	switch {
	case in.ChildrenOfAlarmName != "" || in.ParentsOfAlarmName != "":
		return nil, wire.NotImplemented("composite alarms")
	case len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "":
		return nil, invalidCombination("AlarmNames and AlarmNamePrefix cannot both be specified.")
	case len(in.AlarmNames) > 100:
		return nil, constraint("...", "alarmNames", "Member must have length less than or equal to 100")
	case in.StateValue != "" && !slices.Contains(states, in.StateValue):
		return nil, constraint(in.StateValue, "stateValue", "Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]")
	}
	alarms := []described{}
	s.state.View(func(all *State) {
		if len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, "MetricAlarm") {
			return
		}
		for name, alarm := range all.Alarms {
			acts := func(action string) bool { return strings.HasPrefix(action, in.ActionPrefix) }
			if len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, name) || !strings.HasPrefix(name, in.AlarmNamePrefix) ||
				in.StateValue != "" && in.StateValue != alarm.State ||
				in.ActionPrefix != "" && !slices.ContainsFunc(alarm.actions(), acts) {
				continue
			}
			alarms = append(alarms, s.describe(alarm))
		}
	})
	alarms, next, err := page(alarms, func(a described) string { return a.AlarmName }, in.NextToken, in.MaxRecords, 50, 100)
	return alarmsOutput{MetricAlarms: alarms, NextToken: next}, err
}

func (a *Alarm) actions() []string {
	return slices.Concat(a.OKActions, a.AlarmActions, a.InsufficientDataActions)
}

type forMetricInput struct {
	MetricName        string
	Namespace         string
	Statistic         *string
	ExtendedStatistic *string
	Dimensions        []Dimension
	Period            *int
	Unit              *string
}

func (s *Service) describeAlarmsForMetric(r request) (any, error) {
	in, err := decode[forMetricInput](r)
	if err != nil {
		return nil, err
	}
	if in.MetricName == "" || in.Namespace == "" {
		return nil, refusal("MissingRequiredParameterException", "The parameters MetricName and Namespace are required.")
	}
	wanted := newID(in.Namespace, in.MetricName, in.Dimensions).key()
	alarms := []described{}
	s.state.View(func(all *State) {
		for _, name := range slices.Sorted(maps.Keys(all.Alarms)) {
			alarm := all.Alarms[name]
			if alarm.MetricName == nil || newID(*alarm.Namespace, *alarm.MetricName, alarm.Dimensions).key() != wanted ||
				differs(in.Statistic, alarm.Statistic) || differs(in.ExtendedStatistic, alarm.ExtendedStatistic) ||
				differs(in.Period, alarm.Period) || differs(in.Unit, alarm.Unit) {
				continue
			}
			alarms = append(alarms, s.describe(alarm))
		}
	})
	return struct{ MetricAlarms []described }{alarms}, nil
}

// differs reports whether something else was asked for.
func differs[T comparable](asked, has *T) bool { return asked != nil && (has == nil || *asked != *has) }

type alarmNamesInput struct{ AlarmNames []string }

// deleteAlarms deletes all or, if one is not there, none.
func (s *Service) deleteAlarms(r request) (any, error) {
	in, err := decode[alarmNamesInput](r)
	if err != nil {
		return nil, err
	}
	if len(in.AlarmNames) > 100 {
		return nil, constraint("...", "alarmNames", "Member must have length less than or equal to 100")
	}
	return nil, s.state.Update(func(all *State) error {
		for _, name := range in.AlarmNames {
			if all.Alarms[name] == nil {
				return noAlarm(name)
			}
		}
		for _, name := range in.AlarmNames {
			delete(all.Alarms, name)
			s.remember(all, historyItem{
				AlarmName: name, Timestamp: s.Now(), HistoryItemType: "ConfigurationUpdate",
				HistorySummary: "Alarm \"" + name + "\" deleted", HistoryData: `{"version":"1.0"}`,
			})
		}
		return nil
	})
}

func noAlarm(name string) error { return missing("ResourceNotFound", "Unknown alarm %s", name) }

func (s *Service) enableAlarmActions(r request) (any, error)  { return nil, s.setActions(r, true) }
func (s *Service) disableAlarmActions(r request) (any, error) { return nil, s.setActions(r, false) }

// setActions leaves out alarms that are not there: the operations have no
// refusal of it.
func (s *Service) setActions(r request, enabled bool) error {
	in, err := decode[alarmNamesInput](r)
	if err != nil {
		return err
	}
	return s.state.Update(func(all *State) error {
		for _, name := range in.AlarmNames {
			if alarm := all.Alarms[name]; alarm != nil {
				alarm.ActionsEnabled = &enabled
			}
		}
		return nil
	})
}
