package toolchain

import (
	"context"
	_ "embed" // for the modules
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/tools/txtar"

	"github.com/entragate/entragate/internal/gocmd"
)

// The modules that programs are built from lie in tools and sandbox/plugins. Go leaves nested modules out of the module
// around them, so users that import Entragate, or install its command, would not have them: hence this copy, which a
// test compares with them. After a change: go test ./internal/toolchain -run TestEmbeddedModules -update.
//
//go:embed modules.txtar
var embedded []byte

var embeddedFiles = sync.OnceValue(func() []txtar.File { return txtar.Parse(embedded).Files })

// The embedded modules, by their folder in the repository.
const (
	cliModule     = "tools"
	pluginsModule = "sandbox/plugins"
)

// A nestedModule is one of the embedded modules, with the key of what this machine builds from it.
type nestedModule struct {
	opts     Options
	files    []txtar.File // paths are relative to the module
	needsAWS bool         // it can be loaded only beside the copy of the AWS provider's module
	key      string
}

// openModule finds an embedded module.
func openModule(ctx context.Context, opts Options, folder string) (*nestedModule, error) {
	m := &nestedModule{opts: opts, needsAWS: folder == pluginsModule}
	for _, file := range embeddedFiles() {
		if name, ok := strings.CutPrefix(file.Name, folder+"/"); ok {
			m.files = append(m.files, txtar.File{Name: name, Data: file.Data})
		}
	}
	if len(m.files) == 0 {
		return nil, fmt.Errorf("no module %s in this program", folder)
	}
	// The version is asked for inside the module, since its go.mod may choose another toolchain.
	scratch, err := os.MkdirTemp("", "entragate-*")
	if err != nil {
		return nil, err
	}
	defer remove(scratch)
	if err := m.unpack(scratch); err != nil {
		return nil, err
	}
	toolchain, err := opts.goTool(ctx, scratch, gocmd.BuildEnv(opts.Env), "env", "GOVERSION", "GOOS", "GOARCH")
	if err != nil {
		return nil, err
	}
	m.key = m.hash(string(toolchain))
	return m, nil
}

// hash is over all that determines what is built.
func (m *nestedModule) hash(toolchain string) string {
	var all strings.Builder
	fmt.Fprintf(&all, "layout 1\n%q\n%q\n", toolchain, gocmd.BuildEnv(nil))
	if m.needsAWS {
		fmt.Fprintf(&all, "%q\n%q\n%q\n%q\n", awsVersion, awsSum, servicePackagesList.keep, clientsList.keep)
	}
	for _, file := range m.files {
		fmt.Fprintf(&all, "%q %q\n", file.Name, file.Data)
	}
	return shortHash(all.String())
}

// unpack writes the module's files into dir.
func (m *nestedModule) unpack(dir string) error {
	for _, file := range m.files {
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// prepare completes the unpacked module with what is not embedded.
func (m *nestedModule) prepare(ctx context.Context, dir string) error {
	if !m.needsAWS {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, awsCopyDir)); err == nil {
		return nil
	}
	return prepareAWS(ctx, m.opts, dir)
}
