package lambda

type concurrencyOutput struct{ ReservedConcurrentExecutions *int }

// Quotas of https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html.
const (
	accountConcurrency = 1000
	unreservedMinimum  = 100
)

func (s *Service) putConcurrency(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[concurrencyOutput](c)
	if err != nil {
		return nil, err
	}
	if in.ReservedConcurrentExecutions == nil || *in.ReservedConcurrentExecutions < 0 {
		return nil, constraint("null", "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	return in, s.state.Update(func(all *State) error {
		fn := all.Functions[name]
		if fn == nil {
			return s.noFunction(name, "")
		}
		left := accountConcurrency - *in.ReservedConcurrentExecutions
		for _, other := range all.Functions {
			if other != fn && other.Reserved != nil {
				left -= *other.Reserved
			}
		}
		if left < unreservedMinimum {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreservedMinimum)
		}
		fn.Reserved = in.ReservedConcurrentExecutions
		return nil
	})
}

func (s *Service) getConcurrency(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	return out, s.view(name, func(fn *Function) error {
		if fn.Reserved != nil {
			out["ReservedConcurrentExecutions"] = *fn.Reserved
		}
		return nil
	})
}

func (s *Service) deleteConcurrency(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	return nil, s.change(name, func(fn *Function) error {
		fn.Reserved = nil
		return nil
	})
}
