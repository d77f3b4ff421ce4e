package rotate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// graph is Microsoft Graph, for one invocation.
type graph struct {
	entra
	own      *Value            // the rotator's own secret, if it has one
	pipeline *runtime.Pipeline // nil before the first request
}

// openGraph makes a client that signs in at its first request. It has a token of
// its own: one of the invocation before would be judged by the function's clock,
// which need not be Entra's.
func (e entra) openGraph(own *Value) Applications { return &graph{entra: e, own: own} }

// signIn makes the pipeline, whose credential has no token yet.
func (g *graph) signIn(ctx context.Context) error {
	var credential azcore.TokenCredential
	var err error
	if g.own != nil {
		credential, err = g.bySecret(*g.own)
	} else {
		credential, err = g.federated(ctx)
	}
	if err != nil {
		return err
	}
	options := g.options(g.config.Authority)
	pipeline := runtime.NewPipeline("rotate", "", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(credential, []string{g.graphScope()}, nil)},
	}, &options)
	g.pipeline = &pipeline
	return nil
}

// applications is where applications are.
func (g *graph) applications() string { return g.config.GraphURL + "/v1.0/applications" }

// password is a credential as Microsoft Graph writes it.
// https://learn.microsoft.com/graph/api/resources/passwordcredential
type password struct {
	DisplayName   string    `json:"displayName"`
	EndDateTime   time.Time `json:"endDateTime"`
	KeyID         string    `json:"keyId"`
	SecretText    string    `json:"secretText"`
	StartDateTime time.Time `json:"startDateTime"`
}

// Find implements [Applications].
// https://learn.microsoft.com/graph/api/application-get
func (g *graph) Find(ctx context.Context, clientID string) (Application, error) {
	var found struct {
		ID        string     `json:"id"`
		Passwords []password `json:"passwordCredentials"`
	}
	date, err := g.send(ctx, http.MethodGet, g.applications()+"(appId='"+clientID+"')?$select=id,passwordCredentials", nil, &found)
	if err != nil {
		return Application{}, fmt.Errorf("read the application %s: %w", clientID, err)
	}
	now, err := http.ParseTime(date)
	if err != nil {
		return Application{}, fmt.Errorf("read the application %s: Microsoft Graph's answer has no date: %w", clientID, err)
	}
	app := Application{ObjectID: found.ID, Now: now}
	for _, p := range found.Passwords {
		app.Passwords = append(app.Passwords, Password{KeyID: p.KeyID, Name: p.DisplayName, Start: p.StartDateTime, End: p.EndDateTime})
	}
	return app, nil
}

// AddPassword implements [Applications].
// https://learn.microsoft.com/graph/api/application-addpassword
func (g *graph) AddPassword(ctx context.Context, objectID, name string, end time.Time) (NewPassword, error) {
	var added password
	_, err := g.send(ctx, http.MethodPost, g.applications()+"/"+objectID+"/addPassword", map[string]any{
		"passwordCredential": map[string]any{"displayName": name, "endDateTime": end.UTC().Format(time.RFC3339)},
	}, &added)
	if err != nil {
		return NewPassword{}, err
	}
	if added.KeyID == "" || added.SecretText == "" || added.EndDateTime.IsZero() {
		return NewPassword{}, errors.New("the answer lacks keyId, secretText or endDateTime")
	}
	return NewPassword{KeyID: added.KeyID, End: added.EndDateTime, Text: Hidden(added.SecretText)}, nil
}

// RemovePassword implements [Applications].
// https://learn.microsoft.com/graph/api/application-removepassword
func (g *graph) RemovePassword(ctx context.Context, objectID, keyID string) error {
	_, err := g.send(ctx, http.MethodPost, g.applications()+"/"+objectID+"/removePassword", map[string]any{"keyId": keyID}, nil)
	if answer := (*graphError)(nil); errors.As(err, &answer) && answer.isGone() {
		return nil
	}
	return err
}

// send sends a request once, and returns the date of the answer.
func (g *graph) send(ctx context.Context, method, address string, body, into any) (date string, err error) {
	request, err := runtime.NewRequest(ctx, method, address)
	if err != nil {
		return "", err
	}
	request.Raw().Header.Set("Accept", "application/json")
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			return "", err
		}
	}
	if g.pipeline == nil {
		if err := g.signIn(ctx); err != nil {
			return "", fmt.Errorf("sign in as the rotator: %w", err)
		}
	}
	response, err := g.pipeline.Do(request)
	if failed := (*azidentity.AuthenticationFailedError)(nil); errors.As(err, &failed) {
		return "", fmt.Errorf("sign in as the rotator: %w", signInError(ctx, err))
	}
	if err != nil {
		return "", unanswered(ctx, err)
	}
	defer response.Body.Close()
	content, err := runtime.Payload(response)
	if err != nil {
		return "", unanswered(ctx, err)
	}
	if response.StatusCode >= 300 {
		if response.StatusCode == http.StatusForbidden {
			g.pipeline = nil // a token has the permissions of when it was issued
		}
		return "", newGraphError(response, content)
	}
	// What the decoder says might quote a secret.
	if into != nil && json.Unmarshal(content, into) != nil {
		return "", errors.New("the answer is not the JSON that Microsoft Graph documents")
	}
	return response.Header.Get("Date"), nil
}

// graphError is a refusal.
// https://learn.microsoft.com/graph/errors
type graphError struct {
	status        int
	code, message string
}

func (e *graphError) Error() string {
	text := fmt.Sprintf("Microsoft Graph answered %d %s: %s", e.status, e.code, e.message)
	if advice := e.advice(); advice != "" {
		text += " (" + advice + ")"
	}
	return text
}

// says tells whether the code or the message has these words.
func (e *graphError) says(words string) bool {
	return strings.Contains(strings.ToLower(e.code+": "+e.message), strings.ToLower(words))
}

// advice is what to do about it. The policies are those of
// https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
func (e *graphError) advice() string {
	switch {
	case e.says("CredentialInvalidLifetimeAsPerAppPolicy"):
		return "the tenant caps the lifetime of secrets below " + LifetimeVariable + ": want a lifetime within its app management policy"
	case e.says("CredentialTypeNotAllowedAsPerAppPolicy"), e.says("Credential type not allowed as per assigned policy"):
		return "the tenant allows this application no secrets: want the client federated, or with a certificate"
	case e.status == http.StatusForbidden:
		return "want the rotator to have Application.ReadWrite.OwnedBy, and to be an owner of the application"
	default:
		return ""
	}
}

// unknown are Microsoft Graph's words for what does not exist, or is not
// replicated yet.
const unknown = "does not exist or one of its queried reference-property objects are not present"

// isGone tells of the answer to a removal whether there is nothing to remove.
func (e *graphError) isGone() bool {
	return e.status == http.StatusNotFound ||
		(e.status == http.StatusBadRequest && (e.says("No password credential found") || e.says(unknown)))
}

// newGraphError reads a refusal, and marks what may succeed later. A conflict is
// another change of the same application at the same time (a guess). That the
// rotator may not do it holds until a permission or ownership that it was just
// given is replicated (a guess); the first rotation comes right after that.
func newGraphError(response *http.Response, content []byte) error {
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(content, &answer) // else there is the status
	e := &graphError{status: response.StatusCode, code: answer.Error.Code, message: answer.Error.Message}
	if isBusy(e.status) || slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict}, e.status) ||
		(e.status == http.StatusBadRequest && e.says(unknown)) {
		return &TemporaryError{Err: e, After: retryAfter(response)}
	}
	return e
}
