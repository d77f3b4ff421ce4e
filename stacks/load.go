package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/esc"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

var resourceName = regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,39}$`)

// LoadConfig reads and validates the configuration of the running stack. Every
// problem is in the error, an [access.Problems].
func LoadConfig(ctx *pulumi.Context) (Config, error) {
	c := Config{project: ctx.Project(), stack: ctx.Stack()}
	settings, others, err := runningSettings(ctx)
	if err != nil {
		return Config{}, err
	}
	var d decoder
	d.strays(ctx.Project(), others)
	d.settings(ctx.Project(), settings, &c)
	if found := d.everything(c); len(found) > 0 {
		return Config{}, found
	}
	return c, nil
}

// runningSettings are the project's settings as the engine hands them over, and
// the keys of everything else. A context answers for a name only and lists none,
// so unknown names are read where a language host puts the configuration.
// Programs that run inside the Automation API have no such place: they call
// [ReadFiles] first.
func runningSettings(ctx *pulumi.Context) (settings map[string]string, others []string, err error) {
	prefix := ctx.Project() + ":"
	settings = map[string]string{}
	if raw := os.Getenv(pulumi.EnvConfig); raw != "" {
		var all map[string]string
		if err := json.Unmarshal([]byte(raw), &all); err != nil {
			return nil, nil, fmt.Errorf("%s: got what is not an object of texts: %w", pulumi.EnvConfig, err)
		}
		for key, value := range all {
			if name, own := strings.CutPrefix(key, prefix); own {
				settings[name] = value
			} else {
				others = append(others, key)
			}
		}
	}
	for name := range jsonFields(typeOfConfig) {
		if value, ok := ctx.GetConfig(prefix + name); ok {
			settings[name] = value
		}
	}
	return settings, others, nil
}

// ReadFiles reads the configuration of a stack from Pulumi.yaml and
// Pulumi.<stack>.yaml in dir, without the Pulumi CLI. It validates what the
// files say; tenantId and deployer may be missing, since neither decides who
// may call what. Encrypted values are refused: no setting is a secret.
func ReadFiles(dir, stack string) (Config, error) {
	project, values, err := readValues(dir, stack)
	if err != nil {
		return Config{}, err
	}
	name := project.Name.String()
	c := Config{project: name, stack: stack}
	if c.dir, err = filepath.Abs(dir); err != nil {
		return Config{}, err
	}
	settings := map[string]string{}
	var others []string
	for key, value := range values {
		if key.Namespace() != name {
			others = append(others, key.String())
			continue
		}
		if value.Secure() {
			return Config{}, fmt.Errorf("%s: the value is encrypted, want plain text: no setting is a secret, "+
				"and it can be read by the Pulumi CLI only", key)
		}
		if settings[key.Name()], err = value.Value(config.NopDecrypter); err != nil {
			return Config{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	var d decoder
	d.strays(name, others)
	d.settings(name, settings, &c)
	found := slices.DeleteFunc(d.everything(c), func(p access.Problem) bool {
		return c.TenantID == "" && p.Path == name+":tenantId" || c.Deployer == "" && p.Path == name+":deployer"
	})
	if len(found) > 0 {
		return Config{}, found
	}
	return c, nil
}

// readValues loads both files, with the project's defaults filled in.
func readValues(dir, stack string) (*workspace.Project, config.Map, error) {
	projectFile := filepath.Join(dir, "Pulumi.yaml")
	project, err := workspace.LoadProject(projectFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", projectFile, err)
	}
	stackFile := filepath.Join(dir, "Pulumi."+stack+".yaml")
	if _, err := os.Stat(stackFile); err != nil {
		return nil, nil, fmt.Errorf("stack %q: %w", stack, err)
	}
	sink := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	settings, err := workspace.LoadProjectStack(sink, project, stackFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", stackFile, err)
	}
	err = workspace.ApplyProjectConfig(context.Background(), stack, project, esc.Value{}, settings.Config,
		config.NopEncrypter, config.NopDecrypter)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", stackFile, err)
	}
	return project, settings.Config, nil
}
