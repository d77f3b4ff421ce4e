package engine

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Change is what an operation does to one resource.
type Change struct {
	Op   string   `json:"op"`
	Type string   `json:"type"`
	Name string   `json:"name"`
	URN  string   `json:"urn"`
	Keys []string `json:"keys,omitempty"` // the properties that change
}

// Changes are what an operation did, or would do.
type Changes struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Delete  int `json:"delete"`
	Replace int `json:"replace"`
	Same    int `json:"same"`
	// Resources are those that change.
	Resources []Change `json:"resources,omitempty"`
}

// None reports whether nothing changes.
func (c Changes) None() bool { return c.Create+c.Update+c.Delete+c.Replace == 0 }

// String is such as "create 3, update 1, 40 unchanged".
func (c Changes) String() string {
	if c.None() {
		return fmt.Sprintf("no changes, %d resources as they should be", c.Same)
	}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{c.Create, "create"}, {c.Update, "update"}, {c.Replace, "replace"}, {c.Delete, "delete"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", part.what, part.n))
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("%d unchanged", c.Same)), ", ")
}

// symbols are those of the pulumi CLI.
var symbols = map[apitype.OpType]string{
	apitype.OpCreate: "+", apitype.OpUpdate: "~", apitype.OpDelete: "-", apitype.OpReplace: "+-",
	apitype.OpCreateReplacement: "++", apitype.OpDeleteReplaced: "--", apitype.OpImport: "=", apitype.OpRefresh: " ",
}

// progress turns the engine's events into one line a resource, and counts.
type progress struct {
	out     io.Writer
	now     func() time.Time
	started map[string]time.Time
	changes Changes
	// problems are the errors that the engine reported.
	problems []string
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, now: time.Now, started: map[string]time.Time{}}
}

// follow reads events until the channel closes.
func (p *progress) follow(stream <-chan events.EngineEvent) {
	for e := range stream {
		switch {
		case e.ResourcePreEvent != nil:
			p.before(e.ResourcePreEvent)
		case e.ResOutputsEvent != nil:
			p.after(e.ResOutputsEvent)
		case e.ResOpFailedEvent != nil:
			m := e.ResOpFailedEvent.Metadata
			fmt.Fprintf(p.out, "  ! %-8s %s\n", m.Op, label(m))
		case e.DiagnosticEvent != nil:
			p.diagnostic(e.DiagnosticEvent)
		case e.SummaryEvent != nil:
			p.count(e.SummaryEvent.ResourceChanges)
		}
	}
}

func (p *progress) before(e *apitype.ResourcePreEvent) {
	m := e.Metadata
	p.started[m.URN+string(m.Op)] = p.now()
	if symbols[m.Op] == "" || m.Op == apitype.OpRefresh || structural(m) {
		return
	}
	keys := m.Diffs
	if len(m.Keys) > 0 {
		keys = m.Keys
	}
	p.changes.Resources = append(p.changes.Resources, Change{
		Op: string(m.Op), Type: m.Type, Name: resource.URN(m.URN).Name(), URN: m.URN, Keys: keys,
	})
	if e.Planning {
		fmt.Fprintf(p.out, "  %s %s%s\n", symbols[m.Op], label(m), changed(m.Op, keys))
	}
}

func (p *progress) after(e *apitype.ResOutputsEvent) {
	m := e.Metadata
	if e.Planning || symbols[m.Op] == "" || m.Op == apitype.OpRefresh || m.Op == apitype.OpReplace || structural(m) {
		return
	}
	started, ok := p.started[m.URN+string(m.Op)]
	if !ok { // found by a refresh, done by nobody
		return
	}
	fmt.Fprintf(p.out, "  %s %s%s %.1fs\n", symbols[m.Op], label(m), changed(m.Op, m.Diffs), p.now().Sub(started).Seconds())
}

func (p *progress) diagnostic(e *apitype.DiagnosticEvent) {
	if e.Ephemeral || e.Severity != "error" && e.Severity != "warning" && e.Severity != "info#err" {
		return
	}
	message := strings.TrimSpace(stripColors(e.Message))
	if message == "" {
		return
	}
	if e.URN != "" {
		message = resource.URN(e.URN).Name() + ": " + message
	}
	if e.Severity == "error" {
		p.problems = append(p.problems, message)
	}
	fmt.Fprintf(p.out, "  %s: %s\n", strings.TrimSuffix(e.Severity, "#err"), message)
}

func (p *progress) count(changes map[apitype.OpType]int) {
	p.changes.Create = changes[apitype.OpCreate] + changes[apitype.OpImport]
	p.changes.Update = changes[apitype.OpUpdate]
	p.changes.Delete = changes[apitype.OpDelete]
	p.changes.Replace = changes[apitype.OpReplace]
	p.changes.Same = changes[apitype.OpSame]
}

// structural tells that a resource stands for nothing in a cloud: the stack, a
// component, a provider.
func structural(m apitype.StepEventMetadata) bool {
	state := m.New
	if state == nil {
		state = m.Old
	}
	return state == nil || !state.Custom || strings.HasPrefix(m.Type, "pulumi:")
}

func label(m apitype.StepEventMetadata) string {
	parts := strings.Split(m.Type, ":")
	return fmt.Sprintf("%s %s", parts[len(parts)-1], resource.URN(m.URN).Name())
}

func changed(op apitype.OpType, keys []string) string {
	if op != apitype.OpUpdate && op != apitype.OpReplace || len(keys) == 0 {
		return ""
	}
	return " (" + strings.Join(keys, ", ") + ")"
}

// stripColors removes the engine's markup, such as <{%reset%}>.
func stripColors(s string) string {
	for {
		before, rest, ok := strings.Cut(s, "<{%")
		if !ok {
			return s
		}
		_, after, ok := strings.Cut(rest, "%}>")
		if !ok {
			return s
		}
		s = before + after
	}
}
