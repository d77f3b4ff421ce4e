package entra

import (
	"context"
	"errors"

	"github.com/entragate/entragate/sandbox/faults"
)

// setFaults answers POST /_sandbox/faults: a list of [faults.Rule] that is in
// force from then on, in the place of the one before. An empty one clears it. The
// answer, and that of GET, is a list of [faults.Report].
func (c *cloud) setFaults(_ context.Context, rules []faults.Rule) ([]faults.Report, error) {
	if rules == nil {
		return nil, errors.New("setting faults: got null, want a list of rules")
	}
	if err := c.faults.Replace(rules); err != nil {
		return nil, err
	}
	return c.faults.Reports(), nil
}
