package faults_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/faults"
)

// cloud is a service that counts what it did.
type cloud struct {
	*httptest.Server
	faults *faults.Faults
	did    atomic.Int32
	kills  atomic.Int32
	// atKill is how much it had done when everything was killed.
	atKill atomic.Int32
	body   atomic.Value // that it got
}

func newCloud(t *testing.T, rules ...faults.Rule) *cloud {
	t.Helper()
	c := &cloud{}
	c.faults = faults.New(func() {
		c.kills.Add(1)
		c.atKill.Store(c.did.Load())
	})
	require.NoError(t, c.faults.Replace(rules))
	c.Server = httptest.NewServer(c.faults.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		c.body.Store(string(raw))
		c.did.Add(1)
		w.Header().Set("X-Service", "here")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "done")
	})))
	t.Cleanup(c.Close)
	return c
}

// answer is what a caller gets; status 0 is none.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c *cloud) send(t *testing.T, method, path, body string, header map[string]string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	// A connection that was used before would be tried again by the client.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		require.True(t, errors.Is(err, io.EOF), err)
		return answer{}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(raw)}
}

var (
	putSecret  = map[string]string{"X-Amz-Target": "secretsmanager.PutSecretValue", "Authorization": "AWS4-HMAC-SHA256 x"}
	signedForm = map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Authorization": "AWS4-HMAC-SHA256 x"}
	signed     = map[string]string{"Authorization": "AWS4-HMAC-SHA256 x"}
)

func TestKinds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule             faults.Rule
		status           int
		did, kills, seen int
	}{
		"no answer, and the service never knew": {faults.Rule{Kind: faults.Refused}, 0, 0, 0, 0},
		"the answer is lost":                    {faults.Rule{Kind: faults.Lost}, 0, 1, 0, 0},
		"killed after it was done":              {faults.Rule{Kind: faults.Kill}, http.StatusCreated, 1, 1, 1},
		"a status":                              {faults.Rule{Kind: faults.Status, Status: 503}, 503, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.rule.Match = "addPassword"
			c := newCloud(t, tt.rule)
			got := c.send(t, http.MethodPost, "/v1.0/applications/1/addPassword", "", nil)
			require.Equal(t, tt.status, got.status)
			require.Equal(t, tt.did, int(c.did.Load()))
			require.Equal(t, tt.kills, int(c.kills.Load()))
			require.Equal(t, tt.seen, int(c.atKill.Load()))
			if tt.kills > 0 {
				require.Equal(t, "done", got.body)
				require.Equal(t, "here", got.header.Get("X-Service"))
			}
			require.Equal(t, http.StatusCreated, c.send(t, http.MethodPost, "/v1.0/applications/1/addPassword", "", nil).status, "once")
		})
	}
}

func TestWhatIsStruck(t *testing.T) {
	t.Parallel()
	lost := func(match string) faults.Rule { return faults.Rule{Match: match, Kind: faults.Refused, Count: 100} }
	get := lost("/v1.0/applications")
	get.Method = http.MethodGet
	of := func(client string) faults.Rule {
		r := lost("/token")
		r.Form = map[string]string{"client_id": client, "grant_type": "client_credentials"}
		return r
	}
	for name, tt := range map[string]struct {
		rule                faults.Rule
		method, path, body  string
		header              map[string]string
		struck, keepsItBody bool
	}{
		"the header of JSON":          {lost("PutSecretValue"), "POST", "/", "{}", putSecret, true, false},
		"all of a service":            {lost("secretsmanager."), "POST", "/", "{}", putSecret, true, false},
		"another operation":           {lost("GetSecretValue"), "POST", "/", "{}", putSecret, false, true},
		"in other case":               {lost("putsecretvalue"), "POST", "/", "{}", putSecret, false, true},
		"the action of a form":        {lost("GetWebIdentityToken"), "POST", "/", "Version=1&Action=GetWebIdentityToken", signedForm, true, false},
		"the action of a query":       {lost("GetWebIdentityToken"), "GET", "/?Action=GetWebIdentityToken", "", signed, true, false},
		"another action":              {lost("GetCallerIdentity"), "POST", "/", "Action=GetWebIdentityToken", signedForm, false, true},
		"a form's other members":      {lost("client_secret"), "POST", "/token", "client_secret=client_secret", signedForm, false, true},
		"a form that is none":         {lost("Action"), "POST", "/", "Action=%zz;", signedForm, false, true},
		"who signs in":                {of("a b"), "POST", "/token", "grant_type=client_credentials&client_id=a+b", signedForm, true, false},
		"who else signs in":           {of("a"), "POST", "/token", "grant_type=client_credentials&client_id=aa", signedForm, false, true},
		"a form without it":           {of(""), "POST", "/token", "grant_type=client_credentials", signedForm, false, true},
		"no form":                     {of("a"), "POST", "/token", "grant_type=client_credentials&client_id=a", nil, false, true},
		"a large form":                {lost("Action"), "POST", "/", "x=" + strings.Repeat("y", 2<<20), signedForm, false, true},
		"the path":                    {lost("/oauth2/v2.0/token"), "POST", "/tenant/oauth2/v2.0/token", "grant_type=x", signedForm, true, false},
		"the path, decoded":           {lost("applications(appId='1')"), "GET", "/v1.0/applications(appId=%271%27)", "", nil, true, false},
		"not the query of an address": {lost("secret"), "GET", "/v1.0/applications?$filter=secret", "", nil, false, true},
		"the method":                  {get, "GET", "/v1.0/applications", "", nil, true, false},
		"another method":              {get, "POST", "/v1.0/applications", "{}", nil, false, true},
		"the control surface":         {lost("/"), "POST", "/_sandbox/faults", "[]", nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, tt.rule)
			got := c.send(t, tt.method, tt.path, tt.body, tt.header)
			if tt.struck {
				require.Zero(t, got.status)
				return
			}
			require.Equal(t, http.StatusCreated, got.status)
			require.Equal(t, tt.body, c.body.Load(), "the service gets all of it")
			require.Zero(t, c.faults.Reports()[0].Struck)
		})
	}
}

