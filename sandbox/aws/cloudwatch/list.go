package cloudwatch

import (
	"maps"
	"slices"
	"time"
)

// recently is what RecentlyActive PT3H asks for.
const recently = 3 * time.Hour

type dimensionFilter struct {
	Name  string
	Value *string
}

type listMetricsInput struct {
	Namespace      string
	MetricName     string
	Dimensions     []dimensionFilter
	NextToken      string
	RecentlyActive string
}

type listedMetric struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension
}

type listMetricsOutput struct {
	Metrics   []listedMetric
	NextToken string `json:",omitempty"`
}

func (s *Service) listMetrics(r request) (any, error) {
	in, err := decode[listMetricsInput](r)
	if err != nil {
		return nil, err
	}
	if in.RecentlyActive != "" {
		if err := oneOf(in.RecentlyActive, "recentlyActive", []string{"PT3H"}); err != nil {
			return nil, err
		}
	}
	since := minuteOf(s.Now().Add(-recently))
	found := map[string]id{}
	s.metrics.mu.Lock()
	for key, units := range s.metrics.series {
		active := func(each *series) bool { return in.RecentlyActive == "" || each.last() >= since }
		if slices.ContainsFunc(units, active) && in.matches(units[0].id) {
			found[key] = units[0].id
		}
	}
	s.metrics.mu.Unlock()
	ids, next, err := page(slices.Collect(maps.Values(found)), id.key, in.NextToken, nil, listPage, listPage)
	out := listMetricsOutput{[]listedMetric{}, next}
	for _, each := range ids {
		out.Metrics = append(out.Metrics, listedMetric{each.Namespace, each.Name, each.Dimensions})
	}
	return out, err
}

func (in listMetricsInput) matches(i id) bool {
	if in.Namespace != "" && in.Namespace != i.Namespace || in.MetricName != "" && in.MetricName != i.Name {
		return false
	}
	for _, filter := range in.Dimensions {
		has := func(d Dimension) bool {
			return d.Name == filter.Name && (filter.Value == nil || *filter.Value == d.Value)
		}
		if !slices.ContainsFunc(i.Dimensions, has) {
			return false
		}
	}
	return true
}
