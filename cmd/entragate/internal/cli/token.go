package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/verify"
)

// tokenResult is what `token --json` prints.
type tokenResult struct {
	Caller  string         `json:"caller"`
	Token   string         `json:"token"`
	Expires *time.Time     `json:"expires,omitempty"`
	Claims  map[string]any `json:"claims"`
}

func (a *app) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "token CALLER",
		Short: "Get a token from the sandbox as a caller of the access matrix, such as portal:user",
		Long: `Prints the access token alone, for use in a shell; with --json its claims too. The
callers are the columns of the access matrix.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s: got %d arguments, want one caller", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.token(cmd.Context(), args[0]) },
	}
}

func (a *app) token(ctx context.Context, id string) (err error) {
	s, err := a.openSoon(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	target, err := s.target()
	if err != nil {
		return err
	}
	callers := target.Model.Matrix().Callers
	i := slices.IndexFunc(callers, func(c access.Caller) bool { return c.ID == id })
	if i < 0 || callers[i].Kind == access.CallerAnonymous {
		return usageError{fmt.Errorf("caller: got %q, want one of %s", id, callerIDs(callers))}
	}
	tokens := verify.NewSandbox(target, s.settings, s.env, s.clouds)
	defer func() { err = errors.Join(err, tokens.Close(ctx)) }()
	got, err := tokens.Token(ctx, callers[i], callers[i].Client)
	if err != nil {
		return err
	}
	if got.Access == "" {
		return fmt.Errorf("%s: Entra gives no token: %s", id, got.Refusal)
	}
	result, err := readToken(id, got.Access)
	if err != nil {
		return err
	}
	return a.print(result, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, result.Token)
		return err
	})
}

func callerIDs(callers []access.Caller) string {
	var ids []string
	for _, c := range callers {
		if c.Kind != access.CallerAnonymous {
			ids = append(ids, c.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// readToken reads the claims, without verifying anything: the gateway does.
func readToken(caller, token string) (tokenResult, error) {
	r := tokenResult{Caller: caller, Token: token}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return r, fmt.Errorf("%s: got a token of %d parts, want 3", caller, len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return r, fmt.Errorf("%s: the token's claims: %w", caller, err)
	}
	if err := json.Unmarshal(raw, &r.Claims); err != nil {
		return r, fmt.Errorf("%s: the token's claims: %w", caller, err)
	}
	if exp, ok := r.Claims["exp"].(float64); ok {
		at := time.Unix(int64(exp), 0).UTC()
		r.Expires = &at
	}
	return r, nil
}
