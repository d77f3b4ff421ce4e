package verify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARequestGoesToItsRouteAndNoOther(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route  string
		others []string
		want   request
		fails  string
	}{
		"a plain path":               {"GET /orders", nil, request{"GET", "/orders"}, ""},
		"the root":                   {"POST /", nil, request{"POST", "/"}, ""},
		"a variable":                 {"DELETE /orders/{id}", nil, request{"DELETE", "/orders/entragate-probe"}, ""},
		"a greedy variable":          {"GET /files/{proxy+}", nil, request{"GET", "/files/entragate-probe/deeper"}, ""},
		"any method":                 {"ANY /orders", nil, request{"GET", "/orders"}, ""},
		"any method but those taken": {"ANY /orders", []string{"GET /orders", "HEAD /orders"}, request{"PATCH", "/orders"}, ""},
		"every method is taken": {"ANY /a", []string{
			"GET /a", "HEAD /a", "PATCH /a", "PUT /a", "POST /a", "DELETE /a",
		}, request{}, "none is left"},
		"the default route":               {"$default", []string{"GET /orders"}, request{"GET", "/entragate-probe"}, ""},
		"the default beside a variable":   {"$default", []string{"ANY /{id}"}, request{"GET", "/entragate-probe/entragate-probe"}, ""},
		"the default beside one method":   {"$default", []string{"GET /{proxy+}"}, request{"HEAD", "/entragate-probe"}, ""},
		"the default, and all is taken":   {"$default", []string{"ANY /{proxy+}"}, request{}, "none is left"},
		"a key that is none":              {"FETCH /orders", nil, request{}, "FETCH"},
		"the default beside what differs": {"$default", []string{"GET /x/{proxy+}", "ANY /"}, request{"GET", "/entragate-probe"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := requestFor(tc.route, append([]string{tc.route}, tc.others...))
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}
