// Package lambda simulates AWS Lambda: functions whose code is a zip archive
// with a program named bootstrap, their versions, aliases, policies and
// concurrency, and their invocation, see [runner].
//
// Changes are complete at once; on AWS a function is pending for seconds. Memory
// is not limited. An asynchronous event is run once, and never again when it
// fails. Not implemented, and refused as such: container images, code in S3,
// other runtimes than the operating system only ones, layers, networks, file
// systems, code signing, event sources, function URLs, destinations,
// provisioned concurrency, weighted aliases and everything newer.
package lambda

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/lambda/runner"
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// MaxBody is how large a request may be, in bytes; AWS names the number when it
// refuses one.
const MaxBody = 70167211

// Options configure a [Service]. Dir, Environment and Measure are optional.
type Options struct {
	Account     string
	Region      string
	Dir         string            // holds lambda.json and the code; "" keeps the state in memory
	Environment map[string]string // of every function, beside what AWS sets
	Now         func() time.Time
	Roles       *iam.Service
	Logs        *logs.Service

	// Measure takes what CloudWatch counts of a function: Invocations, Errors,
	// Duration in milliseconds, and Throttles, see
	// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html.
	Measure func(function, metric string, value float64)
}

// Service is AWS Lambda of one account and region. It is an [http.Handler] of
// requests that are already authenticated.
type Service struct {
	Options
	state  *store.Store[State]
	code   string // folder of the functions' files
	mux    *http.ServeMux
	runner *runner.Runner

	uploads    sync.RWMutex    // held for reading while code is unpacked that no function has yet
	background context.Context // of events, ends with the service
	stop       context.CancelFunc
}

// New opens the service. Close ends it.
func New(options Options) (*Service, error) {
	if options.Measure == nil {
		options.Measure = func(string, string, float64) {}
	}
	s := &Service{Options: options, mux: http.NewServeMux()}
	path := ""
	if options.Dir != "" {
		path = filepath.Join(options.Dir, "lambda.json")
	}
	var err error
	if s.state, err = store.Open(path, &State{Functions: map[string]*Function{}}); err != nil {
		return nil, err
	}
	if err := s.openCode(); err != nil {
		return nil, err
	}
	s.background, s.stop = context.WithCancel(context.Background())
	s.runner = runner.New(runner.Options{
		Region: s.Region, Environment: s.Environment, Now: s.Now, Credentials: s.credentials, Log: s.log,
		Drained: s.collect, Finished: s.measure,
	})
	for _, op := range s.operations() {
		s.mux.HandleFunc(op.pattern, func(w http.ResponseWriter, r *http.Request) {
			result, err := op.run(r)
			if err != nil {
				wire.RestJSON.WriteError(w, err)
				return
			}
			wire.RestJSON.Write(w, op.status, result)
		})
	}
	s.mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", s.serveInvoke)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		wire.RestJSON.WriteError(w, wire.NotImplemented("Lambda operation "+r.Method+" "+r.URL.Path))
	})
	return s, nil
}

// Close ends all processes. Nothing durable is lost without it.
func (s *Service) Close() error {
	s.stop()
	s.runner.Close()
	if s.Dir == "" {
		return os.RemoveAll(s.code)
	}
	return nil
}

// Kill kills all processes of functions, see [runner.Runner.Kill].
func (s *Service) Kill() { s.runner.Kill() }

// ServeHTTP answers one request of the Lambda API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// call is a request being answered.
type call = http.Request

// operation is one operation of the API.
type operation struct {
	pattern string // of [http.ServeMux]
	status  int    // of success
	run     func(*call) (any, error)
}

func (s *Service) operations() []operation {
	const (
		ok, created, none = http.StatusOK, http.StatusCreated, http.StatusNoContent
		all               = "/2015-03-31/functions"
		one               = all + "/{name}"
	)
	return []operation{
		{"POST " + all, created, s.createFunction},
		{"GET " + all, ok, s.listFunctions},
		{"GET " + one, ok, s.getFunction},
		{"DELETE " + one, none, s.deleteFunction},
		{"GET " + one + "/configuration", ok, s.getFunctionConfiguration},
		{"PUT " + one + "/configuration", ok, s.updateFunctionConfiguration},
		{"PUT " + one + "/code", ok, s.updateFunctionCode},

		{"POST " + one + "/versions", created, s.publishVersion},
		{"GET " + one + "/versions", ok, s.listVersions},
		{"POST " + one + "/aliases", created, s.createAlias},
		{"GET " + one + "/aliases", ok, s.listAliases},
		{"GET " + one + "/aliases/{alias}", ok, s.getAlias},
		{"PUT " + one + "/aliases/{alias}", ok, s.updateAlias},
		{"DELETE " + one + "/aliases/{alias}", none, s.deleteAlias},

		{"POST " + one + "/policy", created, s.addPermission},
		{"GET " + one + "/policy", ok, s.getPolicy},
		{"DELETE " + one + "/policy/{statement}", none, s.removePermission},

		{"PUT /2017-10-31/functions/{name}/concurrency", ok, s.putConcurrency},
		{"GET /2019-09-30/functions/{name}/concurrency", ok, s.getConcurrency},
		{"DELETE /2017-10-31/functions/{name}/concurrency", none, s.deleteConcurrency},

		{"GET /2020-06-30/functions/{name}/code-signing-config", ok, s.getCodeSigningConfig},
		{"GET /2021-07-20/functions/{name}/runtime-management-config", ok, s.getRuntimeManagementConfig},
		{"GET /2024-08-31/functions/{name}/recursion-config", ok, s.getRecursionConfig},

		{"POST /2017-03-31/tags/{arn}", none, s.tagResource},
		{"DELETE /2017-03-31/tags/{arn}", none, s.untagResource},
		{"GET /2017-03-31/tags/{arn}", ok, s.listTags},
	}
}