func TestSkipAndCount(t *testing.T) {
	t.Parallel()
	c := newCloud(t,
		faults.Rule{Match: "x", Kind: faults.Status, Status: 500, Skip: 1, Count: 2},
		faults.Rule{Match: "x", Kind: faults.Status, Status: 503, Skip: 1},
	)
	var got []int
	for range 6 {
		got = append(got, c.send(t, http.MethodGet, "/x", "", nil).status)
	}
	require.Equal(t, []int{201, 500, 500, 503, 201, 201}, got, "one rule after the other")
	require.Equal(t, http.StatusCreated, c.send(t, http.MethodGet, "/y", "", nil).status)
	reports := c.faults.Reports()
	require.Equal(t, faults.Report{Rule: faults.Rule{Match: "x", Kind: faults.Status, Status: 500, Skip: 1, Count: 2}, Matched: 6, Struck: 2}, reports[0])
	require.Equal(t, faults.Report{Rule: faults.Rule{Match: "x", Kind: faults.Status, Status: 503, Skip: 1, Count: 1}, Matched: 4, Struck: 1}, reports[1])

	require.NoError(t, c.faults.Replace([]faults.Rule{{Match: "x", Kind: faults.Lost}}))
	require.Equal(t, []faults.Report{{Rule: faults.Rule{Match: "x", Kind: faults.Lost, Count: 1}}}, c.faults.Reports(), "it counts from none")
	require.NoError(t, c.faults.Replace(nil))
	require.Equal(t, []faults.Report{}, c.faults.Reports())
	require.Equal(t, http.StatusCreated, c.send(t, http.MethodGet, "/x", "", nil).status)
}

