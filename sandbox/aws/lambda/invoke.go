package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/lambda/runner"
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// principal is what roles must trust.
const principal = "lambda.amazonaws.com"

// Limits of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html;
// the exact numbers are those of Lambda's messages.
const (
	maxPayload = 6291456
	maxEvent   = 262144
)

// ErrNotPermitted says that the policy of a function does not allow a call, or
// that there is no such function.
var ErrNotPermitted = errors.New("no permission to invoke the function")

// Result is what an invocation came to.
type Result = runner.Result

// InvokeAs runs the function that an ARN names in the name of a service, such
// as "apigateway.amazonaws.com", on behalf of the ARN source.
func (s *Service) InvokeAs(ctx context.Context, service, source, arn string, payload []byte) (Result, error) {
	name, qualified, err := s.permitted(service, source, arn)
	if err != nil {
		return Result{}, err
	}
	if len(payload) > maxPayload {
		return Result{}, tooLarge(maxPayload)
	}
	return s.run(ctx, name, qualified, runner.Event{RequestID: uuid.NewString(), Payload: payload})
}

// Permits reports whether [Service.InvokeAs] would run the function.
func (s *Service) Permits(service, source, arn string) bool {
	_, _, err := s.permitted(service, source, arn)
	return err == nil
}

// permitted returns the function that an ARN names, if its policy lets a service
// invoke it on behalf of a source.
func (s *Service) permitted(service, source, arn string) (name, qualified string, err error) {
	name, qualified, err = s.refer(arn)
	if err != nil {
		return "", "", errors.Join(ErrNotPermitted, err)
	}
	permitted := false
	err = s.view(name, func(fn *Function) error {
		of := qualified
		if of == latest { // it has no policy of its own; that the function's counts is a guess
			of = ""
		}
		if policy := fn.Policies[of]; policy != nil {
			for _, st := range policy.Statements {
				permitted = permitted || st.permits(service, source, s.Account)
			}
		}
		return nil
	})
	if err != nil || !permitted {
		return "", "", errors.Join(ErrNotPermitted, err)
	}
	return name, qualified, nil
}

