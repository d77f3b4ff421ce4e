package apigateway

import (
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// LogGroups is what the service needs of CloudWatch Logs.
type LogGroups interface {
	// HasGroup reports whether there is a log group of that name.
	HasGroup(name string) bool
	// AllowDelivery lets the log delivery service write to a group. The error
	// is AWS's text for why that cannot be.
	AllowDelivery(groupARN string) error
}

// Options configure a [Service]. All but Path and Interfere are required.
type Options struct {
	Account     string
	Region      string
	Path        string // state file; "" keeps the state in memory
	Now         func() time.Time
	CheckIssuer IssuerCheck
	Endpoint    func(apiID string) string // URL of an API's data plane
	Logs        LogGroups

	// Interfere reports whether an operation that changes something meets
	// another one. It is then refused with the ConflictException that asks to
	// try again later, which clients must retry. Nil means never.
	Interfere func(operation string) bool
}

// Service is the control plane. It is an [http.Handler] of requests that are
// already authenticated.
type Service struct {
	Options
	state      *Store
	generation atomic.Uint64
	mux        *http.ServeMux
}

// New opens the control plane.
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{APIs: map[string]*API{}})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options, state: state, mux: http.NewServeMux()}
	s.generation.Store(1)
	state.View(func(all *State) {
		for _, api := range all.APIs {
			api.fill()
		}
	})
	for _, op := range s.operations() {
		s.mux.HandleFunc(op.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, op) })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		wire.RestJSON.WriteError(w, wire.NotImplemented("API Gateway operation "+r.Method+" "+r.URL.Path))
	})
	return s, nil
}

