package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// secretName marks the secrets that are made here.
const secretName = "entragate verify" //nolint:gosec // a display name

// secretLifetime ends a secret that a crashed run could not remove.
const secretLifetime = 15 * time.Minute

// secrets makes client secrets that live as long as they are needed, for clients
// that prove themselves otherwise.
type secrets struct {
	graph *clouds.Graph
	now   func() time.Time // in the clouds
	mu    sync.Mutex
	made  []madeSecret
}

type madeSecret struct{ application, keyID string }

// application is a registration with the secrets that it has.
type application struct {
	ID                  string `json:"id"`
	PasswordCredentials []struct {
		KeyID       string  `json:"keyId"`
		DisplayName *string `json:"displayName"`
	} `json:"passwordCredentials"`
}

// add makes a secret for a client id, and removes those that crashed runs left.
// https://learn.microsoft.com/graph/api/application-addpassword
func (s *secrets) add(ctx context.Context, clientID string) (string, error) {
	var app application
	if err := s.graph.Call(ctx, http.MethodGet, "/applications(appId='"+clientID+"')?$select=id,passwordCredentials", nil, &app); err != nil {
		return "", err
	}
	for _, c := range app.PasswordCredentials {
		if c.DisplayName != nil && *c.DisplayName == secretName {
			if err := s.remove(ctx, madeSecret{app.ID, c.KeyID}); err != nil {
				return "", err
			}
		}
	}
	var made struct {
		KeyID      string `json:"keyId"`
		SecretText string `json:"secretText"`
	}
	err := s.graph.Call(ctx, http.MethodPost, "/applications/"+app.ID+"/addPassword", map[string]any{
		"passwordCredential": map[string]any{
			"displayName": secretName, "endDateTime": s.now().Add(secretLifetime).UTC().Format(time.RFC3339),
		},
	}, &made)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, madeSecret{app.ID, made.KeyID})
	return made.SecretText, nil
}

func (s *secrets) remove(ctx context.Context, made madeSecret) error {
	return s.graph.Call(ctx, http.MethodPost, "/applications/"+made.application+"/removePassword",
		map[string]string{"keyId": made.keyID}, nil)
}

// removeAll removes what add made.
func (s *secrets) removeAll(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, made := range s.made {
		if err := s.remove(ctx, made); err != nil && !clouds.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("removing a secret of application %s: %w", made.application, err))
		}
	}
	s.made = nil
	return errors.Join(errs...)
}
