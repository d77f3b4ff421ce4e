package accesslog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge/accesslog"
)

func TestFormatsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ format, want string }{
		"empty":                 {"", "got neither $context.requestId nor"},
		"no request id":         {"$context.status", "got neither $context.requestId nor"},
		"request id as prefix":  {"$context.requestIdentity", "got neither $context.requestId nor"},
		"two lines":             {"$context.requestId\n$context.status", "want a single line"},
		"a carriage return":     {"$context.requestId\r\n", "want a single line"},
		"more than three KB":    {"$context.requestId" + strings.Repeat("x", 3072), "want at most 3072"},
		"braces are not a name": {"${context.requestId}", "got neither $context.requestId nor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := accesslog.ParseFormat(test.format)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestLinesAreRendered(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"requestId": "r1", "extendedRequestId": "r1", "status": "401",
		"authorizer.claims.cognito:username": "ann", "authorizer.claims.sub": "s", "authorizer.latency": "9",
	}
	for name, test := range map[string]struct{ format, want string }{
		"json":                    {`{"id":"$context.requestId","status":$context.status}`, `{"id":"r1","status":401}`},
		"unset is a dash":         {"$context.requestId $context.routeKey", "r1 -"},
		"adjacent variables":      {"$context.requestId$context.status", "r1401"},
		"a full stop":             {"$context.requestId.", "r1."},
		"a colon ends a name":     {"$context.requestId:$context.status:x", "r1:401:x"},
		"a colon inside a claim":  {"$context.requestId $context.authorizer.claims.cognito:username", "r1 ann"},
		"a hyphen ends a name":    {"$context.requestId-$context.status", "r1-401"},
		"unknown is a dash":       {"$context.requestId $context.nonesuch", "r1 -"},
		"rest only is a dash":     {"$context.requestId $context.authorizer.latency", "r1 -"},
		"a lone prefix is text":   {"$context. $context.requestId", "$context. r1"},
		"other dollars are text":  {"$stage $$ $context.requestId $", "$stage $$ r1 $"},
		"extended id is enough":   {"$context.extendedRequestId", "r1"},
		"line feeds at the end":   {"$context.requestId\n\n", "r1"},
		"the context itself":      {"$context $contextual $context.requestId", "$context $contextual r1"},
		"text after the last one": {"$context.requestId end", "r1 end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := accesslog.ParseFormat(test.format)
			require.NoError(t, err)
			require.Equal(t, test.want, f.Render(func(name string) string { return values[name] }))
		})
	}
}

func TestUnknownVariablesAreListed(t *testing.T) {
	t.Parallel()
	f, err := accesslog.ParseFormat("$context.requestId $context.resourcePath $context.authorizer.custom $context.waf.status $context $context.-")
	require.NoError(t, err)
	require.Equal(t, []string{"$context.resourcePath", "$context.waf.status", "$context", "$context"}, f.Unknown())
}

func TestKnownVariables(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"accountId", "authorizer.claims", "authorizer.claims.scp", "authorizer.error", "authorizer.tenant",
		"identity.clientCert.validity.notAfter", "integration.latency", "responseLatency", "status",
	} {
		require.True(t, accesslog.KnownVariable(name), name)
	}
	for _, name := range []string{
		"", "Status", "authorizer", "authorizer.", "authorizer.claims.", "authorizer.latency", "authorizer.a.b",
		"authenticate.error", "authorize.status", "resourcePath", "waf.latency", "identity", "error",
	} {
		require.False(t, accesslog.KnownVariable(name), name)
	}
}

func FuzzParseFormat(f *testing.F) {
	for _, seed := range []string{
		"$context.requestId", `{"a":"$context.authorizer.claims.sub","b":"$context.requestId"}`, "$context.$context.requestId..", "$context.requestId:$",
		"$context", "$context.requestId\n", "\n", "$$context.requestId", "$context.authorizer.$context.extendedRequestId",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, format string) {
		parsed, err := accesslog.ParseFormat(format)
		if err != nil {
			return
		}
		// Rendering each known variable as itself must give the format back,
		// with a dash for each variable that is not known.
		got := parsed.Render(func(name string) string { return "$context." + name })
		if len(parsed.Unknown()) == 0 {
			require.Equal(t, strings.TrimRight(format, "\n"), got)
		}
		require.LessOrEqual(t, len(format), accesslog.MaxFormatBytes)
		require.NotContains(t, got, "\n")
	})
}
