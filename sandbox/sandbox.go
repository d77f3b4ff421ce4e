// Package sandbox serves Microsoft Entra ID, Microsoft Graph and AWS on
// loopback, so that programs, providers and SDKs run unchanged with no cloud
// account. What is deployed survives a restart.
//
// One sandbox has one AWS account and region and two tenants: one to deploy
// into, and another whose tokens nobody should accept. It knows nothing of what
// is deployed into it.
package sandbox

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/entragate/entragate/internal/filelock"
	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/edge"
	"github.com/entragate/entragate/sandbox/entra"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/faults"
)

// Defaults of [Options].
const (
	DefaultRegion  = "eu-west-1"
	DefaultAccount = "123456789012"
)

// shutdownGrace is how long requests under way may take when serving ends.
const shutdownGrace = 5 * time.Second

// issuerTimeout is how long external issuers may take to answer Entra.
const issuerTimeout = 10 * time.Second

// Options say where a sandbox is. What is chosen at the first start of a
// directory (region, account, ports, tenants) stays.
type Options struct {
	// Dir keeps the state, keys and the environment file. It is made, readable
	// by the owner only.
	Dir string
	// Region and Account default to [DefaultRegion] and [DefaultAccount].
	Region, Account string
	// EntraAddr, AWSAddr and EdgeAddr are loopback addresses to listen at.
	// Default: 127.0.0.1 and the port of the last start, at first a free one.
	EntraAddr, AWSAddr, EdgeAddr string
	// Build identifies the program, for [Health.Build].
	Build string
	// Now is the machine's clock, which the sandbox's is ahead of by as much as it
	// was moved. Default: [time.Now].
	Now func() time.Time
	// Log gets what goes wrong while serving. Default: [slog.Default].
	Log *slog.Logger
}

// Sandbox is an open sandbox: it holds its directory's lock and its ports.
type Sandbox struct {
	Settings
	dir     string
	build   string
	log     *slog.Logger
	lock    *filelock.Lock
	env     []variable
	servers []server
	clock   *clock
	planes  *aws.Cloud
	faults  *faults.Faults
}

// server is one listener with what it serves.
type server struct {
	name     string
	listener net.Listener
	handler  http.Handler
	tls      *tls.Config
}

// Open makes or reopens the sandbox in a directory, and writes its environment
// file. One process at a time may: for another the error wraps
// [filelock.ErrHeld].
func Open(o Options) (*Sandbox, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the sandbox: %w", err)
	}
	o.Dir = dir
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the sandbox: %w", err)
	}
	lock, err := filelock.Try(LockFile(dir))
	if err != nil {
		return nil, fmt.Errorf("opening the sandbox: %w", err)
	}
	s := &Sandbox{dir: dir, build: o.Build, log: o.Log, lock: lock}
	if err := s.open(o); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the sandbox: %w", err), s.Close())
	}
	return s, nil
}

// LockFile is what a process holds, in the sense of [filelock], as long as it has
// the sandbox in dir open.
func LockFile(dir string) string { return filepath.Join(dir, "lock") }

// open does it; what it opened before it failed is for Close.
func (s *Sandbox) open(o Options) error {
	settings, err := openSettings(o)
	if err != nil {
		return err
	}
	listeners := []*server{{name: "entra"}, {name: "aws"}, {name: "edge"}}
	asked := []string{o.EntraAddr, o.AWSAddr, o.EdgeAddr}
	for i, remembered := range []*string{&settings.EntraAddr, &settings.AWSAddr, &settings.EdgeAddr} {
		l, err := listen(listeners[i].name, asked[i], remembered)
		if err != nil {
			return err
		}
		listeners[i].listener = l
		s.servers = append(s.servers, *listeners[i])
	}
	if err := settings.save(o.Dir); err != nil {
		return err
	}
	s.Settings = settings

	names := []string{"localhost", "*.localhost", "*.execute-api." + settings.Region + ".localhost"}
	// Clients check certificates by the machine's clock.
	certs, err := openCertificates(o.Dir, names, o.Now())
	if err != nil {
		return err
	}
	if s.clock, err = openClock(o.Now, o.Dir, settings); err != nil {
		return err
	}
	serverTLS := &tls.Config{Certificates: []tls.Certificate{certs.server}, MinVersion: tls.VersionTLS12}
	s.servers[0].tls, s.servers[2].tls = serverTLS, serverTLS.Clone() // a server changes its own
	outbound, err := certs.client()
	if err != nil {
		return err
	}

	if err := s.openAWS(o, outbound); err != nil {
		return err
	}
	s.faults = faults.New(s.planes.KillFunctions)
	if s.servers[0].handler, err = s.openEntra(o, outbound); err != nil {
		return err
	}
	for i := range 2 { // the data plane fails as its backends do
		s.servers[i].handler = s.faults.Wrap(s.servers[i].handler)
	}
	return writeEnvironment(o.Dir, s.env)
}

