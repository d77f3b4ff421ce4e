package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge/mapping"
)

// lookup knows one value of each kind.
func lookup(kind mapping.Kind, name string) (string, bool) {
	type key struct {
		kind mapping.Kind
		name string
	}
	value, ok := map[key]string{
		{mapping.Header, "x-user"}:                       "ann",
		{mapping.QueryString, "page"}:                    "2",
		{mapping.Path, ""}:                               "/orders/7",
		{mapping.PathParameter, "id"}:                    "7",
		{mapping.Context, "authorizer.claims.sub"}:       "s",
		{mapping.StageVariable, "host"}:                  "example.com",
		{mapping.URIPathVariable, "id"}:                  "7",
		{mapping.URIPathVariable, "proxy"}:               "a/b",
		{mapping.ResponseHeader, "x-count"}:              "3",
		{mapping.Context, "authorizer.claims.tenant-id"}: "t",
	}[key{kind, name}]
	return value, ok
}

func TestRequestParametersAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ key, value, want string }{
		"unknown action":          {"replace:header.x", "1", `got action "replace"`},
		"no action":               {"header.x", "1", `got action "header.x"`},
		"unknown target":          {"append:cookie.x", "1", `got target "cookie.x"`},
		"header without a name":   {"append:header.", "1", `got target "header."`},
		"append to the path":      {"append:path", "1", `got target "path"`},
		"remove the path":         {"remove:path", "1", `got target "path"`},
		"status of a request":     {"overwrite:statuscode", "403", `got target "statuscode"`},
		"reserved header":         {"overwrite:header.authorization", "1", "header authorization is reserved"},
		"reserved prefix":         {"append:header.X-Amzn-Oidc-Data", "1", "header X-Amzn-Oidc-Data is reserved"},
		"removal of reserved":     {"remove:header.Origin", "", "header Origin is reserved"},
		"unknown source":          {"append:header.x", "$request.cookie.a", `got source "$request.cookie.a"`},
		"a response source":       {"append:header.x", "$response.header.a", `got source "$response.header.a"`},
		"request body":            {"append:header.x", "$request.body.a", "mapping from a body is not implemented"},
		"a whole body":            {"append:header.x", "$request.body", "mapping from a body is not implemented"},
		"another side's body":     {"append:header.x", "$response.body", `got source "$response.body"`},
		"a space in a header":     {"append:header.x y", "1", `got target "header.x y"`},
		"a space in a parameter":  {"append:querystring.x y", "1", `got target "querystring.x y"`},
		"header without its name": {"append:header.x", "$request.header.", `got source "$request.header"`},
		"empty braces":            {"append:header.x", "${}", `got source "$"`},
		"an open brace":           {"append:header.x", "${request.path", "a brace is not closed"},
		"a bare dollar":           {"append:header.x", "5$", `got source "$"`},
		"a space in a name":       {"append:header.x", "${context.request id}", "got source"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.ParseRequest(map[string]string{test.key: test.value})
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, test.key)
		})
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	t.Parallel()
	_, err := mapping.ParseRequest(map[string]string{"append:header.via": "1", "append:header.x": "$nope", "append:header.ok": "1"})
	require.ErrorContains(t, err, "via is reserved")
	require.ErrorContains(t, err, "$nope")
}

func TestRequestValuesAreEvaluated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		value, want string
		unset       bool
	}{
		"static":                     {value: "static value", want: "static value"},
		"empty":                      {value: "", want: ""},
		"header":                     {value: "$request.header.x-user", want: "ann"},
		"header in braces":           {value: "${request.header.x-user}", want: "ann"},
		"query string":               {value: "$request.querystring.page", want: "2"},
		"path":                       {value: "$request.path", want: "/orders/7"},
		"path parameter":             {value: "$request.path.id", want: "7"},
		"claim":                      {value: "$context.authorizer.claims.sub", want: "s"},
		"stage variable":             {value: "https://$stageVariables.host/x", want: "https://example.com/x"},
		"text before":                {value: "/public/$request.path.id", want: "/public/7"},
		"several in braces":          {value: "${request.path.id} of ${request.header.x-user}", want: "7 of ann"},
		"a full stop after a name":   {value: "$request.path.id.", want: "7."},
		"unset alone":                {value: "$request.header.x-none", unset: true},
		"unset beside text":          {value: "a-${request.header.x-none}-b", want: "a--b"},
		"unset beside another unset": {value: "${request.header.x-none}${request.path.none}", unset: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := mapping.ParseRequest(map[string]string{"append:header.x": test.value})
			require.NoError(t, err)
			require.Len(t, parsed, 1)
			got, ok := parsed[0].Value.Eval(lookup)
			require.Equal(t, !test.unset, ok)
			if ok {
				require.Equal(t, test.want, got)
			}
		})
	}
}

