package orders_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/examples/orders"
)

func call(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestAnOrderLivesFromCreateToDelete(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := orders.New(func() time.Time { return now })
	require.JSONEq(t, `{"orders":[]}`, call(s, "GET", "/orders", "").Body.String())

	created := call(s, "POST", "/orders", `{"item":"tea","quantity":2}`)
	require.Equal(t, http.StatusCreated, created.Code)
	require.Equal(t, "/orders/1", created.Header().Get("Location"))
	order := `{"id":"1","item":"tea","quantity":2,"created":"2026-01-02T03:04:05Z"}`
	require.JSONEq(t, order, created.Body.String())
	require.JSONEq(t, order, call(s, "GET", "/orders/1", "").Body.String())
	require.JSONEq(t, `{"orders":[`+order+`]}`, call(s, "GET", "/orders", "").Body.String())

	require.Equal(t, http.StatusNoContent, call(s, "DELETE", "/orders/1", "").Code)
	require.Equal(t, http.StatusNotFound, call(s, "GET", "/orders/1", "").Code)
	require.Equal(t, "/orders/2", call(s, "POST", "/orders", `{"item":"tea","quantity":2}`).Header().Get("Location"),
		"an id is not used twice")
}

func TestAFileReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := orders.New(nil)
	require.Equal(t, http.StatusNotFound, call(s, "GET", "/files/a/b.txt", "").Code)
	require.Equal(t, http.StatusNoContent, call(s, "PUT", "/files/a/b.txt", "<script>").Code)

	read := call(s, "GET", "/files/a/b.txt", "")
	require.Equal(t, "<script>", read.Body.String())
	require.Equal(t, "application/octet-stream", read.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", read.Header().Get("X-Content-Type-Options"))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		message            string
	}{
		"no body":            {"POST", "/orders", ``, 400, "body: EOF"},
		"not JSON":           {"POST", "/orders", `tea`, 400, "body: invalid character"},
		"an unknown member":  {"POST", "/orders", `{"itm":"tea"}`, 400, `unknown field \"itm\"`},
		"nothing is ordered": {"POST", "/orders", `{"item":" ","quantity":1}`, 400, "item: got nothing"},
		"none is ordered":    {"POST", "/orders", `{"item":"tea"}`, 400, "quantity: got 0, want at least 1"},
		"less than none":     {"POST", "/orders", `{"item":"tea","quantity":-1}`, 400, "quantity: got -1"},
		"a body too large":   {"POST", "/orders", `{"item":"` + strings.Repeat("t", 65<<10) + `"}`, 400, "too large"},
		"a file too large":   {"PUT", "/files/a", strings.Repeat("t", 65<<10), 413, "too large"},
		"an unknown order":   {"GET", "/orders/7", ``, 404, `order \"7\": not found`},
		"delete of unknown":  {"DELETE", "/orders/7", ``, 404, `order \"7\": not found`},
		"an unknown file":    {"GET", "/files/a", ``, 404, `file \"a\": not found`},
		"an unknown method":  {"PATCH", "/orders", ``, 405, ""},
		"an unknown path":    {"GET", "/other", ``, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := call(orders.New(nil), tc.method, tc.path, tc.body)
			require.Equal(t, tc.status, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), tc.message)
		})
	}
}