// fill makes the maps that an API without members was stored without.
func (a *API) fill() {
	a.Authorizers = orEmpty(a.Authorizers)
	a.Integrations = orEmpty(a.Integrations)
	a.Routes = orEmpty(a.Routes)
	a.Stages = orEmpty(a.Stages)
	a.Deployments = orEmpty(a.Deployments)
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// ServeHTTP answers one request of the API Gateway v2 API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// operation is one operation of the API.
type operation struct {
	name    string
	pattern string // of [http.ServeMux]
	status  int    // of success
	run     func(*call) (any, error)
}

// call is a request being answered.
type call = http.Request

func (s *Service) operations() []operation {
	const (
		ok, created, none = http.StatusOK, http.StatusCreated, http.StatusNoContent
		api               = "/v2/apis/{apiId}"
	)
	return []operation{
		{"CreateApi", "POST /v2/apis", created, s.createAPI},
		{"GetApis", "GET /v2/apis", ok, s.getAPIs},
		{"GetApi", "GET " + api, ok, s.getAPI},
		{"UpdateApi", "PATCH " + api, ok, s.updateAPI},
		{"DeleteApi", "DELETE " + api, none, s.deleteAPI},
		{"DeleteCorsConfiguration", "DELETE " + api + "/cors", none, s.deleteCORS},

		{"CreateAuthorizer", "POST " + api + "/authorizers", created, s.createAuthorizer},
		{"GetAuthorizers", "GET " + api + "/authorizers", ok, s.getAuthorizers},
		{"GetAuthorizer", "GET " + api + "/authorizers/{authorizerId}", ok, s.getAuthorizer},
		{"UpdateAuthorizer", "PATCH " + api + "/authorizers/{authorizerId}", ok, s.updateAuthorizer},
		{"DeleteAuthorizer", "DELETE " + api + "/authorizers/{authorizerId}", none, s.deleteAuthorizer},

		{"CreateIntegration", "POST " + api + "/integrations", created, s.createIntegration},
		{"GetIntegrations", "GET " + api + "/integrations", ok, s.getIntegrations},
		{"GetIntegration", "GET " + api + "/integrations/{integrationId}", ok, s.getIntegration},
		{"UpdateIntegration", "PATCH " + api + "/integrations/{integrationId}", ok, s.updateIntegration},
		{"DeleteIntegration", "DELETE " + api + "/integrations/{integrationId}", none, s.deleteIntegration},

		{"CreateRoute", "POST " + api + "/routes", created, s.createRoute},
		{"GetRoutes", "GET " + api + "/routes", ok, s.getRoutes},
		{"GetRoute", "GET " + api + "/routes/{routeId}", ok, s.getRoute},
		{"UpdateRoute", "PATCH " + api + "/routes/{routeId}", ok, s.updateRoute},
		{"DeleteRoute", "DELETE " + api + "/routes/{routeId}", none, s.deleteRoute},

		{"CreateStage", "POST " + api + "/stages", created, s.createStage},
		{"GetStages", "GET " + api + "/stages", ok, s.getStages},
		{"GetStage", "GET " + api + "/stages/{stageName}", ok, s.getStage},
		{"UpdateStage", "PATCH " + api + "/stages/{stageName}", ok, s.updateStage},
		{"DeleteStage", "DELETE " + api + "/stages/{stageName}", none, s.deleteStage},
		{"DeleteAccessLogSettings", "DELETE " + api + "/stages/{stageName}/accesslogsettings", none, s.deleteAccessLogSettings},
		{"DeleteRouteSettings", "DELETE " + api + "/stages/{stageName}/routesettings/{routeKey}", none, s.deleteRouteSettings},

		{"CreateDeployment", "POST " + api + "/deployments", created, s.createDeployment},
		{"GetDeployments", "GET " + api + "/deployments", ok, s.getDeployments},
		{"GetDeployment", "GET " + api + "/deployments/{deploymentId}", ok, s.getDeployment},
		{"UpdateDeployment", "PATCH " + api + "/deployments/{deploymentId}", ok, s.updateDeployment},
		{"DeleteDeployment", "DELETE " + api + "/deployments/{deploymentId}", none, s.deleteDeployment},

		{"TagResource", "POST /v2/tags/{arn}", created, s.tagResource},
		{"UntagResource", "DELETE /v2/tags/{arn}", none, s.untagResource},
		{"GetTags", "GET /v2/tags/{arn}", ok, s.getTags},
	}
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, op operation) {
	if r.Method != http.MethodGet && s.Interfere != nil && s.Interfere(op.name) {
		wire.RestJSON.WriteError(w, conflict("Unable to complete operation due to concurrent modification. Please try again later."))
		return
	}
	result, err := op.run(r)
	if err != nil {
		wire.RestJSON.WriteError(w, err)
		return
	}
	wire.RestJSON.Write(w, op.status, result)
}

// view calls fn with the API that the request names, which fn must not change.
func (s *Service) view(c *call, fn func(*API) error) error {
	var err error
	s.state.View(func(all *State) {
		api, found := all.APIs[c.PathValue("apiId")]
		if !found {
			err = s.noAPI(c)
			return
		}
		err = fn(api)
	})
	return err
}

// change calls fn with the API that the request names. fn checks first and
// then changes; it replaces members instead of changing them, since
// deployments hold them too.
func (s *Service) change(c *call, fn func(*API) error) error {
	return s.state.Update(func(all *State) error {
		api, found := all.APIs[c.PathValue("apiId")]
		if !found {
			return s.noAPI(c)
		}
		if err := fn(api); err != nil {
			return err
		}
		s.generation.Add(1)
		return nil
	})
}

func (s *Service) noAPI(c *call) error {
	return notFound("Api", "Invalid API identifier specified %s:%s", s.Account, c.PathValue("apiId"))
}

// Generation changes with every change of any API.
func (s *Service) Generation() uint64 { return s.generation.Load() }

// member returns one member of an API, for an answer.
func member[T any](s *Service, c *call, kind, id string, of func(*API) map[string]*T) (any, error) {
	var found *T
	err := s.view(c, func(api *API) error {
		found = of(api)[id]
		if found == nil {
			return notFound(kind, "Invalid %s identifier specified", kind)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// list returns one page of the members of an API.
func list[T any](s *Service, c *call, of func(*API) map[string]*T, id func(*T) string) (any, error) {
	var members []*T
	err := s.view(c, func(api *API) error {
		members = slices.Collect(maps.Values(of(api)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page(c, members, id)
}

// newID returns a random identifier that taken does not hold. API ids have ten
// characters, the others seven.
func newID[T any](length int, taken map[string]T) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	for {
		raw := make([]byte, length)
		rand.Read(raw) // never fails, see its documentation
		for i, b := range raw {
			raw[i] = letters[int(b)%len(letters)]
		}
		if _, found := taken[string(raw)]; !found {
			return string(raw)
		}
	}
}

// date is the time as the API gives it: UTC, whole seconds.
func (s *Service) date() time.Time { return s.Now().UTC().Truncate(time.Second) }

// decode reads the body of a request.
func decode[T any](c *call) (T, error) {
	var in T
	err := wire.DecodeRequest(c, &in)
	if refusal, ok := errors.AsType[*wire.Error](err); ok {
		err = badRequest("Invalid request input: %s", refusal.Message)
	}
	return in, err
}
