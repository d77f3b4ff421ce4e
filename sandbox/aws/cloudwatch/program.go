package cloudwatch

import (
	"errors"
	"maps"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// program is a list of metrics and expressions that was checked.
type program struct {
	stats       map[string]metricStat
	expressions map[string]shape
	returned    []string // ids that return data
	bands       []string // ids of the expressions that are bands
	learns      bool     // there is a band somewhere
	period      int      // seconds, of all
}

// compile checks metrics and expressions. Those of an alarm have one period, and
// so do the sandbox's others.
func compile(queries []metricQuery) (*program, error) {
	if len(queries) > maxQueries {
		return nil, invalid("The collection MetricDataQueries must not have a size greater than 500.")
	}
	p := &program{stats: map[string]metricStat{}, expressions: map[string]shape{}}
	parsed := map[string]node{}
	for _, q := range queries {
		if len(q.ID) > maxName || !queryID.MatchString(q.ID) {
			return nil, invalid("The value %q for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.ID)
		}
		if p.stats[q.ID].Stat != "" || parsed[q.ID] != nil {
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
		if isCall(n, bandFunction) {
			p.bands = append(p.bands, q.ID)
		}
		parsed[q.ID] = n
	}
	if p.period == 0 {
		return nil, invalid("Metrics must contain at least one MetricStat")
	}
	for _, q := range queries {
		if q.Period != nil && *q.Period != p.period { // the granularity of what is returned
			return nil, wire.NotImplemented("metrics with different periods")
		}
	}
	return p, p.resolveAll(parsed)
}

// resolveAll puts in what expressions stand for, once all metrics are known.
func (p *program) resolveAll(parsed map[string]node) error {
	for _, id := range slices.Sorted(maps.Keys(parsed)) {
		resolved, err := p.resolve(parsed[id])
		switch {
		case err != nil:
			return badExpression(id, err)
		case resolved.kind == aNumber:
			return badExpression(id, errors.New("it must give a time series, got a number"))
		}
		p.expressions[id] = resolved
	}
	if err := p.checkReferences(); err != nil {
		return err
	}
	return p.checkBands(parsed)
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

// checkReferences refuses expressions on what is not there, on arrays or on
// themselves.
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
		p.walk(id, func(to string) {
			_, isExpression := p.expressions[to]
			switch {
			case err != nil:
			case p.stats[to].Stat == "" && !isExpression:
				err = invalid("Error in expression '%s': Undefined variable '%s'.", id, to)
			case p.expressions[to].kind == anArray:
				err = badExpression(id, errUnsupported)
			default:
				err = visit(to)
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

// walk calls fn with what an expression refers to.
func (p *program) walk(id string, fn func(id string)) {
	for _, n := range p.expressions[id].nodes {
		walk(n, fn)
	}
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
