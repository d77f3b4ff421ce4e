package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/cmd/entragate/internal/verify"
)

// outputs are those of the stack that tell how to call what it deployed.
type outputs struct {
	URL                string                          `json:"url"`
	APIID              string                          `json:"apiId"`
	TenantID           string                          `json:"tenantId"`
	Issuer             string                          `json:"issuer"`
	Audience           string                          `json:"audience"`
	Clients            map[string]string               `json:"clients"`
	Scopes             map[string]string               `json:"scopes"`
	Access             map[string]map[string]string    `json:"access"`
	Credentials        map[string]credentials.Declared `json:"credentials"`
	LogGroup           string                          `json:"logGroup"`
	AuthorizerLogGroup string                          `json:"authorizerLogGroup"`
	AlarmTopic         string                          `json:"alarmTopic"`
	// Declared is nil where nothing is deployed.
	Declared *review.Deployment `json:"declared"`
}

// readOutputs reads them from the state.
func readOutputs(state engine.State) (outputs, error) {
	var o outputs
	raw, err := json.Marshal(state.Outputs())
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("reading the stack's outputs: %w", err)
	}
	return o, nil
}

// errNotDeployed is what calling needs and a stack has not.
var errNotDeployed = errors.New("it is not deployed in this sandbox: run `entragate sandbox up`")

// outputs are those of the stack, which must be deployed.
func (s *session) outputs() (outputs, error) {
	state, err := engine.ReadState(s.layout.state(), s.project.Name, s.app.stack)
	if err != nil {
		return outputs{}, err
	}
	o, err := readOutputs(state)
	if err == nil && (o.URL == "" || o.Audience == "") {
		err = fmt.Errorf("stack %s: %w", s.app.stack, errNotDeployed)
	}
	return o, err
}

// target is what the stack deployed.
func (s *session) target() (verify.Target, error) {
	d, err := s.deployed()
	return d.target(), err
}

// cell is one cell of the matrix with what was seen.
type cell struct {
	Route     string              `json:"route"`
	Caller    string              `json:"caller"`
	Predicted access.Decision     `json:"predicted"`
	Observed  *access.Observation `json:"observed"`
	Agree     bool                `json:"agree"`
}

// proof is the matrix with what was seen of it.
type proof struct {
	Matrix access.Matrix `json:"matrix"`
	Cells  []cell        `json:"cells"`
	// Differ is how many cells do not agree.
	Differ int `json:"differ"`

	table access.Table
}

// prove calls the API as every caller of its matrix.
func (s *session) prove(ctx context.Context, target verify.Target) (proof, error) {
	var p proof
	err := s.phase("verify", func() (err error) {
		tokens := verify.NewSandbox(target, s.settings, s.env, s.clouds)
		defer func() { err = errors.Join(err, tokens.Close(ctx)) }()
		matrix := target.Model.Matrix()
		prober := verify.Prober{URL: target.URL, Tokens: tokens, HTTP: s.clouds.HTTP}
		observed, err := prober.Observe(ctx, matrix)
		if err != nil {
			return err
		}
		p = newProof(access.Table{Matrix: matrix, Observed: observed})
		return nil
	})
	return p, err
}

func newProof(t access.Table) proof {
	p := proof{Matrix: t.Matrix, Cells: []cell{}, Differ: len(t.Differences()), table: t}
	for _, route := range t.Matrix.Routes {
		for _, caller := range t.Matrix.Callers {
			d, _ := t.Matrix.At(route, caller.ID)
			c := cell{Route: route, Caller: caller.ID, Predicted: d}
			if o, ok := t.Observed[route][caller.ID]; ok {
				c.Observed, c.Agree = &o, d.Agrees(o)
			}
			p.Cells = append(p.Cells, c)
		}
	}
	return p
}

// verdict is the last line about a proof.
func (p proof) verdict(took time.Duration) string {
	if p.Differ > 0 {
		return fmt.Sprintf("%d of %d cells differ from the matrix", p.Differ, len(p.Cells))
	}
	return fmt.Sprintf("all %d cells are as the matrix says (%.1fs)", len(p.Cells), took.Seconds())
}
