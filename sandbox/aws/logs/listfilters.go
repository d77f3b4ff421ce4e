package logs

import (
	"net/http"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

type describeFiltersInput struct {
	LogGroupName     string  `json:"logGroupName"`
	FilterNamePrefix string  `json:"filterNamePrefix"` // counts with a group only
	MetricName       *string `json:"metricName"`
	MetricNamespace  *string `json:"metricNamespace"`
	NextToken        string  `json:"nextToken"`
	Limit            *int    `json:"limit"`
}

type filterAnswer struct {
	LogGroupName           string           `json:"logGroupName"`
	FilterName             string           `json:"filterName"`
	FilterPattern          string           `json:"filterPattern"`
	CreationTime           int64            `json:"creationTime"`
	MetricTransformations  []Transformation `json:"metricTransformations"`
	ApplyOnTransformedLogs bool             `json:"applyOnTransformedLogs"`
}

type describeFiltersOutput struct {
	MetricFilters []filterAnswer `json:"metricFilters"`
	NextToken     string         `json:"nextToken,omitempty"`
}

// describeMetricFilters lists filters by name.
func (s *Service) describeMetricFilters(r *http.Request) (any, error) {
	in, err := decode[describeFiltersInput](r)
	if err != nil {
		return nil, err
	}
	if (in.MetricName == nil) != (in.MetricNamespace == nil) { // the text is a guess
		return nil, invalid("metricName and metricNamespace must be given together.")
	}
	limit, err := limit(in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	var filters []filterAnswer
	add := func(group *Group) error {
		for _, each := range group.Filters {
			to := each.Transformation
			if in.LogGroupName != "" && !strings.HasPrefix(each.Name, in.FilterNamePrefix) ||
				in.MetricName != nil && (to.MetricName != *in.MetricName || to.MetricNamespace != *in.MetricNamespace) {
				continue
			}
			filters = append(filters, filterAnswer{
				LogGroupName: group.Name, FilterName: each.Name, FilterPattern: each.Pattern, CreationTime: each.Created,
				MetricTransformations: []Transformation{to},
			})
		}
		return nil
	}
	if in.LogGroupName != "" {
		err = s.viewGroup(in.LogGroupName, add)
	} else {
		s.state.View(func(all *State) {
			for _, group := range all.Groups {
				_ = add(group) // never fails
			}
		})
	}
	if err != nil {
		return nil, err
	}
	key := func(f filterAnswer) string { return f.FilterName + "\x00" + f.LogGroupName }
	page, next, err := wire.Page(filters, key, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return describeFiltersOutput{page, next}, nil
}
