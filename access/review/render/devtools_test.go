package render_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser is a headless Chromium, spoken to through a pair of pipes: JSON, each
// message ended by a zero byte.
// https://chromedevtools.github.io/devtools-protocol/
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	last    int
	events  []event
}

type event struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// findChromium returns the browser, or skips the test: what else is tested of the
// page needs none.
func findChromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("NO BROWSER: the page is not opened in one, since none of %v is on the PATH; only its structure and colours are checked", names)
	return ""
}

// startBrowser starts the browser with one empty tab.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := findChromium(t)
	toBrowser, in, err := os.Pipe()
	require.NoError(t, err)
	out, fromBrowser, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(path,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir())
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // 3 and 4
	require.NoError(t, cmd.Start())
	_, _ = toBrowser.Close(), fromBrowser.Close()
	require.NoError(t, out.SetReadDeadline(time.Now().Add(2*time.Minute)))
	b := &browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close() // which ends the browser
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
		_ = out.Close()
	})
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	b.size(1400, 900)
	return b
}

// call sends a command and reads up to its answer; events on the way are kept.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.last++
	raw, err := json.Marshal(map[string]any{"id": b.last, "method": method, "params": orNone(params)})
	require.NoError(b.t, err)
	if b.session != "" {
		raw, err = json.Marshal(map[string]any{"id": b.last, "method": method, "params": orNone(params), "sessionId": b.session})
		require.NoError(b.t, err)
	}
	_, err = b.in.Write(append(raw, 0))
	require.NoError(b.t, err, method)
	for {
		id, answer := b.read()
		if id == b.last {
			if result != nil {
				require.NoError(b.t, json.Unmarshal(answer, result))
			}
			return
		}
	}
}

func orNone(params any) any {
	if params == nil {
		return map[string]any{}
	}
	return params
}

// read reads one message: an answer with its id, or an event, which is kept.
func (b *browser) read() (id int, answer json.RawMessage) {
	b.t.Helper()
	raw, err := b.out.ReadBytes(0)
	require.NoError(b.t, err, "the browser says nothing more")
	var message struct {
		event
		ID     int             `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	require.NoError(b.t, json.Unmarshal(raw[:len(raw)-1], &message))
	require.Empty(b.t, string(message.Error))
	if message.Method != "" {
		b.events = append(b.events, message.event)
	}
	return message.ID, message.Result
}

// open opens the page as a file and waits until it is loaded.
func (b *browser) open(page string) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "review.html")
	require.NoError(b.t, os.WriteFile(file, []byte(page), 0o600))
	b.events = nil
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	for seen := 0; ; {
		for ; seen < len(b.events); seen++ {
			if b.events[seen].Method == "Page.loadEventFired" {
				return
			}
		}
		b.read()
	}
}

// size sets how much of a page is seen at once.
func (b *browser) size(width, height int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// eval returns what an expression comes to.
func (b *browser) eval(expression string, result any) {
	b.t.Helper()
	var answer struct {
		Result    struct{ Value json.RawMessage }
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer)
	require.Empty(b.t, string(answer.Exception), expression)
	require.NoError(b.t, json.Unmarshal(answer.Result.Value, result), expression)
}

// press presses and releases a key.
func (b *browser) press(key string, code int) {
	b.t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
	}
}

// complaints are the errors and warnings of the console, dialogs, and requests for
// anything but the page.
func (b *browser) complaints() []string {
	b.t.Helper()
	var out []string
	for _, e := range b.events {
		var p struct {
			Type    string
			Entry   struct{ Level, Text string }
			Request struct{ URL string }
			Message string
		}
		require.NoError(b.t, json.Unmarshal(e.Params, &p))
		switch e.Method {
		case "Runtime.exceptionThrown":
			out = append(out, "exception: "+string(e.Params))
		case "Runtime.consoleAPICalled":
			out = append(out, "console: "+p.Type)
		case "Log.entryAdded":
			out = append(out, p.Entry.Level+": "+p.Entry.Text)
		case "Page.javascriptDialogOpening":
			out = append(out, "dialog: "+p.Message)
		case "Network.requestWillBeSent":
			if filepath.Base(p.Request.URL) != "review.html" {
				out = append(out, "request: "+p.Request.URL)
			}
		}
	}
	return out
}

// rgb parses what a browser says of a colour.
func rgb(t *testing.T, s string) (c [3]float64) {
	t.Helper()
	n, err := fmt.Sscanf(s, "rgb(%f, %f, %f)", &c[0], &c[1], &c[2])
	require.NoError(t, err, "%q, of which %d are numbers", s, n)
	return c
}
