package logs

import (
	"net/http"
	"regexp"
)

var kmsKeyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$`)

// checkKey refuses a key that the service cannot use for a group. The texts are
// guesses from experience.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
func (s *Service) checkKey(in groupInput) error {
	if !kmsKeyARN.MatchString(in.KMSKeyID) {
		return invalid("Specified KMS key ARN is not valid: %s", in.KMSKeyID)
	}
	if s.CheckKey != nil {
		if group := s.ARN(in.LogGroupName); s.CheckKey(in.KMSKeyID, group) != nil {
			return invalid("The specified KMS key does not exist or is not allowed to be used with Arn '%s'", group)
		}
	}
	return nil
}

func (s *Service) associateKMSKey(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkKey(in); err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		group.KMSKeyID = in.KMSKeyID
		return nil
	})
}

func (s *Service) disassociateKMSKey(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		group.KMSKeyID = ""
		return nil
	})
}
