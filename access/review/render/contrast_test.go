package render_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The least contrast that WCAG 2.2 asks for at level AA: of text, and of what
// is no text but has to be seen.
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const (
	textContrast = 4.5
	lineContrast = 3.0
)

// contrast is the ratio of two colours, each of red, green and blue from 0 to 255.
func contrast(a, b [3]float64) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c [3]float64) float64 {
	var linear [3]float64
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			linear[i] = v / 12.92
		} else {
			linear[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

func hexColour(t *testing.T, s string) (c [3]float64) {
	t.Helper()
	for i := range c {
		v, err := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c[i] = float64(v)
	}
	return c
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	t.Parallel()
	white, black, grey := [3]float64{255, 255, 255}, [3]float64{}, [3]float64{119, 119, 119}
	require.InDelta(t, 21, contrast(white, black), 0.001)
	require.InDelta(t, 1, contrast(grey, grey), 0.001)
	require.InDelta(t, 4.48, contrast(white, grey), 0.005, "the best known near miss")
}

var (
	variable = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	rule     = regexp.MustCompile(`(?m)^\s*([^@{}\n]+) \{ ([^{}]*) \}$`)
	setting  = regexp.MustCompile(`(?:^|; |\s)(color|background|border[a-z-]*|outline): [^;]*?var\(--([a-z-]+)\)`)
)

// schemes are the colours of the style, on light and on dark screens.
func schemes(t *testing.T, css string) map[string]map[string][3]float64 {
	t.Helper()
	light, rest, ok := strings.Cut(css, "@media screen and (prefers-color-scheme: dark)")
	require.True(t, ok)
	out := map[string]map[string][3]float64{"light": {}, "dark": {}}
	for name, part := range map[string]string{"light": light, "dark": rest} {
		for _, m := range variable.FindAllStringSubmatch(part, -1) {
			out[name][m[1]] = hexColour(t, m[2])
		}
	}
	require.Len(t, out["dark"], len(out["light"]), "a colour is missing in one of them")
	return out
}

func TestColoursCanBeToldApart(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("page.css")
	require.NoError(t, err)
	css := string(raw)
	checked := 0
	for scheme, colours := range schemes(t, css) {
		for _, m := range rule.FindAllStringSubmatch(css, -1) {
			used := map[string]string{}
			for _, s := range setting.FindAllStringSubmatch(m[2], -1) {
				used[s[1]] = s[2]
			}
			text, background := used["color"], used["background"]
			require.False(t, text != "" && background == "", "%s sets a colour and no background, so that nobody knows what it is on", m[1])
			where := fmt.Sprintf("%s, %s", m[1], scheme)
			if text != "" {
				checked++
				require.GreaterOrEqual(t, contrast(colours[text], colours[background]), textContrast, where)
			}
			for property, line := range used {
				if property == "color" || property == "background" {
					continue
				}
				checked++
				on := colours["page"]
				require.GreaterOrEqual(t, contrast(colours[line], on), lineContrast, "%s: %s", where, property)
				if background != "" {
					require.GreaterOrEqual(t, contrast(colours[line], colours[background]), lineContrast, "%s: %s", where, property)
				}
			}
		}
	}
	require.Greater(t, checked, 40, "the style is not read as it is written")
}
