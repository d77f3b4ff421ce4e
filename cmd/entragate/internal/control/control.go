// Package control calls the control surface of a sandbox.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/entragate/entragate/sandbox"
)

const maxAnswer = 1 << 20 // bytes

// Call sends in to a path below /_sandbox, or nothing if it is nil, and reads the
// answer into out.
func Call(ctx context.Context, client *http.Client, settings sandbox.Settings, path string, in, out any) error {
	method, body := http.MethodGet, io.Reader(nil)
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		method, body = http.MethodPost, bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, settings.EntraURL()+"/_sandbox"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+settings.ControlKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox's control surface: %s: %s", res.Status, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("the sandbox's control surface: %w", err)
	}
	return nil
}
