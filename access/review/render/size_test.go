package render_test

import (
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/review"
	"github.com/entragate/entragate/access/review/render"
)

func TestPageOfVastReviewIsSmall(t *testing.T) {
	t.Parallel()
	started := time.Now()
	page := render4(t, "html", vast())
	t.Logf("18,000 changed cells: %d bytes in %v", len(page), time.Since(started))
	require.Less(t, len(page), 6<<20)
	require.Contains(t, page, "The first 1000 of 18000 cells")
}

func TestMarkdownFitsAComment(t *testing.T) {
	t.Parallel()
	text := render4(t, "md", vast())
	require.LessOrEqual(t, len(text), render.MaxMarkdown)
	require.Greater(t, len(text), render.MaxMarkdown*9/10, "the space is used")
	require.True(t, utf8.ValidString(text))
	note := strings.Index(text, "**Cut** to fit a comment; left out are ")
	require.Positive(t, note)
	require.Less(t, note, strings.Index(text, "### Who gains"), "the note is where it is seen")
	require.Regexp(t, `left out are .*\d+ of 300 entries of "Who gains".*; \d+ of 300 findings; \d+ of 18000 changed cells`, text)
	require.Equal(t, strings.Count(text, "<details>"), strings.Count(text, "</details>"))

	require.NotContains(t, render4(t, "md", example()), "**Cut**")
}

// TestShortPartsAreWhole: what is long gives way, whichever comes first.
func TestShortPartsAreWhole(t *testing.T) {
	t.Parallel()
	r := vast()
	last := &r.Cells[len(r.Cells)-1]
	last.Kind, last.Before, last.After = review.Breaking, last.After, last.Before
	text := render4(t, "md", r)
	require.Contains(t, text, "### Who loses\n\n- **-** <code>GET /tenants/{tenant}/customers/{customer}/records-299</code>: client-59:user\n")
	require.LessOrEqual(t, len(text), render.MaxMarkdown)
}

// TestOneLongTextDoesNotFillTheComment: a reason of a megabyte, say.
func TestOneLongTextDoesNotFillTheComment(t *testing.T) {
	t.Parallel()
	r := example()
	r.Verdict.Words = strings.Repeat("<", 1<<20)
	r.Findings[1].Acknowledged.Reason = strings.Repeat("long ", 1<<18)
	text := render4(t, "md", r)
	require.LessOrEqual(t, len(text), render.MaxMarkdown)
	require.Contains(t, text, "… (cut)")
	require.Contains(t, text, "route-public")
}

func TestTableStaysWithinItsWidth(t *testing.T) {
	t.Parallel()
	for _, width := range []int{70, 80, 120} {
		var b strings.Builder
		require.NoError(t, render.Table(&b, unchanged(), width))
		require.NoError(t, render.Table(&b, first(), width))
		require.NoError(t, render.Table(&b, example(), width))
		for line := range strings.Lines(b.String()) {
			// A word or a cell of the matrix is not broken.
			if utf8.RuneCountInString(line)-1 > width && !strings.Contains(line, "urn:") && !strings.Contains(line, "azuread:") {
				require.Fail(t, "a line is too wide", "%d: %q", width, line)
			}
		}
	}
	var wide strings.Builder
	require.NoError(t, render.Table(&wide, example(), 0))
	require.Equal(t, 1, strings.Count(wide.String(), "\nROUTE "), "one block")
}

func BenchmarkFormats(b *testing.B) {
	r := vast()
	for format, write := range formats {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				if err := write(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
