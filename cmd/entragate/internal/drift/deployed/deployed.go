// Package deployed reads back what a stack has in its clouds, whatever was made
// of it since in a console, and says who can call by that. It changes nothing,
// and reads no secret.
package deployed

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// Source says what to read.
type Source struct {
	Clouds *clouds.Clouds
	// URL is where callers are told to call.
	URL string
	// APIID is the HTTP API's id, and Audience the client id of its application.
	APIID, Audience string
	// Clients are client ids, by the names of the model; further applications may
	// be among them.
	Clients map[string]string
}

// Part is what is read at once.
type Part string

// The parts. Those of a client have its name behind a space.
const (
	PartAPI         Part = "api"
	PartAuthorizers Part = "authorizers"
	PartRoutes      Part = "routes"
	PartStages      Part = "stages"
	PartFunctions   Part = "functions"
	PartGrants      Part = "delegated grants"
	PartAssignments Part = "assignments"
	// PartApplication is a registration, with its owners and federated credentials,
	// and its service principal.
	PartApplication Part = "application"
)

// OfClient is a client's [PartApplication].
func OfClient(name string) Part { return PartApplication + " " + Part(name) }

// Unread is a part that could not be read.
type Unread struct {
	Part  Part   `json:"part"`
	Error string `json:"error"`
	// Takes is the permission that reading takes.
	Takes string `json:"takes"`
	// Denied reports whether it was that which is missing.
	Denied bool `json:"denied"`
}

// State is what was read.
type State struct {
	URL, Audience string
	Gateway       Gateway
	API           Application
	// Clients are by name.
	Clients map[string]Application
	// Grants are all delegated grants on the API, Assignments all of its app roles.
	Grants      []Grant
	Assignments []Assignment
	// Holders are the service principals outside the clients that hold something.
	Holders map[string]Holder
	Unread  []Unread

	mu sync.Mutex
}

// Knows reports whether a part was read.
func (s *State) Knows(part Part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.Unread, func(u Unread) bool { return u.Part == part })
}

// What reading takes.
// https://learn.microsoft.com/graph/api/oauth2permissiongrant-list
const (
	readGateway      = "apigateway:GET"
	readFunction     = "lambda:GetFunctionConfiguration"
	readApplications = "Application.Read.All"
	readDirectory    = "Directory.Read.All"
)

// Read reads everything. What cannot be read is in [State.Unread]; the error is
// that of a context that ended.
func Read(ctx context.Context, from Source) (*State, error) {
	s := &State{URL: from.URL, Audience: from.Audience, Clients: map[string]Application{}, Holders: map[string]Holder{}}
	var all sync.WaitGroup
	all.Go(func() { s.readGateway(ctx, from) })
	all.Go(func() {
		s.part(PartApplication, readApplications, func() error {
			app, err := readApplication(ctx, from.Clouds.Graph, from.Audience)
			s.API = app
			return err
		})
	})
	for name, id := range from.Clients {
		all.Go(func() {
			s.part(OfClient(name), readApplications, func() error {
				app, err := readApplication(ctx, from.Clouds.Graph, id)
				s.mu.Lock()
				defer s.mu.Unlock()
				s.Clients[name] = app
				return err
			})
		})
	}
	all.Wait()
	s.readHeld(ctx, from.Clouds.Graph)
	slices.SortFunc(s.Unread, func(a, b Unread) int { return strings.Compare(string(a.Part), string(b.Part)) })
	return s, ctx.Err()
}

// part reads one part, and keeps why that failed.
func (s *State) part(part Part, takes string, read func() error) {
	err := read()
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Unread = append(s.Unread, Unread{Part: part, Error: err.Error(), Takes: takes, Denied: denied(err)})
}

// denied reports whether what failed was not permitted.
func denied(err error) bool {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return strings.HasPrefix(e.ErrorCode(), "AccessDenied")
	}
	e, ok := errors.AsType[*clouds.GraphError](err)
	return ok && e.Status == http.StatusForbidden
}

// errNoPrincipal is why nobody knows what is held of an API.
var errNoPrincipal = errors.New("the API's service principal could not be read")

// Fix is what to do so that it can be read.
func (u Unread) Fix() string {
	if u.Denied {
		return "let who runs this have " + u.Takes
	}
	return "see the error, and run it again; it takes " + u.Takes
}
