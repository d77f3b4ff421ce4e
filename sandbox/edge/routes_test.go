package edge

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tableOf makes a table of routes without authorizers or integrations.
func tableOf(keys ...string) *routeTable {
	var routes []*route
	for _, key := range keys {
		routes = append(routes, &route{key: key})
	}
	return newRouteTable(routes)
}

// matched is the key of the route and its variables, or "none".
func matched(t *routeTable, method, path string) string {
	r, vars := t.find(method, path)
	if r == nil {
		return "none"
	}
	words := []string{r.key}
	for _, v := range vars {
		words = append(words, v.Name+"="+v.Value)
	}
	return strings.Join(words, " ")
}

func TestRoutePriority(t *testing.T) {
	t.Parallel()
	// The first routes are the example of the AWS documentation.
	table := tableOf(
		"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default",
		"ANY /orders", "GET /orders", "POST /orders/{id}", "ANY /orders/{id}", "GET /orders/latest", "GET /",
		"GET /{a}/b/c", "GET /x/{b}/c", "GET /deep/{proxy+}", "GET /deep/er/{proxy+}", "GET /deep/{v}/{proxy+}",
		"ANY /any/{id}", "GET /any/{proxy+}",
	)
	for name, test := range map[string]struct{ method, path, want string }{
		"static":                                  {"GET", "/pets/dog/1", "GET /pets/dog/1"},
		"variable":                                {"GET", "/pets/dog/2", "GET /pets/dog/{id} id=2"},
		"greedy":                                  {"GET", "/pets/cat/1", "GET /pets/{proxy+} proxy=cat/1"},
		"greedy of the root, another method":      {"POST", "/test/5", "ANY /{proxy+} proxy=test/5"},
		"greedy of the root on a path of others":  {"POST", "/pets/dog/1", "ANY /{proxy+} proxy=pets/dog/1"},
		"the root is not greedy":                  {"POST", "/", "$default"},
		"the root":                                {"GET", "/", "GET /"},
		"a method before ANY":                     {"GET", "/orders", "GET /orders"},
		"ANY for the others":                      {"PATCH", "/orders", "ANY /orders"},
		"a method before ANY, with a variable":    {"POST", "/orders/7", "POST /orders/{id} id=7"},
		"static before a variable":                {"GET", "/orders/latest", "GET /orders/latest"},
		"a static path of another method":         {"POST", "/orders/latest", "POST /orders/{id} id=latest"},
		"segments count from the left":            {"GET", "/x/b/c", "GET /x/{b}/c b=b"},
		"the other of the two":                    {"GET", "/y/b/c", "GET /{a}/b/c a=y"},
		"the longer greedy":                       {"GET", "/deep/er/1", "GET /deep/er/{proxy+} proxy=1"},
		"greedy after a variable":                 {"GET", "/deep/1/2/3", "GET /deep/{v}/{proxy+} v=1 proxy=2/3"},
		"greedy when the other needs more":        {"GET", "/deep/1", "GET /deep/{proxy+} proxy=1"},
		"a full match of ANY before a greedy GET": {"GET", "/any/1", "ANY /any/{id} id=1"},
		"an unusual method":                       {"PURGE", "/orders", "ANY /orders"},
		"HEAD is not GET":                         {"HEAD", "/pets/dog/1", "ANY /{proxy+} proxy=pets/dog/1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, matched(table, test.method, test.path))
		})
	}
}

func TestPathsAreMatchedExactly(t *testing.T) {
	t.Parallel()
	table := tableOf("GET /orders", "GET /orders/{id}", "GET /files/{proxy+}", "GET /a@b")
	for name, test := range map[string]struct{ path, want string }{
		"a slash at the end":       {"/orders/", "none"},
		"a slash after a variable": {"/orders/7/", "none"},
		"another case":             {"/Orders", "none"},
		"a prefix":                 {"/ordersX", "none"},
		"an empty greedy":          {"/files/", "none"},
		"no greedy":                {"/files", "none"},
		"a greedy with a slash":    {"/files/a/", "GET /files/{proxy+} proxy=a/"},
		"two slashes":              {"//orders", "none"},
		"an encoded letter":        {"/%6Frders", "GET /orders"},
		"an encoded slash":         {"/orders/1%2F2", "GET /orders/{id} id=1/2"},
		"an encoded slash, static": {"/orders%2F7", "none"},
		"an encoded at sign":       {"/a%40b", "GET /a@b"},
		"dots are not resolved":    {"/orders/..", "GET /orders/{id} id=.."},
		"an asterisk":              {"*", "none"},
		"nothing":                  {"", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, matched(table, "GET", test.path))
		})
	}
}

