package logs

import (
	"fmt"
	"net/http"

	"github.com/entragate/entragate/sandbox/aws/logs/insights"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

type queryInput struct {
	QueryID   string `json:"queryId"`
	MaxItems  *int   `json:"maxItems"`
	NextToken string `json:"nextToken"`
}

type resultField struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

type queryStatistics struct {
	RecordsMatched   float64 `json:"recordsMatched"`
	RecordsScanned   float64 `json:"recordsScanned"`
	BytesScanned     float64 `json:"bytesScanned"`
	LogGroupsScanned float64 `json:"logGroupsScanned"`
	ResultCount      float64 `json:"resultCount"`
}

type queryResults struct {
	Status        string          `json:"status"`
	QueryLanguage string          `json:"queryLanguage"`
	Results       [][]resultField `json:"results"`
	Statistics    queryStatistics `json:"statistics"`
	NextToken     string          `json:"nextToken,omitempty"`
}

// row is a row of a result and where it stands.
type row struct {
	number int
	fields []insights.Field
}

func (s *Service) getQueryResults(r *http.Request) (any, error) {
	in, err := decode[queryInput](r)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.MaxItems, maxResultRows, maxResultRows)
	if err != nil {
		return nil, err
	}
	q, err := s.ran.find(in.QueryID)
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(q.result.Rows))
	for i, fields := range q.result.Rows {
		rows[i] = row{i, fields}
	}
	page, next, err := wire.Page(rows, func(r row) string { return fmt.Sprintf("%06d", r.number) }, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	out := queryResults{
		Status: complete, QueryLanguage: queryLanguage, Results: make([][]resultField, len(page)), NextToken: next,
		Statistics: queryStatistics{
			RecordsMatched: float64(q.result.RecordsMatched), RecordsScanned: float64(q.result.RecordsScanned),
			BytesScanned: float64(q.result.BytesScanned), LogGroupsScanned: float64(len(q.groups)), ResultCount: float64(len(rows)),
		},
	}
	for i, row := range page {
		out.Results[i] = make([]resultField, len(row.fields))
		for k, field := range row.fields {
			out.Results[i][k] = resultField{field.Name, field.Value}
		}
	}
	return out, nil
}

// stopQuery refuses: queries end as soon as they start. The text is a guess.
func (s *Service) stopQuery(r *http.Request) (any, error) {
	in, err := decode[queryInput](r)
	if err != nil {
		return nil, err
	}
	if _, err := s.ran.find(in.QueryID); err != nil {
		return nil, err
	}
	return nil, invalid("The specified query %s is not running.", in.QueryID)
}
