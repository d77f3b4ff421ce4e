package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/store"
)

// Settings are what a sandbox keeps from its first start on, so that what was
// deployed into it (issuers name the port, resources the account) stays valid.
type Settings struct {
	// Region and Account are those of the AWS side.
	Region  string `json:"region"`
	Account string `json:"account"`
	// TenantID is the tenant that programs deploy into; OtherTenantID is
	// another one, whose tokens must not be accepted.
	TenantID      string `json:"tenantId"`
	OtherTenantID string `json:"otherTenantId"`
	// ControlKey opens the control surface, which mints unusual tokens.
	ControlKey string `json:"controlKey"`
	// The addresses of the listeners, host and port.
	EntraAddr string `json:"entraAddr"`
	AWSAddr   string `json:"awsAddr"`
	EdgeAddr  string `json:"edgeAddr"`
	// IssuerID is in the address of the issuer of web identity tokens, see
	// [Settings.OutboundIssuer].
	IssuerID string `json:"issuerId"`
	// ClockOffset is how far the sandbox's clock was ahead of the machine's when
	// the settings were read, as a Go duration; none if it was never moved.
	ClockOffset string `json:"clockOffset,omitempty"`
}

const settingsFile = "sandbox.json"

// ReadSettings reads the settings of the sandbox in dir. The error wraps
// [fs.ErrNotExist] when none was ever opened there.
func ReadSettings(dir string) (Settings, error) {
	var s Settings
	raw, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if err != nil {
		return s, fmt.Errorf("reading the sandbox's settings: %w", err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("reading %s: %w", filepath.Join(dir, settingsFile), err)
	}
	return s, nil
}

// openSettings reads the settings in dir, or chooses them the first time.
func openSettings(o Options) (Settings, error) {
	s, err := ReadSettings(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		s = Settings{
			Region: orDefault(o.Region, DefaultRegion), Account: orDefault(o.Account, DefaultAccount),
			TenantID: uuid.NewString(), OtherTenantID: uuid.NewString(), ControlKey: rand.Text(),
		}
	} else if err != nil {
		return s, err
	}
	if s.IssuerID == "" { // also of a directory that was made without one
		s.IssuerID = uuid.NewString()
	}
	if o.Region != "" && o.Region != s.Region {
		return s, fmt.Errorf("sandbox %s: got region %q, but it was made for %q: use another directory", o.Dir, o.Region, s.Region)
	}
	if o.Account != "" && o.Account != s.Account {
		return s, fmt.Errorf("sandbox %s: got account %q, but it was made for %q: use another directory", o.Dir, o.Account, s.Account)
	}
	// Before they are saved: the directory would be of no use.
	return s, aws.Check(s.Account, s.Region)
}

func (s Settings) save(dir string) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("saving the sandbox's settings: %w", err)
	}
	if err := store.WriteFile(filepath.Join(dir, settingsFile), raw); err != nil {
		return fmt.Errorf("saving the sandbox's settings: %w", err)
	}
	return nil
}

// listen opens a listener at the address that was asked for, else at the one
// remembered, else at a port that is free, and remembers it.
func listen(what, asked string, remembered *string) (net.Listener, error) {
	address := orDefault(asked, orDefault(*remembered, "127.0.0.1:0"))
	l, err := net.Listen("tcp", address)
	if err != nil && asked == "" && *remembered != "" {
		return nil, fmt.Errorf("listening for %s: %w (what is deployed names this port: end the program that took it)", what, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", what, err)
	}
	if host, _, err := net.SplitHostPort(l.Addr().String()); err != nil || !net.ParseIP(host).IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("listening for %s: got %s, want a loopback address", what, address)
	}
	*remembered = l.Addr().String()
	return l, nil
}

// port is the port of a host:port address.
func port(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// Now is the time in the sandbox, whose clock may be ahead of the machine's by as
// much as it was when the settings were read.
func (s Settings) Now() time.Time {
	offset, err := time.ParseDuration(s.ClockOffset)
	if err != nil { // none
		offset = 0
	}
	return time.Now().Add(offset)
}