func TestRoutesWithAKeyThatDoesNotParseAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "GET orders", "GET /{proxy+}/x", "$connect"} {
		require.Equal(t, "none", matched(tableOf(key), "GET", "/orders"), key)
	}
}

// TestRoutePriorityAgreesWithAScore compares the table with a judgement
// written another way: score every route that matches, take the best.
func TestRoutePriorityAgreesWithAScore(t *testing.T) {
	t.Parallel()
	firsts, seconds := []string{"a", "b", "{v}", "{w}"}, []string{"a", "b", "{x}", "{y}"}
	var keys []string
	for _, method := range []string{"GET", "POST", "ANY"} {
		for _, first := range firsts {
			keys = append(keys, method+" /"+first, method+" /"+first+"/{p+}")
			for _, second := range seconds {
				keys = append(keys, method+" /"+first+"/"+second)
			}
		}
		keys = append(keys, method+" /{p+}", method+" /")
	}
	paths := []string{"/", "/a", "/b", "/c", "/a/a", "/a/b", "/a/c", "/c/a", "/c/c", "/a/b/c", "/c/c/c", "/a/", "//", "/c/c/"}
	compared := 0
	for seed := range 400 {
		var some []string
		for i, key := range keys {
			if (seed*7919+i*104729)%11 < 4 {
				some = append(some, key)
			}
		}
		if seed%3 == 0 {
			some = append(some, "$default")
		}
		table := tableOf(some...)
		for _, method := range []string{"GET", "POST", "PUT"} {
			for _, path := range paths {
				got, _ := table.find(method, path)
				want := bestByScore(some, method, path)
				if got == nil {
					require.Empty(t, want, "%s %s of %v", method, path, some)
				} else {
					require.Equal(t, scoreOf(want), scoreOf(got.key), "%s %s: got %s, want %s", method, path, got.key, want)
				}
				compared++
			}
		}
	}
	require.Greater(t, compared, 10_000)
}

// bestByScore returns the matching key with the greatest score.
func bestByScore(keys []string, method, path string) string {
	best := ""
	for _, key := range keys {
		if matchesKey(key, method, path) && (best == "" || scoreOf(key) > scoreOf(best)) {
			best = key
		}
	}
	return best
}

// scoreOf writes priority as text that compares: full before greedy before
// $default, then each segment, then the method.
func scoreOf(key string) string {
	if key == "$default" {
		return "0"
	}
	method, path, _ := strings.Cut(key, " ")
	score := "2"
	if strings.Contains(path, "+}") {
		score = "1"
	}
	for word := range strings.SplitSeq(path[1:], "/") {
		switch {
		case strings.HasSuffix(word, "+}"):
			score += "1"
		case strings.HasPrefix(word, "{"):
			score += "2"
		default:
			score += "3"
		}
	}
	if method != "ANY" {
		score += "9"
	}
	return score
}

// matchesKey is matching by elimination, word by word.
func matchesKey(key, method, path string) bool {
	if key == "$default" {
		return true
	}
	want, pattern, _ := strings.Cut(key, " ")
	if want != "ANY" && want != method {
		return false
	}
	if pattern == "/" || path == "/" {
		return pattern == path
	}
	patterns, words := strings.Split(pattern[1:], "/"), strings.Split(path[1:], "/")
	for len(patterns) > 0 && len(words) > 0 {
		switch {
		case strings.HasSuffix(patterns[0], "+}"):
			return strings.Join(words, "/") != ""
		case strings.HasPrefix(patterns[0], "{") && words[0] == "":
			return false
		case !strings.HasPrefix(patterns[0], "{") && patterns[0] != words[0]:
			return false
		}
		patterns, words = patterns[1:], words[1:]
	}
	return len(patterns) == 0 && len(words) == 0
}

func FuzzRoutes(f *testing.F) {
	f.Add("GET /orders\nGET /orders/{id}\nANY /{proxy+}\n$default", "GET", "/orders/7")
	f.Add("GET /a/{b}/{c+}", "GET", "/a/%2F/x/")
	f.Add("GET /%61", "GET", "/%zz")
	f.Fuzz(func(t *testing.T, keys, method, path string) {
		all := strings.Split(keys, "\n")
		table := tableOf(all...)
		r, vars := table.find(method, path)
		if r == nil {
			require.False(t, slices.Contains(all, "$default"))
			return
		}
		require.Contains(t, all, r.key)
		if r.key == "$default" {
			require.Empty(t, vars)
			return
		}
		require.True(t, r.parsed.Method == method || r.parsed.Method == "ANY")
		for _, v := range vars {
			require.NotEmpty(t, v.Name)
			require.NotEmpty(t, v.Escaped)
		}
		slices.Reverse(all)
		again, _ := tableOf(all...).find(method, path)
		require.Equal(t, r.key, again.key, "the order of declaration must not matter")
	})
}
