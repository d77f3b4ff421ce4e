package cloudwatch

import (
	"maps"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// program is a list of metrics and expressions that was checked.
type program struct {
	stats       map[string]metricStat
	expressions map[string]node
	returned    []string // ids that return data
	band        string   // id of the expression that is a band; "" without one
	period      int      // seconds, of all
}

// compile checks metrics and expressions. Those of an alarm have one period, and
// so do the sandbox's others.
func compile(queries []metricQuery) (*program, error) {
	if len(queries) > maxQueries {
		return nil, invalid("The collection MetricDataQueries must not have a size greater than 500.")
	}
	p := &program{stats: map[string]metricStat{}, expressions: map[string]node{}}
	for _, q := range queries {
		if len(q.ID) > maxName || !queryID.MatchString(q.ID) {
			return nil, invalid("The value %q for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.ID)
		}
		if p.stats[q.ID].Stat != "" || p.expressions[q.ID] != nil {
			return nil, invalid("The values for parameter Id in MetricDataQueries are not unique.")
		}
		if q.AccountID != nil {
			return nil, wire.NotImplemented("a metric of another account")
		}
		if (q.MetricStat == nil) == (q.Expression == nil) {
			return nil, invalid("Exactly one of MetricStat and Expression must be specified for '%s'.", q.ID)
		}
		if q.ReturnData == nil || *q.ReturnData {
			p.returned = append(p.returned, q.ID)
		}
		if q.MetricStat != nil {
			if err := p.addStat(q.ID, *q.MetricStat); err != nil {
				return nil, err
			}
			continue
		}
		n, err := parseExpression(*q.Expression)
		if err != nil {
			return nil, badExpression(q.ID, err)
		}
		if of, isCall := n.(call); isCall && of.function == bandFunction {
			p.band = q.ID
		}
		if _, isList := n.(list); isList {
			return nil, badExpression(q.ID, errUnsupported)
		}
		p.expressions[q.ID] = n
	}
	if p.period == 0 {
		return nil, invalid("Metrics must contain at least one MetricStat")
	}
	return p, p.checkReferences()
}

func (p *program) addStat(id string, stat metricStat) error {
	if stat.Metric.Namespace == nil || stat.Metric.MetricName == nil {
		return invalid("Namespace and MetricName must be specified for '%s'.", id)
	}
	if err := checkSeries(*stat.Metric.Namespace, *stat.Metric.MetricName, stat.Metric.Dimensions, stat.Unit); err != nil {
		return err
	}
	if err := checkStatistic(stat.Stat, "Stat"); err != nil {
		return err
	}
	switch {
	case stat.Period == nil:
		return invalid("Period must be specified for '%s'.", id)
	case slices.Contains([]int{1, 5, 10, 20, 30}, *stat.Period):
		return wire.NotImplemented("a period below a minute")
	case *stat.Period < 60 || *stat.Period%60 != 0:
		return invalidValue("The parameter Period of '%s' must be 1, 5, 10, 20, 30 or a multiple of 60, got %d.", id, *stat.Period)
	case p.period != 0 && p.period != *stat.Period:
		return wire.NotImplemented("metrics with different periods")
	}
	p.period = *stat.Period
	p.stats[id] = stat
	return nil
}

// checkReferences refuses expressions on what is not there or on themselves.
func (p *program) checkReferences() error {
	visiting, done := map[string]bool{}, map[string]bool{}
	var visit func(id string) error
	visit = func(id string) (err error) {
		if visiting[id] {
			return invalid("The expression '%s' refers to itself.", id)
		}
		if done[id] || p.stats[id].Stat != "" {
			return nil
		}
		visiting[id] = true
		walk(p.expressions[id], func(to reference) {
			switch {
			case err != nil:
			case p.stats[string(to)].Stat == "" && p.expressions[string(to)] == nil:
				err = invalid("Error in expression '%s': Undefined variable '%s'.", id, to)
			default:
				err = visit(string(to))
			}
		})
		visiting[id], done[id] = false, true
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(p.expressions)) {
		if err := visit(id); err != nil {
			return err
		}
	}
	return nil
}

// data are the minutes of all metrics of a program.
type data map[string]map[int64]summary

func (p *program) read(m *metrics) data {
	all := data{}
	for id, stat := range p.stats {
		unit := ""
		if stat.Unit != nil {
			unit = *stat.Unit
		}
		all[id] = m.minutes(newID(*stat.Metric.Namespace, *stat.Metric.MetricName, stat.Metric.Dimensions), unit)
	}
	return all
}

// value is that of a metric or expression over the minutes from start to end.
// What several expressions refer to is computed once.
func (p *program) value(of data, id string, start, end int64) (float64, bool) {
	type result struct {
		value float64
		ok    bool
	}
	known := map[string]result{}
	var at point
	at = func(id string) (float64, bool) {
		r, seen := known[id]
		if !seen {
			if stat, isStat := p.stats[id]; isStat {
				r.value, r.ok = window(of[id], start, end).statistic(stat.Stat)
			} else {
				r.value, r.ok = p.expressions[id].value(at)
			}
			known[id] = r
		}
		return r.value, r.ok
	}
	return at(id)
}

// program returns an alarm's metrics, also of an alarm on one metric.
func (d Definition) program() (*program, error) {
	if len(d.Metrics) > 0 {
		return compile(d.Metrics)
	}
	stat := metricStat{Period: d.Period, Unit: d.Unit}
	stat.Metric.Namespace, stat.Metric.MetricName, stat.Metric.Dimensions = d.Namespace, d.MetricName, d.Dimensions
	if d.Statistic != nil {
		stat.Stat = *d.Statistic
	} else {
		stat.Stat = *d.ExtendedStatistic
	}
	return compile([]metricQuery{{ID: "m1", MetricStat: &stat}})
}
