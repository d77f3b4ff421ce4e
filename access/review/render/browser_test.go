package render_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/review"
)

// The tests below run one after the other: a browser is many processes.

func TestPageOpensInABrowser(t *testing.T) {
	b := startBrowser(t)
	for name, r := range map[string]review.Review{"change": example(), "no change": unchanged(), "first": first(), "vast": vast()} {
		b.open(render4(t, "html", r))
		require.Empty(t, b.complaints(), name)
	}
	for name, s := range hostile {
		b.open(render4(t, "html", named(s)))
		require.Empty(t, b.complaints(), name)
	}

	b.open("<!DOCTYPE html><script>console.error(1); alert</script><img src=nowhere.png>")
	require.NotEmpty(t, b.complaints(), "a page that has them shows that they are seen")
}

// colours lists each pair of a text's colour and what is behind it, once.
const colours = `(() => {
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c !== 'rgba(0, 0, 0, 0)') return c;
    }
    return 'none';
  };
  const pairs = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim()) pairs.add(getComputedStyle(e).color + '/' + behind(e));
  }
  return [...pairs];
})()`

func TestPageIsReadableOnLightAndDarkScreens(t *testing.T) {
	b := startBrowser(t)
	b.open(render4(t, "html", example()))
	var backgrounds []string
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		var pairs []string
		b.eval(colours, &pairs)
		require.Greater(t, len(pairs), 5)
		for _, pair := range pairs {
			text, behind, _ := strings.Cut(pair, "/")
			require.GreaterOrEqual(t, contrast(rgb(t, text), rgb(t, behind)), textContrast, "%s: %s", scheme, pair)
		}
		var background string
		b.eval(`getComputedStyle(document.body).backgroundColor`, &background)
		backgrounds = append(backgrounds, background)
	}
	require.NotEqual(t, backgrounds[0], backgrounds[1], "dark is dark")
}

// node is one of the browser's accessibility tree.
type node struct {
	Ignored bool
	Role    struct{ Value string }
	Name    struct{ Value string }
}

func TestScreenReadersSeeBothMatrices(t *testing.T) {
	b := startBrowser(t)
	b.open(render4(t, "html", example()))
	var tree struct{ Nodes []node }
	b.call("Accessibility.getFullAXTree", nil, &tree)
	names := map[string][]string{}
	for _, n := range tree.Nodes {
		if !n.Ignored {
			names[n.Role.Value] = append(names[n.Role.Value], n.Name.Value)
		}
	}
	require.Subset(t, names["table"], []string{"Who can call what as it is deployed", "Who could call what with the change"})
	require.Subset(t, names["region"], []string{"Before", "After", "Cells that change"})
	require.Subset(t, names["columnheader"], []string{"Route", "anonymous", "spa:user", "other-client"})
	require.Subset(t, names["rowheader"], []string{"GET /orders/{id}", "GET /old"})
	require.Subset(t, names["link"], []string{"401 no token + gains: yes public", "yes public + gains, was 401 no token"})
	require.Subset(t, names["heading"], []string{"Access review: widening and breaking (exit code 3)", "Who gains", "Who loses"})
	for _, role := range []string{"link", "heading", "table", "region", "columnheader", "rowheader", "checkbox"} {
		require.NotEmpty(t, names[role], role)
		require.False(t, slices.Contains(names[role], ""), "a %s has no name", role)
	}
}

func TestKeyboardReachesEveryChangedCell(t *testing.T) {
	b := startBrowser(t)
	r := example()
	b.open(render4(t, "html", r))
	b.press("Tab", 9)
	var skip string
	b.eval(`document.activeElement.textContent + (document.activeElement.getBoundingClientRect().left >= 0 ? '' : ', unseen')`, &skip)
	require.Equal(t, "Skip to the matrices", skip)

	reached := map[string]bool{}
	outlined := true
	for range 400 {
		b.press("Tab", 9)
		var focus struct {
			Cell                 string
			Outlined, Seen, Body bool
		}
		b.eval(`(() => {
			const e = document.activeElement, box = e.getBoundingClientRect();
			const seen = [...Array(20).keys()].some(i =>
				e.contains(document.elementFromPoint(box.left + box.width * (i + .5) / 20, box.top + box.height / 2)));
			return {cell: e.parentElement && e.parentElement.id, outlined: getComputedStyle(e).outlineStyle === 'solid', seen, body: e === document.body};
		})()`, &focus)
		if focus.Body {
			break
		}
		if focus.Cell != "" {
			// https://www.w3.org/TR/WCAG22/#focus-not-obscured-minimum
			require.True(t, focus.Seen, "cell %s has the focus and nothing of it is seen", focus.Cell)
			reached[focus.Cell] = true
		}
		outlined = outlined && focus.Outlined
	}
	require.Len(t, reached, 2*len(r.Cells))
	require.True(t, outlined, "one sees what has the focus")

	var target string
	b.eval(`(() => { document.querySelector('#b1-0 a').click(); return document.querySelector(':target').id; })()`, &target)
	require.Equal(t, "a1-0", target, "a cell leads to the other side")
}

func TestHeadersStayInSight(t *testing.T) {
	b := startBrowser(t)
	b.open(render4(t, "html", large(80, 40)))
	var off struct{ Left, Top, X, Y float64 }
	b.eval(`(() => {
		const pane = document.querySelector('.pane');
		pane.scrollTo(3000, 1500);
		const box = pane.getBoundingClientRect(), head = pane.querySelectorAll('thead th')[30].getBoundingClientRect();
		const row = pane.querySelectorAll('tbody th')[40].getBoundingClientRect();
		return {left: row.left - box.left, top: head.top - box.top, x: pane.scrollLeft, y: pane.scrollTop};
	})()`, &off)
	require.Positive(t, off.X, "the matrix is larger than what is seen of it")
	require.Positive(t, off.Y)
	require.InDelta(t, 0, off.Left, 3)
	require.InDelta(t, 0, off.Top, 3)
}

func TestOnlyWhatChangesCanBeShown(t *testing.T) {
	b := startBrowser(t)
	r := example()
	r.Cells = slices.DeleteFunc(r.Cells, func(c review.CellChange) bool { return c.Caller != "spa:user" || c.Kind == review.Neutral })
	b.open(render4(t, "html", r))
	shown := `[...document.querySelectorAll('.pair th')].filter(e => e.offsetParent !== null).map(e => e.textContent)`
	var all, some []string
	b.eval(shown, &all)
	b.eval(`(() => { document.querySelector('#only').click(); return `+shown+`; })()`, &some)
	side := []string{"Route", "spa:user", "POST /orders", "DELETE /orders/{id}", "GET /old"}
	require.Equal(t, append(slices.Clone(side), side...), some)
	require.Greater(t, len(all), len(some))
}

func TestPageCanBePrinted(t *testing.T) {
	b := startBrowser(t)
	b.open(render4(t, "html", example()))
	var pdf struct{ Data string }
	b.call("Page.printToPDF", nil, &pdf)
	raw, err := base64.StdEncoding.DecodeString(pdf.Data)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(raw), "%PDF-"))

	b.size(1048, 740)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	var hidden []string
	b.eval(`[...document.querySelectorAll('.pane, .wide, main')].filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
		.map(e => e.className + ' ' + e.scrollWidth + ' of ' + e.clientWidth)`, &hidden)
	require.Empty(t, hidden, "paper does not scroll; A4 is 277 mm or 1048 pixels wide between its margins")
}
