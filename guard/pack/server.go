package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/entragate/entragate/guard"
)

const (
	packName    = "entragate"
	packVersion = "0.1.0"
)

// server is a policy pack as the engine talks to it. The SDK has one for Go,
// package policyx, in which rules on one resource work, as of v3.250.0; but it
// never runs a rule on a whole stack, and reports no severity. When it does, it
// takes the place of this file.
type server struct {
	pulumirpc.UnimplementedAnalyzerServer
	rules []guard.Rule

	mu         sync.RWMutex // the engine analyzes resources at the same time
	configured map[string]configuration
}

// configuration is what the configuration of the pack says of one rule.
type configuration struct {
	level pulumirpc.EnforcementLevel
	allow []guard.Allowance
}

func newServer() *server {
	s := &server{rules: guard.Rules(), configured: map[string]configuration{}}
	for _, rule := range s.rules {
		s.configured[rule.ID] = configuration{level: level(rule)}
	}
	return s
}

func level(rule guard.Rule) pulumirpc.EnforcementLevel {
	if rule.Mandatory {
		return pulumirpc.EnforcementLevel_MANDATORY
	}
	return pulumirpc.EnforcementLevel_ADVISORY
}

var severities = map[guard.Severity]pulumirpc.PolicySeverity{
	guard.Low:      pulumirpc.PolicySeverity_POLICY_SEVERITY_LOW,
	guard.Medium:   pulumirpc.PolicySeverity_POLICY_SEVERITY_MEDIUM,
	guard.High:     pulumirpc.PolicySeverity_POLICY_SEVERITY_HIGH,
	guard.Critical: pulumirpc.PolicySeverity_POLICY_SEVERITY_CRITICAL,
}

// Handshake has nothing to agree on.
func (s *server) Handshake(context.Context, *pulumirpc.AnalyzerHandshakeRequest) (*pulumirpc.AnalyzerHandshakeResponse, error) {
	return &pulumirpc.AnalyzerHandshakeResponse{}, nil
}

// ConfigureStack has nothing to remember: rules are the same for every stack.
func (s *server) ConfigureStack(
	context.Context, *pulumirpc.AnalyzerStackConfigureRequest,
) (*pulumirpc.AnalyzerStackConfigureResponse, error) {
	return &pulumirpc.AnalyzerStackConfigureResponse{}, nil
}

// GetPluginInfo tells the version.
func (s *server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: packVersion}, nil
}

// GetAnalyzerInfo tells the rules.
func (s *server) GetAnalyzerInfo(context.Context, *emptypb.Empty) (*pulumirpc.AnalyzerInfo, error) {
	info := &pulumirpc.AnalyzerInfo{Name: packName, DisplayName: "Entragate", Version: packVersion, SupportsConfig: true}
	for _, rule := range s.rules {
		schema, err := allowSchema()
		if err != nil {
			return nil, err
		}
		kind := pulumirpc.PolicyType_POLICY_TYPE_RESOURCE
		if rule.Stack() {
			kind = pulumirpc.PolicyType_POLICY_TYPE_STACK
		}
		info.Policies = append(info.Policies, &pulumirpc.PolicyInfo{
			Name: rule.ID, Description: rule.Title, EnforcementLevel: level(rule), PolicyType: kind,
			Severity: severities[rule.Severity], Tags: rule.Public, RemediationSteps: rule.Fix, Url: rule.URL,
			ConfigSchema: schema,
		})
	}
	return info, nil
}

// allowSchema is that of a rule's configuration. The engine holds it against what
// the user wrote, and names what is wrong.
func allowSchema() (*pulumirpc.PolicyConfigSchema, error) {
	text := map[string]any{"type": "string", "minLength": 1}
	properties, err := structpb.NewStruct(map[string]any{"allow": map[string]any{
		"type": "array",
		"items": map[string]any{
			"type":                 "object",
			"properties":           map[string]any{"resource": text, "reason": text},
			"required":             []any{"resource", "reason"},
			"additionalProperties": false,
		},
	}})
	return &pulumirpc.PolicyConfigSchema{Properties: properties}, err
}