func TestAnswersHaveTheFormOfTheService(t *testing.T) {
	t.Parallel()
	cbor := map[string]string{"Smithy-Protocol": "rpc-v2-cbor", "Authorization": "AWS4-HMAC-SHA256 x"}
	const alarm = "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm"
	form := url.Values{"Action": {"AssumeRole"}}.Encode()
	for name, tt := range map[string]struct {
		path, body string
		header     map[string]string
		status     int
		want       int
		contains   []string
	}{
		"JSON, throttled":    {"/", "{}", putSecret, 429, 400, []string{`"__type":"ThrottlingException"`, `"message":"Rate exceeded"`}},
		"JSON, failed":       {"/", "{}", putSecret, 500, 500, []string{`"__type":"InternalServiceError"`}},
		"JSON, unavailable":  {"/", "{}", putSecret, 503, 503, []string{`"__type":"ServiceUnavailable"`}},
		"Query, throttled":   {"/", form, signedForm, 429, 400, []string{"<Code>Throttling</Code>", "<RequestId>"}},
		"Query, failed":      {"/", form, signedForm, 500, 500, []string{"<Code>InternalFailure</Code>", "<Type>Receiver</Type>"}},
		"REST, throttled":    {"/v2/apis", "", signed, 429, 429, []string{`"message":"Too Many Requests"`}},
		"REST, failed":       {"/v2/apis", "", signed, 502, 502, []string{`"message":`}},
		"CBOR, throttled":    {alarm, "", cbor, 429, 400, []string{"ThrottlingException"}},
		"Graph, throttled":   {"/v1.0/applications", "", nil, 429, 429, []string{`"code":"TooManyRequests"`, `"innerError"`}},
		"Graph, unavailable": {"/beta/applications", "", nil, 503, 503, []string{`"code":"ServiceUnavailable"`}},
		"Graph, odd":         {"/v1.0/applications", "", nil, 599, 599, []string{`"code":"UnknownError"`}},
		"sign-in, throttled": {"/t/oauth2/v2.0/token", "grant_type=x", map[string]string{"Content-Type": signedForm["Content-Type"]}, 429, 429, []string{"AADSTS90055", `"error_codes":[90055]`}},
		"sign-in, failed":    {"/t/oauth2/v2.0/token", "", nil, 503, 503, []string{"AADSTS90033", "temporarily_unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, faults.Rule{Match: "/", Kind: faults.Status, Status: tt.status, RetryAfter: 17})
			got := c.send(t, http.MethodPost, tt.path, tt.body, tt.header)
			require.Equal(t, tt.want, got.status)
			require.Equal(t, "17", got.header.Get("Retry-After"))
			for _, want := range tt.contains {
				require.Contains(t, got.body, want)
			}
			if strings.HasPrefix(tt.header["Authorization"], "AWS4") {
				require.NotEmpty(t, got.header.Get("X-Amzn-Requestid"))
			}
			if strings.HasPrefix(name, "Query") {
				require.NoError(t, xml.Unmarshal([]byte(got.body), new(struct{})))
			}
			require.Zero(t, c.did.Load())
		})
	}
	c := newCloud(t, faults.Rule{Match: "/", Kind: faults.Status, Status: 503})
	require.Empty(t, c.send(t, http.MethodGet, "/v1.0/me", "", nil).header["Retry-After"])
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := faults.Rule{Match: "x", Kind: faults.Status, Status: 503}
	for name, tt := range map[string]struct {
		change func(*faults.Rule)
		want   string
	}{
		"nothing to match":           {func(r *faults.Rule) { r.Match = "" }, "match: got none"},
		"a method in small letters":  {func(r *faults.Rule) { r.Method = "get" }, `method: got "get", want one of GET`},
		"no kind":                    {func(r *faults.Rule) { r.Kind = "" }, `kind: got "", want "status"`},
		"an unknown kind":            {func(r *faults.Rule) { r.Kind = "slow" }, `kind: got "slow"`},
		"no status":                  {func(r *faults.Rule) { r.Status = 0 }, "status: got 0, want 429 or 500 to 599"},
		"a good status":              {func(r *faults.Rule) { r.Status = 200 }, "status: got 200"},
		"a status that is none":      {func(r *faults.Rule) { r.Status = 600 }, "status: got 600"},
		"a status with another kind": {func(r *faults.Rule) { r.Kind = faults.Kill }, `status: got 503, want none with kind "kill"`},
		"a time with another kind":   {func(r *faults.Rule) { *r = faults.Rule{Match: "x", Kind: faults.Lost, RetryAfter: 1} }, `retryAfter: got 1, want none with kind "lost"`},
		"a time before now":          {func(r *faults.Rule) { r.RetryAfter = -1 }, "retryAfter: got -1, want 0 to 3600 seconds"},
		"a long time":                {func(r *faults.Rule) { r.RetryAfter = 3601 }, "retryAfter: got 3601"},
		"skipping less than none":    {func(r *faults.Rule) { r.Skip = -1 }, "skip: got -1, want 0 or more"},
		"striking less than none":    {func(r *faults.Rule) { r.Count = -1 }, "count: got -1, want 1 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := faults.New(func() {})
			require.NoError(t, f.Replace([]faults.Rule{good}))
			bad := good
			tt.change(&bad)
			require.ErrorContains(t, f.Replace([]faults.Rule{good, bad}), "setting faults: rules[1]: "+tt.want)
			require.Len(t, f.Reports(), 1, "those before stay")
		})
	}
	f := faults.New(func() {})
	err := f.Replace([]faults.Rule{{Kind: "x", Skip: -1}, good, {Match: "x", Kind: faults.Refused, Count: -1}})
	for _, want := range []string{"rules[0]: match", "rules[0]: kind", "rules[0]: skip", "rules[2]: count"} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, f.Replace(make([]faults.Rule, 101)), "got 101 rules, want at most 100")
}

func TestEachFaultStrikesOnceWhateverComesAtOnce(t *testing.T) {
	t.Parallel()
	c := newCloud(t, faults.Rule{Match: "x", Kind: faults.Kill, Skip: 3, Count: 2}, faults.Rule{Match: "x", Kind: faults.Status, Status: 500, Count: 4})
	var failed atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if c.send(t, http.MethodPost, "/x", "Action=x", signedForm).status == 500 {
				failed.Add(1)
			}
			c.faults.Reports()
		})
	}
	group.Wait()
	require.Equal(t, int32(2), c.kills.Load())
	require.Equal(t, int32(4), failed.Load())
	require.Equal(t, int32(16), c.did.Load())
}

func FuzzWrapKeepsTheBody(f *testing.F) {
	f.Add("POST", "/x", "Action=x", "application/x-www-form-urlencoded")
	f.Add("PUT", "/%2f", "{}", "application/json")
	f.Fuzz(func(t *testing.T, method, path, body, contentType string) {
		struck := faults.New(func() {})
		require.NoError(t, struck.Replace([]faults.Rule{{Match: "\x00 matches nothing", Kind: faults.Refused}}))
		got := ""
		handler := struck.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			got = string(raw)
		}))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://cloud/", strings.NewReader(body))
		require.NoError(t, err)
		req.Method, req.URL.Path = method, path
		req.Header.Set("Content-Type", contentType)
		handler.ServeHTTP(httptest.NewRecorder(), req)
		require.Equal(t, body, got)
	})
}
