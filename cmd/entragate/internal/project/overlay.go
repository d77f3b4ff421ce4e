package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/sandbox/store"
	"github.com/entragate/entragate/stacks"
)

// Sandbox is what a stack's configuration must name to be deployed into a
// sandbox.
type Sandbox struct {
	Region string
	// LoginHost is host:port of Entra.
	LoginHost string
	TenantID  string
	// Deployer is the object id of the deployer's service principal.
	Deployer string
	// User and Group are assigned where the configuration assigns nobody, or
	// people of another tenant.
	User, Group string
	// Reader is the ARN of who reads secrets here: people and roles of another
	// account do not exist.
	Reader string
	// OutboundIssuer is that of the account.
	OutboundIssuer string
	// Backend stands for every backend but those whose functions are deployed
	// with the stack.
	Backend string
	// Architecture is that of this machine, on which functions run.
	Architecture functions.Architecture
}

// Overlay returns the settings that are laid over those of a stack, by their
// full keys.
func (s Sandbox) Overlay(project string, committed stacks.Config) map[string]any {
	committed = committed.Located() // the copy is elsewhere
	// Built for another machine; here it is built for this one.
	committed.Authorizer.Binary = ""
	return map[string]any{
		"aws:region":               s.Region,
		"aws:skipMetadataApiCheck": true,
		"azuread:metadataHost":     s.LoginHost,
		"azuread:tenantId":         s.TenantID,
		"azuread:useCli":           false,
		project + ":tenantId":      s.TenantID,
		project + ":cloud":         "public",
		project + ":loginHost":     s.LoginHost,
		project + ":graphHost":     s.LoginHost,
		project + ":deployer":      s.Deployer,
		project + ":owners":        []string{},
		project + ":functions":     committed.Functions,
		project + ":backends":      s.backends(committed.Backends),
		project + ":clients":       s.clients(committed),
		project + ":credentials":   s.credentials(committed.Credentials),
		project + ":accessLog":     accessLog(committed.AccessLog),
		project + ":alarms":        alarms(committed.Alarms),
		project + ":authorizer":    committed.Authorizer,
		project + ":architecture":  s.Architecture,
		project + ":assignment":    s.Assign(committed.Assignment),
	}
}

func (s Sandbox) backends(backends []access.Backend) []access.Backend {
	here := slices.Clone(backends)
	for i, b := range here {
		if b.Function == "" || b.IsFunctionARN() {
			here[i].URL, here[i].Function = s.Backend, ""
		}
	}
	return here
}

// clients are those of the configuration; what is secret of them is read by the
// sandbox's user.
func (s Sandbox) clients(committed stacks.Config) []access.Client {
	here := slices.Clone(committed.Clients)
	for i, c := range here {
		if c.CredentialKind(committed.Credentials.OutboundIssuer) == access.CredentialSecret {
			here[i].Credential = &access.Credential{Kind: access.CredentialSecret, Readers: []string{s.Reader}}
		}
	}
	return here
}

// credentials are those of the configuration, with what an account has replaced
// by what this one has.
func (s Sandbox) credentials(here components.Credentials) components.Credentials {
	if here.OutboundIssuer != "" {
		here.OutboundIssuer = s.OutboundIssuer
	}
	if here.KMSKey != "" {
		here.KMSKey, here.CreateKey = "", true
	}
	here.Binary = "" // as that of the authorizer
	return here
}

// accessLog is as it is configured; a key of the account is replaced by one that
// is made.
func accessLog(here components.AccessLogSettings) components.AccessLogSettings {
	if here.KMSKey != "" {
		here.KMSKey, here.CreateKey = "", true
	}
	return here
}

// alarms go to a topic that is made, with a key that is made.
func alarms(here components.Alarms) components.Alarms {
	here.Topic, here.KMSKey = "", ""
	return here
}

// Assign replaces people by those of the sandbox: object ids of another tenant
// mean nothing there. Where nobody is assigned although assignment is required,
// one user and one group are, since else nobody could call.
func (s Sandbox) Assign(a access.Assignment) access.Assignment {
	nobody := len(a.Users)+len(a.Groups) == 0
	here := access.Assignment{Required: a.Required}
	if len(a.Users) > 0 || nobody && a.IsRequired() {
		here.Users = []string{s.User}
	}
	if len(a.Groups) > 0 || nobody && a.IsRequired() {
		here.Groups = []string{s.Group}
	}
	return here
}

// Copy writes the project and one stack's configuration, with the overlay laid
// over it, into dir, which the Pulumi CLI then edits as it likes: committed
// files are only read. It returns the keys that were laid over, sorted.
func (p Project) Copy(stack, dir string, overlay map[string]any) ([]string, error) {
	stackFile, err := p.StackFile(stack)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("copying the configuration: %w", err)
	}
	committed, err := os.ReadFile(stackFile)
	if err != nil {
		return nil, fmt.Errorf("copying the configuration: %w", err)
	}
	target := filepath.Join(dir, filepath.Base(stackFile))
	earlier, err := os.ReadFile(target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("copying the configuration: %w", err)
	}
	merged, err := lay(committed, earlier, overlay)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", stackFile, err)
	}
	project, err := os.ReadFile(filepath.Join(p.Dir, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("copying the configuration: %w", err)
	}
	for path, content := range map[string][]byte{target: merged, filepath.Join(dir, "Pulumi.yaml"): project} {
		if err := store.WriteFile(path, content); err != nil {
			return nil, fmt.Errorf("copying the configuration: %w", err)
		}
	}
	return slices.Sorted(maps.Keys(overlay)), nil
}

// encryption are the members of a stack file that say how secrets of the stack
// are encrypted. Those of the sandbox are its own: they come from the earlier
// copy, in which the CLI put them.
var encryption = []string{"encryptionsalt", "encryptedkey", "secretsprovider"}

// lay merges the overlay into a committed stack file.
func lay(committed, earlier []byte, overlay map[string]any) ([]byte, error) {
	file, old := map[string]any{}, map[string]any{}
	if err := yaml.Unmarshal(committed, &file); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(earlier, &old); err != nil {
		old = map[string]any{} // the CLI was cut off as it wrote: it makes what it had put there anew
	}
	settings, ok := file["config"].(map[string]any)
	if !ok && file["config"] != nil {
		return nil, fmt.Errorf("config: got %T, want settings", file["config"])
	}
	merged := map[string]any{}
	maps.Copy(merged, settings)
	for key, value := range overlay {
		// Pulumi reads "entragate:tenantId" and "entragate:config:tenantId" alike.
		namespace, name, _ := strings.Cut(key, ":")
		delete(merged, namespace+":config:"+name)
		plain, err := Plain(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		merged[key] = plain
	}
	file["config"] = merged
	for _, name := range encryption {
		delete(file, name)
		if value, ok := old[name]; ok {
			file[name] = value
		}
	}
	return yaml.Marshal(file)
}

// Plain turns a value with JSON names into maps and lists, so that YAML is
// written under those names.
func Plain(value any) (any, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var plain any
	err = json.Unmarshal(raw, &plain)
	return plain, err
}