func TestKeysAreParsedInAStableOrder(t *testing.T) {
	t.Parallel()
	parsed, err := mapping.ParseRequest(map[string]string{
		"remove:header.b": "''", "append:header.x-a": "1", "overwrite:path": "/p", "overwrite:querystring.Q.x": "2",
		"remove:header.x!y": "",
	})
	require.NoError(t, err)
	require.Len(t, parsed, 5)
	require.Equal(t, []any{mapping.Append, mapping.TargetHeader, "X-A"}, []any{parsed[0].Action, parsed[0].Target, parsed[0].Name})
	require.Equal(t, []any{mapping.Overwrite, mapping.TargetPath, ""}, []any{parsed[1].Action, parsed[1].Target, parsed[1].Name})
	require.Equal(t, []any{mapping.Overwrite, mapping.TargetQueryString, "Q.x"}, []any{parsed[2].Action, parsed[2].Target, parsed[2].Name})
	require.Equal(t, []any{mapping.Remove, mapping.TargetHeader, "B"}, []any{parsed[3].Action, parsed[3].Target, parsed[3].Name})
	require.Equal(t, "X!y", parsed[4].Name, "a header may have any name of HTTP")
}

func TestResponseParameters(t *testing.T) {
	t.Parallel()
	parsed, err := mapping.ParseResponse(map[string]string{"append:header.count": "$response.header.x-count", "overwrite:statuscode": "403"})
	require.NoError(t, err)
	got, ok := parsed[0].Value.Eval(lookup)
	require.True(t, ok)
	require.Equal(t, "3", got)
	for key, value := range map[string]string{
		"overwrite:statuscode": "abc", "overwrite:path": "/x", "append:querystring.a": "1", "append:header.via": "x",
		"append:header.x": "$request.header.a", "remove:statuscode": "",
	} {
		_, err := mapping.ParseResponse(map[string]string{key: value})
		require.ErrorContains(t, err, key)
	}
	for _, status := range []string{"199", "600", "$context.status"} {
		_, err := mapping.ParseResponse(map[string]string{"overwrite:statuscode": status})
		require.ErrorContains(t, err, "want a number from 200 to 599")
	}
}

func TestIntegrationURIs(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"https://example.com":                         "https://example.com",
		"https://example.com/{proxy}":                 "https://example.com/a/b",
		"https://example.com/{proxy+}?id={id}":        "https://example.com/a/b?id=7",
		"https://${stageVariables.host}/x/{id}/y":     "https://example.com/x/7/y",
		"https://example.com/{none}":                  "https://example.com/",
		"https://${stageVariables.host}/$x/{id}{id}$": "https://example.com/$x/77$",
	} {
		parsed, err := mapping.ParseURI(uri)
		require.NoError(t, err, uri)
		got, _ := parsed.Eval(lookup)
		require.Equal(t, want, got, uri)
	}
	for uri, want := range map[string]string{
		"https://example.com/{id":                 "a brace is not closed",
		"https://example.com/{}":                  "want the name of a path variable",
		"https://${context.domainName}/":          "want ${stageVariables.name}",
		"https://example.com/${stageVariables.}/": "want the name of a path variable",
	} {
		_, err := mapping.ParseURI(uri)
		require.ErrorContains(t, err, want, uri)
	}
}

func FuzzParseExpressions(f *testing.F) {
	for _, seed := range []string{"$request.path", "${request.path.id} ${context.a}", "https://${stageVariables.a}/{proxy+}", "$$", "${", "{a+}"} {
		f.Add("append:header.x", seed)
	}
	f.Add("overwrite:path", "/$request.path.proxy")
	f.Fuzz(func(t *testing.T, key, value string) {
		// References that render as they are written in braces, with text kept,
		// parse again to something that renders the same.
		echo := func(kind mapping.Kind, name string) (string, bool) {
			prefix, ok := map[mapping.Kind]string{
				mapping.Header: "request.header.", mapping.QueryString: "request.querystring.", mapping.Path: "request.path",
				mapping.PathParameter: "request.path.", mapping.Context: "context.", mapping.StageVariable: "stageVariables.",
			}[kind]
			require.True(t, ok)
			return "${" + prefix + name + "}", true
		}
		if parsed, err := mapping.ParseRequest(map[string]string{key: value}); err == nil && parsed[0].Action != mapping.Remove {
			first, _ := parsed[0].Value.Eval(echo)
			again, err := mapping.ParseRequest(map[string]string{key: first})
			require.NoError(t, err)
			second, _ := again[0].Value.Eval(echo)
			require.Equal(t, first, second)
		}
		if parsed, err := mapping.ParseURI(value); err == nil {
			parsed.Eval(lookup)
			require.LessOrEqual(t, len(parsed.References(mapping.URIPathVariable)), len(value))
		}
	})
}
