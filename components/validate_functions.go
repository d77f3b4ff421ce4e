package components

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/functions"
)

// Limits of AWS Lambda, and of API Gateway on its authorizers.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	minMemoryMB          = 128
	maxMemoryMB          = 10240
	maxTimeoutSeconds    = 900
	maxAuthorizerSeconds = 10
	maxEnvironment       = 4096 // characters of all variables
)

func (p *problems) architecture(path string, a functions.Architecture) {
	if a != "" && a != functions.ARM64 && a != functions.X8664 {
		p.add(path, "unknown architecture", string(a), fmt.Sprintf("%q or %q", functions.ARM64, functions.X8664))
	}
}

// functionName checks the name of a function's resources, to which Pulumi adds a
// dash and seven characters: Lambda and IAM take 64 in all.
// https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
func (p *problems) functionName(path, name string) {
	const longest = 64 - len("-1234567")
	if len(name) > longest {
		p.add(path, "name of the function is too long", name, fmt.Sprintf("at most %d characters with the API's name", longest))
	}
}

// program checks what a function runs. Whether it builds shows when it is built.
func (p *problems) program(path string, program functions.Program) {
	err := program.Validate()
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		at := path
		for _, setting := range []string{"architecture", "package", "binary"} {
			if rest, ok := strings.CutPrefix(line, setting+": "); ok {
				at, line = path+"."+setting, rest
			}
		}
		p.add(at, line, "", "")
	}
}

func (p *problems) functionSettings(path string, s FunctionSettings, longest int) {
	if s.MemoryMB != 0 && (s.MemoryMB < minMemoryMB || s.MemoryMB > maxMemoryMB) {
		p.add(path+".memoryMB", "memory out of range", fmt.Sprint(s.MemoryMB), fmt.Sprintf("%d to %d megabytes", minMemoryMB, maxMemoryMB))
	}
	if s.TimeoutSeconds < 0 || s.TimeoutSeconds > longest {
		p.add(path+".timeoutSeconds", "timeout out of range", fmt.Sprint(s.TimeoutSeconds), fmt.Sprintf("1 to %d seconds", longest))
	}
	if n := s.ReservedConcurrency; n != nil && *n < 1 {
		p.add(path+".reservedConcurrency", "concurrency refuses every call", fmt.Sprint(*n), "at least 1, or nothing")
	}
	p.retention(path+".logRetentionDays", s.LogRetentionDays)
}

// variableName is what Lambda takes for the name of a variable.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// reservedVariables are set by Lambda itself.
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

func (p *problems) environment(path string, names []string) {
	for _, name := range names {
		at := fmt.Sprintf("%s[%q]", path, name)
		if !variableName.MatchString(name) {
			p.add(at, "malformed name of a variable", name, "a letter, then letters, digits and underscores")
		}
		if slices.Contains(reservedVariables, name) {
			p.add(at, "variable that Lambda sets itself", name, "another name")
		}
	}
}

// environmentSize checks variables whose values are known.
func (p *problems) environmentSize(path string, variables map[string]string) {
	size := 0
	for name, value := range variables {
		size += len(name) + len(value)
		if strings.ContainsRune(value, 0) {
			p.add(fmt.Sprintf("%s[%q]", path, name), "value has a NUL", "", "text")
		}
	}
	if size > maxEnvironment {
		p.add(path, "environment is too large", fmt.Sprint(size), fmt.Sprintf("at most %d characters in all", maxEnvironment))
	}
}
