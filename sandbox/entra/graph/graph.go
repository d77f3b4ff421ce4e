// Package graph serves the part of Microsoft Graph that registers
// applications and grants access to them, for one tenant, over its directory.
// It refuses what Microsoft Graph refuses, with its status codes and bodies,
// and answers 501 to operations it does not have.
// https://learn.microsoft.com/graph/api/overview
package graph

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 1 << 20

// Caller is who a request's access token stands for.
type Caller struct {
	// ObjectID is the service principal of an app-only token, else the user.
	ObjectID string
	// AppID is the client that asked for the token.
	AppID string
	// TenantID is the tenant that issued it.
	TenantID string
	// Roles are the Graph application permissions of an app-only token.
	Roles []string
	// Scopes are the delegated permissions of a user's token. They open /me
	// only: the users of the sandbox hold no administrator role.
	Scopes []string
}

// Options configure [New].
type Options struct {
	// Directory is the tenant to serve.
	Directory *directory.Directory
	// Now defaults to time.Now.
	Now func() time.Time
	// Authenticate checks a request's access token. Its error refuses the
	// request with 401 InvalidAuthenticationToken and is the message.
	Authenticate func(*http.Request) (Caller, error)
	// Lag simulates replication: for this long after an application, service
	// principal, user, group or credential was created it is not found, as if
	// each request met another replica. Grants and assignments are seen at
	// once: clients do not wait for them. Nil or zero switches it off.
	Lag func() time.Duration
}

type server struct{ Options }

// New serves /v1.0/... and /beta/... of one tenant.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lag == nil {
		o.Lag = func() time.Duration { return 0 }
	}
	return &server{o}
}

// call is one request on its way through a handler.
type call struct {
	request *http.Request
	caller  Caller
	version string // v1.0 or beta
	params  map[string]string
	body    map[string]json.RawMessage
	now     time.Time
	lag     time.Duration
	// owned: the caller may write only what it is an owner of.
	owned bool
	state *directory.State
}

// answer is what a handler replies; a nil body is none.
type answer struct {
	status int
	body   any
	// location is the path below the version of what was created.
	location string
}

var noContent = answer{status: http.StatusNoContent}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := newID()
	clientRequestID := r.Header.Get("client-request-id")
	if clientRequestID == "" {
		clientRequestID = requestID
	}
	c := &call{request: r, now: s.Now().UTC(), lag: s.Lag()}
	h := w.Header()
	h.Set("request-id", requestID)
	h.Set("client-request-id", clientRequestID)
	h.Set("Cache-Control", "no-cache")
	h.Set("OData-Version", "4.0")

	a, raw, err := s.serve(c)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: err.Error()}
		}
		if e.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Bearer realm="", `+
				`authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="`+directory.GraphAppID+`"`)
		}
		h.Set("Content-Type", "application/json")
		w.WriteHeader(e.Status)
		_, _ = w.Write(e.body(c.now, requestID, clientRequestID))
		return
	}
	if a.location != "" {
		h.Set("Location", c.base()+a.location)
	}
	if raw != nil {
		h.Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(raw)
}

// serve authenticates, finds the operation, checks that the caller may do it,
// and does it.
func (s *server) serve(c *call) (answer, []byte, error) {
	caller, err := s.Authenticate(c.request)
	if err != nil {
		return answer{}, nil, &Error{Status: http.StatusUnauthorized, Code: "InvalidAuthenticationToken", Message: err.Error()}
	}
	c.caller = caller
	rt, err := c.match()
	if err != nil {
		return answer{}, nil, err
	}
	if err := c.authorize(rt.access); err != nil {
		return answer{}, nil, err
	}
	if err := c.readBody(); err != nil {
		return answer{}, nil, err
	}
	var a answer
	var raw []byte
	run := func(state *directory.State) error {
		c.state = state
		var err error
		if a, err = rt.handle(c); err != nil || a.body == nil {
			return err
		}
		raw, err = json.Marshal(a.body)
		return err
	}
	if rt.reads {
		s.Directory.View(func(state *directory.State) { err = run(state) })
	} else {
		err = s.Directory.Update(run)
	}
	return a, raw, err
}

// readBody parses the request's JSON object, which only GET and DELETE lack.
func (c *call) readBody() error {
	r := c.request
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return badRequest("Unable to read the request body.")
	}
	if len(raw) > maxBody {
		// Code and message are guesses.
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLarge", Message: "The request body is too large."}
	}
	if len(raw) == 0 {
		c.body = map[string]json.RawMessage{}
		return nil
	}
	isJSON := strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/json")
	if !isJSON || json.Unmarshal(raw, &c.body) != nil || c.body == nil {
		return &Error{
			Status: http.StatusBadRequest, Code: "BadRequest",
			Message: "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
		}
	}
	return nil
}

// base is the URL of this service and version, without a slash at the end.
func (c *call) base() string {
	scheme := "http"
	if c.request.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.request.Host + "/" + c.version
}

// visible tells whether an object created then has replicated to here.
func (c *call) visible(created time.Time) bool {
	return c.lag <= 0 || c.now.Sub(created) >= c.lag
}

// newID makes a random GUID.
func newID() string {
	return uuid.Must(uuid.NewRandomFromReader(rand.Reader)).String()
}