// openEntra opens both tenants, the one to deploy into first.
func (s *Sandbox) openEntra(o Options, outbound *http.Client) (http.Handler, error) {
	o.Now = s.clock.now
	fetching := *outbound
	fetching.Timeout = issuerTimeout
	tenant, secrets, err := openTenant(o, s.TenantID, "Contoso", s.EntraURL())
	if err != nil {
		return nil, err
	}
	other, _, err := openTenant(o, s.OtherTenantID, "Fabrikam", s.EntraURL())
	if err != nil {
		return nil, err
	}
	s.env = environment(o.Dir, s.Settings, secrets.DeployerAppID, secrets.DeployerSecret)
	return entra.New(entra.Options{
		Tenants: []*directory.Directory{tenant, other}, BaseURL: s.EntraURL(), Now: o.Now, ControlKey: s.ControlKey,
		Clock: s.clock, Faults: s.faults, HTTPClient: &fetching,
	})
}

// openAWS opens the control planes, and the data plane that serves what is
// deployed through them.
func (s *Sandbox) openAWS(o Options, outbound *http.Client) error {
	machine := o.Now
	o.Now = s.clock.now
	dir := filepath.Join(o.Dir, "aws")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keys := edge.NewKeySets(edge.KeySetOptions{Client: outbound, Now: o.Now})
	planes, err := aws.New(aws.Options{
		Account: s.Account, Region: s.Region, Dir: dir, Now: o.Now,
		CheckIssuer: keys.CheckIssuer, Endpoint: s.APIEndpoint, Environment: functionEnvironment(o.Dir, s.Settings),
		Log: o.Log, ClientNow: machine, OutboundIssuer: s.OutboundIssuer(), URL: s.AWSURL(), Client: outbound,
	})
	if err != nil {
		return err
	}
	s.planes, s.clock.schedule = planes, planes
	data, err := edge.New(edge.Options{
		Source: planes, Sink: planes, Functions: planes, Measure: planes.Measure, Now: o.Now, Client: outbound,
		Region: s.Region, Account: s.Account, Logger: o.Log,
	})
	if err != nil {
		return err
	}
	issuer := planes.Issuer()
	s.servers[1].handler = planes.Links()
	s.servers[2].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == s.issuerHost() {
			issuer.ServeHTTP(w, r)
			return
		}
		data.ServeHTTP(w, r)
	})
	return nil
}

// EntraURL is where sign-in and Microsoft Graph are.
func (s Settings) EntraURL() string { return "https://localhost:" + port(s.EntraAddr) }

// AWSURL is where the AWS control planes are.
func (s Settings) AWSURL() string { return "http://" + s.AWSAddr }

// APIEndpoint is where the data plane serves an HTTP API.
func (s Settings) APIEndpoint(apiID string) string {
	return "https://" + apiID + ".execute-api." + s.Region + ".localhost:" + port(s.EdgeAddr)
}

// issuerHost is where the AWS account's issuer of web identity tokens is: beside
// the data plane, since both are on the internet, not in the control plane.
func (s Settings) issuerHost() string { return "sts.localhost:" + port(s.EdgeAddr) }

// OutboundIssuer is the issuer of the AWS account's web identity tokens, which
// other clouds trust by federated credentials.
func (s Settings) OutboundIssuer() string { return "https://" + s.issuerHost() + "/" + s.IssuerID }

// Serve serves until ctx ends, then lets requests under way finish for a few
// seconds. It closes the sandbox. It returns nil when it ended because ctx did.
func (s *Sandbox) Serve(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	planes := s.planes
	group.Go(func() error { return planes.Run(groupCtx) })
	for _, srv := range s.servers {
		h := &http.Server{
			Handler:           s.clock.withDate(s.withHealth(srv.handler)),
			TLSConfig:         srv.tls,
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			ErrorLog:          slog.NewLogLogger(s.log.With("listener", srv.name).Handler(), slog.LevelDebug),
		}
		group.Go(func() error {
			var err error
			if srv.tls != nil {
				err = h.ServeTLS(srv.listener, "", "")
			} else {
				err = h.Serve(srv.listener)
			}
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("serving %s: %w", srv.name, err)
		})
		group.Go(func() error {
			<-groupCtx.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
			defer cancel()
			if err := h.Shutdown(grace); err != nil {
				return h.Close() // a request took too long
			}
			return nil
		})
	}
	return errors.Join(group.Wait(), s.Close())
}

// Close gives ports and directory up. It may be called more than once.
func (s *Sandbox) Close() error {
	for _, srv := range s.servers {
		if srv.listener != nil {
			_ = srv.listener.Close() // serving may have closed it
		}
	}
	var errs []error
	if s.planes != nil {
		errs = append(errs, s.planes.Close())
		s.planes = nil
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Release())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// HealthPath is where every listener tells that it serves, and for whom.
const HealthPath = "/_sandbox/health"

// Health is the answer of [HealthPath].
type Health struct {
	// Dir is the sandbox's directory, so that a port that another sandbox took
	// over is not mistaken for this one.
	Dir string `json:"dir"`
	// PID is the serving process.
	PID int `json:"pid"`
	// Build is that of [Options].
	Build string `json:"build"`
}

func (s *Sandbox) withHealth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != HealthPath {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Health{Dir: s.dir, PID: os.Getpid(), Build: s.build}) // the caller is gone: nothing to do
	})
}
