package lambda

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/aws/lambda/runner"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// settingsInput is what requests say about settings; nil leaves one as it is.
type settingsInput struct {
	Description      *string
	Role             *string
	Runtime          *string
	Handler          *string
	MemorySize       *int
	Timeout          *int
	Environment      *environmentAnswer
	TracingConfig    *tracingConfig
	EphemeralStorage *storageConfig
	LoggingConfig    *Logging

	unsupported
}

// unsupported is refused, unless it says no more than its absence.
type unsupported struct {
	DeadLetterConfig  *struct{ TargetArn string }
	FileSystemConfigs []json.RawMessage
	ImageConfig       map[string]json.RawMessage
	KMSKeyArn         string
	Layers            []string
	SnapStart         *struct{ ApplyOn string }
	VpcConfig         *struct {
		SubnetIds, SecurityGroupIds []string
		Ipv6AllowedForDualStack     bool
	}
	CapacityProviderConfig map[string]json.RawMessage
	DurableConfig          map[string]json.RawMessage
	TenancyConfig          map[string]json.RawMessage
}

func (in unsupported) check() error {
	for _, each := range []struct {
		given bool
		name  string
	}{
		{in.DeadLetterConfig != nil && in.DeadLetterConfig.TargetArn != "", "DeadLetterConfig"},
		{len(in.FileSystemConfigs) > 0, "FileSystemConfigs"},
		{len(in.ImageConfig) > 0, "ImageConfig"},
		{in.KMSKeyArn != "", "KMSKeyArn"},
		{len(in.Layers) > 0, "Layers"},
		{in.SnapStart != nil && cmp.Or(in.SnapStart.ApplyOn, "None") != "None", "SnapStart"},
		{in.VpcConfig != nil && len(in.VpcConfig.SubnetIds)+len(in.VpcConfig.SecurityGroupIds) > 0, "VpcConfig"},
		{in.VpcConfig != nil && in.VpcConfig.Ipv6AllowedForDualStack, "VpcConfig"},
		{len(in.CapacityProviderConfig) > 0, "CapacityProviderConfig"},
		{len(in.DurableConfig) > 0, "DurableConfig"},
		{len(in.TenancyConfig) > 0, "TenancyConfig"},
	} {
		if each.given {
			return wire.NotImplemented("a function with " + each.name)
		}
	}
	return nil
}

var (
	roleARN      = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)
	handlerName  = regexp.MustCompile(`^[^\s]{1,128}$`)
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
	logGroupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
)

// runtimes are those without an interpreter.
var runtimes = []string{"provided.al2023", "provided.al2"}

// maxVariables is how large all variables may be, in bytes of JSON.
const maxVariables = 4096

// apply returns the settings with the changes, or says what is wrong with them.
func (s *Service) apply(name string, current Settings, in settingsInput) (Settings, error) {
	if err := in.check(); err != nil {
		return current, err
	}
	set(&current.Description, in.Description)
	set(&current.Role, in.Role)
	set(&current.Runtime, in.Runtime)
	set(&current.Handler, in.Handler)
	set(&current.MemoryMB, in.MemorySize)
	set(&current.Timeout, in.Timeout)
	if in.Environment != nil {
		current.Variables = maps.Clone(in.Environment.Variables)
	}
	if in.TracingConfig != nil {
		current.TracingMode = cmp.Or(in.TracingConfig.Mode, "PassThrough")
	}
	if in.EphemeralStorage != nil {
		current.StorageMB = in.EphemeralStorage.Size
	}
	if given := in.LoggingConfig; given != nil {
		current.Logging = *given
		current.Logging.LogFormat = cmp.Or(given.LogFormat, "Text")
		current.Logging.LogGroup = cmp.Or(given.LogGroup, "/aws/lambda/"+name)
		if current.Logging.LogFormat == "JSON" {
			current.Logging.ApplicationLogLevel = cmp.Or(given.ApplicationLogLevel, "INFO")
			current.Logging.SystemLogLevel = cmp.Or(given.SystemLogLevel, "INFO")
		}
	}
	if err := current.check(); err != nil {
		return current, err
	}
	if in.Role != nil && !s.Roles.TrustedBy(current.Role, principal) {
		return current, errRole
	}
	return current, nil
}

// errRole is the answer to a role that is missing or does not trust Lambda.
var errRole = invalid("The role defined for the function cannot be assumed by Lambda.")

func set[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

func (v Settings) check() error {
	switch {
	case utf8.RuneCountInString(v.Description) > 256:
		return constraint(v.Description, "description", "Member must have length less than or equal to 256")
	case !roleARN.MatchString(v.Role):
		return constraint(v.Role, "role", "Member must satisfy regular expression pattern: %s", roleARN)
	case v.Runtime == "":
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case !slices.Contains(runtimes, v.Runtime):
		return wire.NotImplemented("runtime " + v.Runtime)
	case v.Handler == "":
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case !handlerName.MatchString(v.Handler):
		return constraint(v.Handler, "handler", "Member must satisfy regular expression pattern: [^\\s]+ and have length less than or equal to 128")
	case v.MemoryMB < 128 || v.MemoryMB > 10240:
		return constraint(v.MemoryMB, "memorySize", "Member must have value between 128 and 10240")
	case v.Timeout < 1 || v.Timeout > 900:
		return constraint(v.Timeout, "timeout", "Member must have value between 1 and 900")
	case v.TracingMode != "PassThrough" && v.TracingMode != "Active":
		return constraint(v.TracingMode, "tracingConfig.mode", "Member must satisfy enum value set: [Active, PassThrough]")
	case v.StorageMB < 512 || v.StorageMB > 10240:
		return constraint(v.StorageMB, "ephemeralStorage.size", "Member must have value between 512 and 10240")
	}
	if err := v.Logging.check(); err != nil {
		return err
	}
	return checkVariables(v.Variables)
}

func (l Logging) check() error {
	levels := []string{"", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
	switch {
	case l.LogFormat != "Text" && l.LogFormat != "JSON":
		return constraint(l.LogFormat, "loggingConfig.logFormat", "Member must satisfy enum value set: [JSON, Text]")
	case !logGroupName.MatchString(l.LogGroup):
		return constraint(l.LogGroup, "loggingConfig.logGroup", "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+")
	case l.LogFormat == "Text" && l.ApplicationLogLevel+l.SystemLogLevel != "": // the text is a guess
		return invalid("You cannot set log levels when the log format is Text.")
	case !slices.Contains(levels, l.ApplicationLogLevel):
		return constraint(l.ApplicationLogLevel, "loggingConfig.applicationLogLevel", "Member must satisfy enum value set: %v", levels[1:])
	case !slices.Contains([]string{"", "DEBUG", "INFO", "WARN"}, l.SystemLogLevel):
		return constraint(l.SystemLogLevel, "loggingConfig.systemLogLevel", "Member must satisfy enum value set: [DEBUG, INFO, WARN]")
	}
	return nil
}

// checkVariables refuses variables that functions cannot have, see
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html.
func checkVariables(variables map[string]string) error {
	var reserved []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !variableName.MatchString(name) && !slices.Contains(runner.Reserved, name) {
			return constraint(name, "environment.variables", "Map keys must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+")
		}
		if slices.Contains(runner.Reserved, name) {
			reserved = append(reserved, name)
		}
	}
	if reserved != nil {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", join(reserved))
	}
	raw, err := json.Marshal(variables)
	if err != nil {
		return err
	}
	if variables != nil && len(raw) > maxVariables {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %d bytes", len(raw))
	}
	return nil
}
