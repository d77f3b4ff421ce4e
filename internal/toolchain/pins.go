package toolchain

import "fmt"

// Version is the version of the pulumi CLI that is built when none is installed. An installed one is used when it is of
// the same major and not older. It is the version of the Pulumi SDK in go.mod, and of the CLI in tools/go.mod.
const Version = "v3.250.0"

// A plugin is a provider, at the version of the Go SDK that the programs import: the engine asks for no other.
type plugin struct {
	name    string
	version string
}

// plugins are in the order in which they build fastest: the small one compiles what the others share.
var plugins = []plugin{
	{"random", "v4.18.0"},
	{"azuread", "v5.53.5"},
	{"aws", "v6.83.0"},
}

// folder is the name that the plugin's folder has in every PULUMI_HOME.
func (p plugin) folder() string { return fmt.Sprintf("resource-%s-%s", p.name, p.version) }

// binary is the name of the program in that folder.
func (p plugin) binary() string { return "pulumi-resource-" + p.name }

func (p plugin) String() string { return fmt.Sprintf("provider plugin %s %s", p.name, p.version) }