// Configure takes the configuration of all rules, defaults included.
func (s *server) Configure(_ context.Context, request *pulumirpc.ConfigureAnalyzerRequest) (*emptypb.Empty, error) {
	configured := map[string]configuration{}
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(request.GetPolicyConfig())) {
		given := request.GetPolicyConfig()[id]
		if _, known := s.configured[id]; !known {
			problems = append(problems, fmt.Errorf("%s: no such rule, want one of %s", id, strings.Join(s.ids(), ", ")))
			continue
		}
		allow, err := readAllow(given.GetProperties())
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", id, err))
		}
		configured[id] = configuration{level: given.GetEnforcementLevel(), allow: allow}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("configuration of policy pack %s: %w", packName, errors.Join(problems...))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.configured, configured)
	return &emptypb.Empty{}, nil
}

func (s *server) ids() []string {
	var ids []string
	for _, rule := range s.rules {
		ids = append(ids, rule.ID)
	}
	return ids
}

// readAllow reads what is allowed. A setting that does not exist is refused: the
// engine lets it pass.
func readAllow(properties *structpb.Struct) ([]guard.Allowance, error) {
	raw, err := json.Marshal(properties.AsMap())
	if err != nil {
		return nil, err
	}
	var given struct {
		Allow []guard.Allowance `json:"allow"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		return nil, fmt.Errorf("want allow, a list of resource and reason: %w", err)
	}
	var problems []error
	for i, allowance := range given.Allow {
		if err := allowance.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("allow[%d]: %w", i, err))
		}
	}
	return given.Allow, errors.Join(problems...)
}

// Analyze judges what a resource is given, before it is created or updated.
func (s *server) Analyze(_ context.Context, request *pulumirpc.AnalyzeRequest) (*pulumirpc.AnalyzeResponse, error) {
	properties, err := readProperties(request.GetProperties())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", request.GetUrn(), err)
	}
	resource := guard.Resource{
		URN: request.GetUrn(), Type: request.GetType(), Name: request.GetName(), Properties: properties,
	}
	return s.judge(func(rule guard.Rule, allowed []guard.Allowance) []guard.Violation {
		return rule.Judge(resource, allowed)
	}), nil
}

// AnalyzeStack judges what the stack has, or in a preview would have.
func (s *server) AnalyzeStack(_ context.Context, request *pulumirpc.AnalyzeStackRequest) (*pulumirpc.AnalyzeResponse, error) {
	resources := make([]guard.Resource, 0, len(request.GetResources()))
	for _, r := range request.GetResources() {
		properties, err := readProperties(r.GetProperties())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", r.GetUrn(), err)
		}
		depends := map[string][]string{}
		for name, on := range r.GetPropertyDependencies() {
			depends[name] = on.GetUrns()
		}
		resources = append(resources, guard.Resource{
			URN: r.GetUrn(), Type: r.GetType(), Name: r.GetName(), Properties: properties, Depends: depends,
		})
	}
	return s.judge(func(rule guard.Rule, allowed []guard.Allowance) []guard.Violation {
		return rule.JudgeStack(resources, allowed)
	}), nil
}

// judge asks every rule that is not disabled.
func (s *server) judge(ask func(guard.Rule, []guard.Allowance) []guard.Violation) *pulumirpc.AnalyzeResponse {
	s.mu.RLock()
	defer s.mu.RUnlock()
	response := &pulumirpc.AnalyzeResponse{}
	for _, rule := range s.rules {
		configured := s.configured[rule.ID]
		if configured.level == pulumirpc.EnforcementLevel_DISABLED {
			continue
		}
		for _, violation := range ask(rule, configured.allow) {
			response.Diagnostics = append(response.Diagnostics, &pulumirpc.AnalyzeDiagnostic{
				PolicyName: rule.ID, PolicyPackName: packName, PolicyPackVersion: packVersion,
				Description: rule.Title, Message: rule.Explain(violation), Urn: violation.URN,
				EnforcementLevel: configured.level, Severity: severities[rule.Severity],
			})
		}
	}
	return response
}

// Remediate changes nothing: what is wrong is the program's to put right.
func (s *server) Remediate(context.Context, *pulumirpc.AnalyzeRequest) (*pulumirpc.RemediateResponse, error) {
	return &pulumirpc.RemediateResponse{}, nil
}

// Cancel has nothing to abort: no rule takes long.
func (s *server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
