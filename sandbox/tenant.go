package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/store"
)

// openTenant reads a tenant or makes it, and returns what signs its deployer in.
// The directory keeps hashes of secrets only: the deployer's own is in the
// environment file, and if that was lost or changed, the deployer gets a new one.
func openTenant(o Options, id, name, graphURL string) (*directory.Directory, directory.Secrets, error) {
	path := filepath.Join(o.Dir, "tenant-"+id+".json")
	initial, secrets := &directory.State{}, directory.Secrets{}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		initial, secrets, err = directory.Seed(directory.SeedOptions{
			TenantID: id, DisplayName: name, InitialDomain: strings.ToLower(name) + ".onmicrosoft.com",
			GraphURL: graphURL, Now: o.Now,
		})
	}
	if err != nil {
		return nil, secrets, err
	}
	d, err := store.Open(path, initial)
	if err != nil {
		return nil, secrets, err
	}
	written, err := ReadEnvironment(o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, secrets, err
	}
	err = d.Update(func(s *directory.State) error {
		deployer := s.ApplicationByAppID(s.StableID("client/" + directory.DeployerName))
		if deployer == nil {
			return fmt.Errorf("tenant %s: its built-in deployer is gone: delete the directory to start afresh", id)
		}
		secrets.DeployerAppID = deployer.AppID
		if secrets.DeployerSecret == "" && written["ARM_CLIENT_ID"] == deployer.AppID {
			secrets.DeployerSecret = written["ARM_CLIENT_SECRET"]
		}
		if !hasSecret(deployer, secrets.DeployerSecret, o.Now()) {
			secrets.DeployerSecret = directory.NewSecret()
			renewSecret(deployer, secrets.DeployerSecret, o.Now())
		}
		return nil
	})
	return d, secrets, err
}

func hasSecret(a *directory.Application, secret string, now time.Time) bool {
	for _, c := range a.PasswordCredentials {
		if c.Matches(secret) && now.Before(c.EndDateTime) {
			return true
		}
	}
	return false
}

// renewSecret gives the deployer a secret in place of those it was made with.
// Others that somebody added through Graph stay.
func renewSecret(a *directory.Application, secret string, now time.Time) {
	builtIn := builtInSecret
	a.PasswordCredentials = slices.DeleteFunc(a.PasswordCredentials, func(c directory.PasswordCredential) bool {
		return c.DisplayName != nil && *c.DisplayName == builtIn
	})
	a.PasswordCredentials = append(a.PasswordCredentials, directory.PasswordCredential{
		KeyID: uuid.NewString(), DisplayName: &builtIn, Hint: secret[:3],
		StartDateTime: now.UTC(), EndDateTime: now.UTC().AddDate(100, 0, 0),
		SecretSHA256: directory.HashSecret(secret), AddedAt: now.UTC(),
	})
}

// builtInSecret is how [directory.Seed] names the deployer's secret.
const builtInSecret = "built in"
