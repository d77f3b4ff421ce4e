package logs

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// retentions are the days that PutRetentionPolicy takes, see
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func checkGroupName(name string) error {
	if !groupName.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+ and have length between 1 and 512", name)
	}
	return nil
}

// groupInput names a group; the other members are those of single operations.
type groupInput struct {
	LogGroupName    string            `json:"logGroupName"`
	LogGroupClass   string            `json:"logGroupClass"`
	KMSKeyID        string            `json:"kmsKeyId"`
	RetentionInDays int               `json:"retentionInDays"`
	Tags            map[string]string `json:"tags"`

	DeletionProtectionEnabled bool `json:"deletionProtectionEnabled"`
}

func (s *Service) createLogGroup(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(in.LogGroupName, "aws/") {
		return nil, invalid("Log groups starting with aws/ are reserved for AWS.")
	}
	if in.DeletionProtectionEnabled {
		return nil, wire.NotImplemented("deletionProtectionEnabled")
	}
	if in.LogGroupClass == "" {
		in.LogGroupClass = "STANDARD"
	}
	if !slices.Contains([]string{"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"}, in.LogGroupClass) {
		return nil, invalid("Invalid logGroupClass: got %q, want STANDARD, INFREQUENT_ACCESS or DELIVERY", in.LogGroupClass)
	}
	if in.KMSKeyID != "" {
		if err := s.checkKey(in); err != nil {
			return nil, err
		}
	}
	return nil, s.addGroup(in)
}

// addGroup makes a group whose settings but name and tags are checked.
func (s *Service) addGroup(in groupInput) error {
	if err := checkGroupName(in.LogGroupName); err != nil {
		return err
	}
	tags, err := tagging.Merge(nil, in.Tags)
	if err != nil {
		return invalid("%v", err)
	}
	id := make([]byte, 8)
	rand.Read(id) // never fails, see its documentation
	group := &Group{
		ID: hex.EncodeToString(id), Name: in.LogGroupName, Class: in.LogGroupClass, KMSKeyID: in.KMSKeyID,
		Created: s.millis(), Tags: tags, Streams: map[string]*Stream{},
	}
	return s.state.Update(func(all *State) error {
		if all.Groups[group.Name] != nil {
			return refusal("ResourceAlreadyExistsException", "The specified log group already exists")
		}
		j, err := openJournal(s.journalPath(group.ID), usualCapacity)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events[group.ID] = j
		all.Groups[group.Name] = group
		return nil
	})
}

// changeGroup calls fn with the group, to change it.
func (s *Service) changeGroup(name string, fn func(*Group) error) error {
	if err := checkGroupName(name); err != nil {
		return err
	}
	return s.state.Update(func(all *State) error {
		group := all.Groups[name]
		if group == nil {
			return missing("log group")
		}
		return fn(group)
	})
}

// viewGroup calls fn with the group, to read it.
func (s *Service) viewGroup(name string, fn func(*Group) error) error {
	if err := checkGroupName(name); err != nil {
		return err
	}
	var err error
	s.state.View(func(all *State) {
		group := all.Groups[name]
		if group == nil {
			err = missing("log group")
			return
		}
		err = fn(group)
	})
	return err
}

func (s *Service) deleteLogGroup(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkGroupName(in.LogGroupName); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		group := all.Groups[in.LogGroupName]
		if group == nil {
			return missing("log group")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.events[group.ID].remove(); err != nil {
			return err
		}
		delete(s.events, group.ID)
		delete(s.watches, group.ID)
		delete(all.Groups, group.Name)
		return nil
	})
}

func (s *Service) putRetentionPolicy(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(retentions, in.RetentionInDays) {
		return nil, invalid("Invalid retentionInDays: got %d, want one of %v", in.RetentionInDays, retentions)
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		group.RetentionInDays = in.RetentionInDays
		return nil
	})
}

func (s *Service) deleteRetentionPolicy(r *http.Request) (any, error) {
	in, err := decode[groupInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.changeGroup(in.LogGroupName, func(group *Group) error {
		group.RetentionInDays = 0
		return nil
	})
}

type describeGroupsInput struct {
	LogGroupNamePrefix  string   `json:"logGroupNamePrefix"`
	LogGroupNamePattern string   `json:"logGroupNamePattern"`
	LogGroupClass       string   `json:"logGroupClass"`
	LogGroupIdentifiers []string `json:"logGroupIdentifiers"`
	NextToken           string   `json:"nextToken"`
	Limit               *int     `json:"limit"`

	IncludeLinkedAccounts bool `json:"includeLinkedAccounts"`
}

type groupAnswer struct {
	ARN               string `json:"arn"` // with ":*"
	LogGroupARN       string `json:"logGroupArn"`
	LogGroupName      string `json:"logGroupName"`
	LogGroupClass     string `json:"logGroupClass"`
	CreationTime      int64  `json:"creationTime"`
	KMSKeyID          string `json:"kmsKeyId,omitempty"`
	RetentionInDays   int    `json:"retentionInDays,omitempty"`
	MetricFilterCount int    `json:"metricFilterCount"`
	StoredBytes       int64  `json:"storedBytes"`
}

type describeGroupsOutput struct {
	LogGroups []groupAnswer `json:"logGroups"`
	NextToken string        `json:"nextToken,omitempty"`
}

func (s *Service) describeLogGroups(r *http.Request) (any, error) {
	in, err := decode[describeGroupsInput](r)
	if err != nil {
		return nil, err
	}
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if in.IncludeLinkedAccounts {
		return nil, wire.NotImplemented("includeLinkedAccounts")
	}
	limit, err := limit(in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	var groups []groupAnswer
	s.state.View(func(all *State) {
		for name, group := range all.Groups {
			identified := func(id string) bool { return id == name || id == s.ARN(name) }
			if !strings.HasPrefix(name, in.LogGroupNamePrefix) ||
				!strings.Contains(strings.ToLower(name), strings.ToLower(in.LogGroupNamePattern)) ||
				in.LogGroupClass != "" && group.Class != in.LogGroupClass ||
				len(in.LogGroupIdentifiers) > 0 && !slices.ContainsFunc(in.LogGroupIdentifiers, identified) {
				continue
			}
			groups = append(groups, groupAnswer{
				ARN: s.ARN(name) + ":*", LogGroupARN: s.ARN(name), LogGroupName: name, LogGroupClass: group.Class,
				CreationTime: group.Created, KMSKeyID: group.KMSKeyID, RetentionInDays: group.RetentionInDays,
				MetricFilterCount: len(group.Filters), StoredBytes: s.journal(group.ID).storedBytes(),
			})
		}
	})
	page, next, err := wire.Page(groups, func(g groupAnswer) string { return g.LogGroupName }, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return describeGroupsOutput{page, next}, nil
}

// limit returns the number of results a request asks for.
func limit(given *int, standard, most int) (int, error) {
	if given == nil {
		return standard, nil
	}
	if *given < 1 || *given > most {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", *given, most)
	}
	return *given, nil
}

func (s *Service) journal(groupID string) *journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[groupID]
}

// ARN returns the name of a group as other services know it, without ":*".
func (s *Service) ARN(group string) string {
	return "arn:aws:logs:" + s.Region + ":" + s.Account + ":log-group:" + group
}

// HasGroup reports whether there is a log group of that name.
func (s *Service) HasGroup(name string) (found bool) {
	s.state.View(func(all *State) { found = all.Groups[name] != nil })
	return found
}
