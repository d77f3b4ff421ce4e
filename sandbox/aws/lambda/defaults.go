package lambda

import "cmp"

// getCodeSigningConfig answers that there is none.
func (s *Service) getCodeSigningConfig(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	return map[string]string{"CodeSigningConfigArn": "", "FunctionName": name}, s.view(name, func(*Function) error { return nil })
}

// getRuntimeManagementConfig answers what functions have that were not told.
func (s *Service) getRuntimeManagementConfig(c *call) (any, error) {
	name, qualified, err := s.named(c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"FunctionArn": s.qualifiedARN(name, cmp.Or(qualified, latest)), "UpdateRuntimeOn": "Auto"},
		s.view(name, func(fn *Function) error {
			_, err := s.resolve(fn, qualified)
			return err
		})
}

// getRecursionConfig answers what functions have that were not told. Loops are
// not detected here.
func (s *Service) getRecursionConfig(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	return map[string]string{"RecursiveLoop": "Terminate"}, s.view(name, func(*Function) error { return nil })
}
