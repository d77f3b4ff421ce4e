package clouds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	maxAnswer = 16 << 20 // bytes
	// maxPages ends a list whose pages never do.
	maxPages = 10_000
)

// Graph calls Microsoft Graph.
type Graph struct {
	// Endpoint is such as "https://graph.microsoft.com".
	Endpoint   string
	Credential azcore.TokenCredential
	HTTP       *http.Client
}

// GraphError is an error that Microsoft Graph answered.
// https://learn.microsoft.com/graph/errors
type GraphError struct {
	Method, Path  string
	Status        int
	Code, Message string
}

func (e *GraphError) Error() string {
	return fmt.Sprintf("microsoft graph: %s %s: %d %s: %s", e.Method, e.Path, e.Status, e.Code, e.Message)
}

// IsNotFound reports whether what was asked for does not exist.
func IsNotFound(err error) bool {
	var e *GraphError
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// Call sends a request below /v1.0; in and out may be nil. The path starts with
// a slash, its parts escaped.
func (g *Graph) Call(ctx context.Context, method, path string, in, out any) error {
	return g.call(ctx, method, g.Endpoint+"/v1.0"+path, in, out)
}

// List reads all pages of a collection.
func List[T any](ctx context.Context, g *Graph, path string) ([]T, error) {
	all := []T{}
	address := g.Endpoint + "/v1.0" + path
	for range maxPages {
		var page struct {
			Value []T    `json:"value"`
			Next  string `json:"@odata.nextLink"`
		}
		if err := g.call(ctx, http.MethodGet, address, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if page.Next == "" {
			return all, nil
		}
		// The token goes with every request, so only to where it belongs.
		if !strings.HasPrefix(page.Next, g.Endpoint+"/") {
			return nil, fmt.Errorf("microsoft graph: %s: the next page is at %q, want it below %s", path, page.Next, g.Endpoint)
		}
		address = page.Next
	}
	return nil, fmt.Errorf("microsoft graph: %s: more than %d pages", path, maxPages)
}

func (g *Graph) call(ctx context.Context, method, address string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("microsoft graph: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return fmt.Errorf("microsoft graph: %w", err)
	}
	token, err := g.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{g.Endpoint + "/.default"}})
	if err != nil {
		return fmt.Errorf("signing in for microsoft graph: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := g.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("microsoft graph: %w", err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("microsoft graph: %s: reading the answer: %w", req.URL.Path, err)
	}
	if res.StatusCode/100 != 2 {
		return graphError(method, req.URL, res.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("microsoft graph: %s: %w", req.URL.Path, err)
	}
	return nil
}

func graphError(method string, address *url.URL, status int, raw []byte) error {
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &answer) // an answer of another form has no code
	return &GraphError{method, address.Path, status, answer.Error.Code, answer.Error.Message}
}