func tooLarge(most int) error {
	return refusal(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request must be smaller than %d bytes for the InvokeFunction operation", most)
}

// run runs one event.
func (s *Service) run(ctx context.Context, name, qualified string, event runner.Event) (Result, error) {
	event.ARN = s.qualifiedARN(name, qualified)
	result, err := s.runner.Invoke(ctx, func() (string, runner.Function, error) { return s.program(name, qualified) }, event)
	if errors.Is(err, runner.ErrThrottled) {
		s.Measure(name, "Throttles", 1)
		err = &wire.Error{
			Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.",
			Detail: map[string]string{"Type": "User", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"},
		}
	}
	return result, err
}

// measure counts an invocation. One that did not fail is an error count of zero.
func (s *Service) measure(fn runner.Function, result Result) {
	failed := 0.0
	if result.Failure != "" {
		failed = 1
	}
	s.Measure(fn.Name, "Invocations", 1)
	s.Measure(fn.Name, "Errors", failed)
	s.Measure(fn.Name, "Duration", float64(result.Took.Microseconds())/1000)
}

// program returns what runs when a function is invoked, and the name of its
// state.
func (s *Service) program(name, qualified string) (revision string, program runner.Function, err error) {
	err = s.view(name, func(fn *Function) error {
		v, err := s.resolve(fn, qualified)
		if err != nil {
			return err
		}
		revision = v.revision(name)
		program = runner.Function{
			Name: name, Version: v.Version, Folder: filepath.Join(s.code, v.Folder), Handler: v.Handler, Architecture: v.Architecture,
			MemoryMB: v.MemoryMB, Timeout: time.Duration(v.Timeout) * time.Second, Variables: v.Variables, Role: v.Role,
			LogGroup: v.Logging.LogGroup, JSONLogs: v.Logging.LogFormat == "JSON", Traced: v.TracingMode == "Active", Reserved: fn.Reserved,
		}
		return nil
	})
	return revision, program, err
}

func (v *Version) revision(name string) string { return name + ":" + v.Version + ":" + v.RevisionID }

// settle ends the processes of what is no more, and removes its code.
func (s *Service) settle() {
	live := map[string]bool{}
	s.state.View(func(all *State) {
		for name, fn := range all.Functions {
			for _, v := range fn.every() {
				live[v.revision(name)] = true
			}
		}
	})
	s.runner.Retire(live)
	s.collect()
}

// collect removes the code that nothing uses.
func (s *Service) collect() { s.sweepCode(s.runner.Folders) }

// credentials assumes the role of a function for a process.
func (s *Service) credentials(fn runner.Function) (runner.Credentials, error) {
	session, ok := s.Roles.Assume(fn.Role, principal, fn.Name, runner.CredentialsFor)
	if !ok { // the status and the code are guesses
		return runner.Credentials{}, refusal(http.StatusForbidden, "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.")
	}
	return runner.Credentials{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, Token: session.Token}, nil
}

// log keeps the lines of a function if its role may write them. Otherwise they
// are lost, as they are on AWS.
func (s *Service) log(fn runner.Function, stream string, lines []logs.Line) {
	target := s.Logs.StreamARN(fn.LogGroup, stream)
	if !s.Roles.Allows(fn.Role, "logs:CreateLogStream", target) || !s.Roles.Allows(fn.Role, "logs:PutLogEvents", target) {
		return
	}
	create := !s.Logs.HasGroup(fn.LogGroup) && s.Roles.Allows(fn.Role, "logs:CreateLogGroup", s.Logs.StreamARN(fn.LogGroup, ""))
	_ = s.Logs.Append(fn.LogGroup, stream, create, lines) // without a group they are lost
}

// serveInvoke answers Invoke, whose answer is the function's and not a document.
func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request) {
	if err := s.invoke(w, r); err != nil {
		wire.RestJSON.WriteError(w, err)
	}
}

func (s *Service) invoke(w http.ResponseWriter, r *http.Request) error {
	name, qualified, err := s.named(r)
	if err != nil {
		return err
	}
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	kind := r.Header.Get("X-Amz-Invocation-Type")
	logType := r.Header.Get("X-Amz-Log-Type")
	if logType != "" && logType != "None" && logType != "Tail" {
		return constraint(logType, "logType", "Member must satisfy enum value set: [None, Tail]")
	}
	event := runner.Event{RequestID: w.Header().Get(wire.RequestIDHeader), TraceID: r.Header.Get("X-Amzn-Trace-Id"), Payload: payload}
	if event.ClientContext, err = clientContext(r); err != nil {
		return err
	}
	var version string
	if err := s.view(name, func(fn *Function) error {
		v, err := s.resolve(fn, qualified)
		if err == nil {
			version = v.Version
		}
		return err
	}); err != nil {
		return err
	}
	// An empty payload is an empty object to the function (a guess).
	if len(payload) == 0 {
		event.Payload = []byte("{}")
	} else if !json.Valid(payload) {
		return malformed("Could not parse request body into json: the payload is not valid JSON")
	}
	switch kind {
	case "", "RequestResponse":
	case "Event":
		if len(payload) > maxEvent {
			return tooLarge(maxEvent)
		}
		go func() { _, _ = s.run(s.background, name, qualified, event) }() // nobody is told how it went
		w.WriteHeader(http.StatusAccepted)
		return nil
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		return constraint(kind, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
	if len(payload) > maxPayload {
		return tooLarge(maxPayload)
	}
	result, err := s.run(r.Context(), name, qualified, event)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Amz-Executed-Version", version)
	if result.Failure != "" {
		header.Set("X-Amz-Function-Error", result.Failure)
	}
	if logType == "Tail" {
		header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.Tail))
	}
	_, _ = w.Write(result.Payload) // the client may have gone
	return nil
}

// clientContext reads what clients give for functions to see.
func clientContext(r *http.Request) (string, error) {
	given := r.Header.Get("X-Amz-Client-Context")
	if given == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(given)
	if err != nil || !json.Valid(raw) || len(given) > 3583 {
		return "", malformed("Client context must be a valid Base64-encoded JSON object.")
	}
	var compact json.RawMessage = raw
	text, err := json.Marshal(compact) // on one line, for a header
	return string(text), err
}

// Sweep ends the processes that have been idle for long. It is done every minute
// by itself.
func (s *Service) Sweep() { s.runner.Sweep() }
