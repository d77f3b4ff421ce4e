package doctor

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Severity says how bad a finding is.
type Severity string

// The values of [Severity].
const (
	// SeverityError: callers are refused, or let in, who should not be; or nobody
	// would know.
	SeverityError Severity = "error"
	// SeverityWarning: it works, and may not for long, or not as it was meant.
	SeverityWarning Severity = "warning"
	// SeverityInfo is worth knowing.
	SeverityInfo Severity = "info"
	// SeverityOK is what was looked at and found right.
	SeverityOK Severity = "ok"
)

// rank orders severities, the worst first.
func (s Severity) rank() int {
	return slices.Index([]Severity{SeverityError, SeverityWarning, SeverityInfo, SeverityOK}, s)
}

// Finding is what one look at one thing found.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	// Subject is what was looked at.
	Subject string `json:"subject"`
	// Evidence is what was seen.
	Evidence string `json:"evidence"`
	// Fix is what to do; empty where there is nothing to do.
	Fix string `json:"fix,omitempty"`
}

// Report is what was found, check by check.
type Report struct {
	// Errors, Warnings and Passed are how many findings are errors, warnings and
	// right.
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Passed   int       `json:"passed"`
	Findings []Finding `json:"findings"`
}

func (r *Report) count() {
	for _, f := range r.Findings {
		switch f.Severity {
		case SeverityError:
			r.Errors++
		case SeverityWarning:
			r.Warnings++
		case SeverityOK:
			r.Passed++
		case SeverityInfo:
		}
	}
}

// Healthy reports whether there is no error, and in strict mode no warning
// either.
func (r Report) Healthy(strict bool) bool {
	return r.Errors == 0 && (!strict || r.Warnings == 0)
}

// Write writes the findings as text, the worst first, and how many checks
// passed; verbose, those too.
func (r Report) Write(w io.Writer, verbose bool) error {
	var b strings.Builder
	for _, f := range slices.SortedStableFunc(slices.Values(r.Findings), func(a, b Finding) int {
		return cmp.Compare(a.Severity.rank(), b.Severity.rank())
	}) {
		if f.Severity == SeverityOK && !verbose {
			continue
		}
		fmt.Fprintf(&b, "%-7s  %s: %s\n", f.Severity, f.Check, f.Subject)
		indented(&b, f.Evidence)
		if f.Fix != "" {
			indented(&b, "fix: "+f.Fix)
		}
		if f.Severity != SeverityOK {
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "%s passed", counted(r.Passed, "check"))
	if r.Errors+r.Warnings > 0 {
		fmt.Fprintf(&b, ", %s, %s", counted(r.Errors, "error"), counted(r.Warnings, "warning"))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// indented writes text below its heading.
func indented(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "         %s\n", strings.TrimRight(line, "\n"))
	}
}

// counted is a number of things in words.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// examination is one check under way.
type examination struct {
	Doctor
	check    string
	findings []Finding
}

func (x *examination) add(s Severity, subject, evidence, fix string) {
	x.findings = append(x.findings, Finding{x.check, s, subject, evidence, fix})
}

func (x *examination) ok(subject, evidence string) { x.add(SeverityOK, subject, evidence, "") }

func (x *examination) info(subject, evidence, fix string) {
	x.add(SeverityInfo, subject, evidence, fix)
}

func (x *examination) warn(subject, evidence, fix string) {
	x.add(SeverityWarning, subject, evidence, fix)
}

func (x *examination) fail(subject, evidence, fix string) {
	x.add(SeverityError, subject, evidence, fix)
}

// want passes when got is what is wanted, and fails otherwise.
func (x *examination) want(subject, what, got, want, fix string) bool {
	if got != want {
		x.fail(subject, fmt.Sprintf("%s: got %q, want %q", what, got, want), fix)
		return false
	}
	x.ok(subject, what+": "+got)
	return true
}

// deploy is the fix of what is not as the configuration says.
const deploy = "run `pulumi refresh`, then `pulumi up`: it is not as the configuration says"
