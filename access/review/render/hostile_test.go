package render_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// hostile are names that try to do something where they are shown.
var hostile = map[string]string{
	"a script":                `<script>alert(1)</script>`,
	"an attribute":            `"><img src=x onerror=alert(1)>`,
	"the end of an attribute": `' onmouseover='alert(1)`,
	"a link that runs":        `[x](javascript:alert(1)) ![x](https://example.com/x.png) <https://example.com/>`,
	"a template":              `{{.Policy}}${7*7}`,
	"bars":                    "a | b || c \\| d \\\\| e",
	"backticks":               "`a` ``b`` ```c",
	"people and issues":       `@octo-org/security #1 GH-1 !2 $3 ~bug %"1.0" &4 ^alert#5 [vulnerability:6] *x :skull: octo/x#7`,
	"a heading and a command": "x\n\n# heading\r\n/close\n- item\n\n<details>",
	"the end of the details":  `</details></code></td></table></style>`,
	"a terminal's commands":   "\x1b[2J\x1b[31mred\x07\x08\u009b0m",
	"text turned around":      "safe\u202egnp.exe\u2066\u200b\ufeff",
	"no text":                 "\xff\xfe\x00",
	"emphasis":                "**a** __b__ ~~c~~ _d_ ==e==",
	"entities":                "&lt;b&gt; &amp; &#60; &nbsp",
	"very long":               strings.Repeat("<b>|`@a", 4000),
}

// named is a review in which every text that comes from outside is the same.
func named(s string) review.Review {
	denied := access.Decision{Status: 403, Reason: access.ReasonMissingScope, Words: s}
	allowed := access.Decision{Allowed: true, By: s, Reason: access.ReasonScope, Words: s}
	matrix := func(d access.Decision) access.Matrix {
		return access.Matrix{
			Routes: []string{s}, Callers: []access.Caller{{ID: s, Title: s, Kind: access.CallerUser, Client: s}},
			Cells: map[string]map[string]access.Decision{s: {s: d}},
		}
	}
	finding := review.Finding{
		ID: s, Rule: s, Kind: review.Widening, Dangerous: true, Subject: s, Route: s, Callers: []string{s}, Words: s, Cause: s, Setting: s, Resource: s,
		Tokens: s, Unseen: s, Because: []string{s}, Acknowledged: &review.Acknowledgement{Rule: s, Subject: s, Reason: s, Expires: s},
	}
	return review.Review{
		Before: matrix(denied), After: matrix(allowed), Findings: []review.Finding{finding},
		Cells:     []review.CellChange{{Route: s, Caller: s, Before: &denied, After: &allowed, Kind: review.Widening, Causes: []string{s}}},
		Resources: []review.Change{{Op: s, Type: s, Name: s, URN: s, Keys: []string{s}}},
		Order:     &review.SafeOrder{Words: s, Steps: []review.Step{{Name: review.StepName(s), State: s, Words: s, Tokens: s}}},
		Verdict:   review.Verdict{Words: s},
	}
}

// tree are the elements and attributes of a page, without its texts.
func tree(doc *html.Node) []string {
	var out []string
	for _, n := range elements(doc, "") {
		line := n.Data
		for _, a := range n.Attr {
			line += " " + a.Key
		}
		out = append(out, line)
	}
	return out
}

func TestNamesDoNothingOnThePage(t *testing.T) {
	t.Parallel()
	plain := tree(parse(t, render4(t, "html", named("plain"))))
	for name, s := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, render4(t, "html", named(s)))
			require.Equal(t, plain, tree(doc), "the page has the same elements and attributes whatever the names are")
			require.Empty(t, problems(doc))
		})
	}
}

var (
	inCode = regexp.MustCompile(`<code>[^<]*</code>`)
	tag    = regexp.MustCompile(`</?(code|details|summary)>|<br>`)
	escape = regexp.MustCompile(`\\[[:punct:]]|&(lt|gt|amp|#8203);`)
	active = regexp.MustCompile("[<>`|@$^]|[#!~&%][\\pL\\pN]|\\[\\pL|_[^_]*_|[^*]\\*[^*]")
)

// TestNamesDoNothingInMarkdown: line by line, nothing is left that means anything
// once escapes, code and what is written here are taken away.
func TestNamesDoNothingInMarkdown(t *testing.T) {
	t.Parallel()
	plain := strings.Split(render4(t, "md", named("plain")), "\n")
	for name, s := range hostile {
		if name == "very long" { // rows of it are cut, see TestOneLongTextDoesNotFillTheComment
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := strings.Split(render4(t, "md", named(s)), "\n")
			require.Len(t, lines, len(plain), "no name begins a line")
			for i, line := range lines {
				require.True(t, plain[i] == "" || line != "" && line[0] == plain[i][0], "line %d begins with %q", i, line)
				if !strings.HasPrefix(line, "|") {
					line = strings.ReplaceAll(line, "|", "#")
				}
				stripped := escape.ReplaceAllString(line, "")
				want := escape.ReplaceAllString(plain[i], "")
				require.Equal(t, strings.Count(want, "|"), strings.Count(stripped, "|"), "columns of %q", line)
				stripped = tag.ReplaceAllString(inCode.ReplaceAllString(stripped, ""), "")
				rest := strings.NewReplacer("|", "", "**", "", "## ", "", "### ", "").Replace(strings.TrimPrefix(stripped, "> "))
				require.NotRegexp(t, active, rest, "of line %q", line)
			}
		})
	}
}

func TestNamesDoNothingInTheTerminal(t *testing.T) {
	t.Parallel()
	for name, s := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range render4(t, "txt", named(s)) {
				require.True(t, r == '\n' || !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && r != unicode.ReplacementChar, "%U", r)
			}
		})
	}
}

func TestJSONKeepsNamesAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, s := range hostile {
		if name == "no text" { // which JSON cannot carry
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := named(s)
			var got review.Review
			require.NoError(t, json.Unmarshal([]byte(render4(t, "json", want)), &got))
			require.Equal(t, want.Findings, got.Findings)
			require.Equal(t, want.After, got.After)
		})
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := named(s)
		if s == "" { // where there is no name, less is shown
			return
		}
		require.Equal(t, tree(parse(t, render4(t, "html", named("plain")))), tree(parse(t, render4(t, "html", r))))
		lines := strings.Split(render4(t, "md", r), "\n")
		require.LessOrEqual(t, len(lines), strings.Count(render4(t, "md", named("plain")), "\n")+1)
		require.False(t, slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "/") }))
		render4(t, "txt", r)
		render4(t, "json", r)
	})
}
