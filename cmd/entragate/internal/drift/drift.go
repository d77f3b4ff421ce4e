// Package drift finds what someone changed outside the program: it reads back
// what a stack deployed, and who holds anything on its API, and compares that
// with what the stack declares. It changes nothing, and reads no secret.
package drift

import (
	"cmp"
	"context"
	"slices"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
	"github.com/entragate/entragate/components"
)

// Stack is what was deployed, and what it declares.
type Stack struct {
	Clouds *clouds.Clouds
	// URL, APIID, Audience, Clients and Credentials are outputs of the stack.
	URL, APIID, Audience string
	Clients              map[string]string
	Credentials          map[string]credentials.Declared

	// Model and Issuer are what its configuration says.
	Model  access.Model
	Issuer string
	// Throttle is that of routes without one of their own.
	Throttle access.Throttle
	// CORS says which pages may call, nil if none may. What it leaves to defaults
	// is not compared.
	CORS *components.CORS
	// EndpointOff says that the execute-api endpoint answers nothing.
	EndpointOff bool
	// GrantsExternal says that an administrator makes the grants.
	GrantsExternal bool
	// OutboundIssuer is that of the account's outbound identity federation, "" if
	// it is not used.
	OutboundIssuer string
	// Owners are the object ids of who owns everything. Nobody compares owners if
	// it is empty.
	Owners []string
}

// Find reads what is deployed and compares it. The error is that of a context
// that ended: what cannot be read is in the report.
func (s Stack) Find(ctx context.Context) (Report, error) {
	state, err := s.Read(ctx)
	if err != nil {
		return Report{}, err
	}
	return s.Compare(state), nil
}

// Read reads what is deployed.
func (s Stack) Read(ctx context.Context) (*deployed.State, error) {
	applications := map[string]string{}
	for _, c := range s.Model.Clients {
		applications[c.Name] = s.Clients[c.Name]
	}
	if rotator, ok := s.Credentials[components.RotatorName]; ok {
		applications[components.RotatorName] = rotator.ClientID
	}
	return deployed.Read(ctx, deployed.Source{
		Clouds: s.Clouds, URL: s.URL, APIID: s.APIID, Audience: s.Audience, Clients: applications,
	})
}

// Compare compares what was read with what is declared.
func (s Stack) Compare(state *deployed.State) Report {
	c := &comparison{Stack: s, state: state}
	c.gateway()
	c.api()
	c.clients()
	c.grants()
	c.assignments()
	implied := state.Implied(s.Model, s.Issuer)
	report := Report{Findings: c.findings, Cells: cells(s.Model.Matrix(), implied.Matrix), Unread: state.Unread}
	if report.Findings == nil {
		report.Findings = []Finding{}
	}
	if report.Unread == nil {
		report.Unread = []deployed.Unread{}
	}
	if len(s.Owners) == 0 {
		report.Skipped = append(report.Skipped, "owners: which ones are declared was not said")
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return cmp.Compare(a.Effect.rank(), b.Effect.rank()) })
	report.count()
	return report
}

// comparison is one under way.
type comparison struct {
	Stack
	state    *deployed.State
	findings []Finding
}

func (c *comparison) add(f Finding) { c.findings = append(c.findings, f) }

// cells are those of which what is deployed decides otherwise than was declared.
// Whom or what nobody declared has no access by the declaration.
func cells(declared, implied access.Matrix) []Cell {
	found := []Cell{}
	for _, route := range implied.Routes {
		for _, caller := range implied.Callers {
			got, known := implied.At(route, caller.ID)
			if !known {
				continue
			}
			want, isDeclared := declared.At(route, caller.ID)
			open, _ := declared.At(route, "anonymous")
			switch {
			case isDeclared && got.Outcome() == want.Outcome() && got.Status == want.Status:
				continue
			case !isDeclared && (!got.Allowed || open.Allowed): // what everybody may is nobody's gain
				continue
			case !isDeclared:
				want = access.Decision{Words: "not declared"}
			case want.Uncertain && !got.Allowed:
				continue
			}
			cell := Cell{Route: route, Caller: caller.ID, Title: caller.Title, Got: got.Words, Want: want.Words, Effect: Neutral}
			switch {
			case got.Allowed && !want.Allowed:
				cell.Effect = Widening
			case want.Allowed && !got.Allowed:
				cell.Effect = Breaking
			}
			found = append(found, cell)
		}
	}
	return found
}
