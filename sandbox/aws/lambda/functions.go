package lambda

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// functionName is that of a new function, without account and region.
var functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

type createInput struct {
	FunctionName         string
	Code                 codeInput
	Architectures        []string
	PackageType          string
	Publish              bool
	PublishTo            string
	Tags                 map[string]string
	CodeSigningConfigArn string
	settingsInput
}

func join(names []string) string { return strings.Join(names, ", ") }

func architecture(given []string) (string, error) {
	switch {
	case len(given) == 0:
		return "x86_64", nil
	case len(given) > 1 || given[0] != "x86_64" && given[0] != "arm64":
		return "", constraint("["+join(given)+"]", "architectures", "Member must be one of [x86_64, arm64]")
	}
	return given[0], nil
}

func (s *Service) createFunction(c *call) (any, error) {
	in, err := decode[createInput](c)
	if err != nil {
		return nil, err
	}
	name, qualified, err := s.refer(in.FunctionName)
	switch {
	case err != nil:
		return nil, err
	case qualified != "" || !functionName.MatchString(name):
		return nil, constraint(in.FunctionName, "functionName", "Member must satisfy regular expression pattern: %s", functionName)
	case cmp.Or(in.PackageType, "Zip") != "Zip":
		return nil, wire.NotImplemented("package type " + in.PackageType)
	case in.CodeSigningConfigArn != "":
		return nil, wire.NotImplemented("CodeSigningConfigArn")
	case in.PublishTo != "":
		return nil, wire.NotImplemented("PublishTo")
	case in.Role == nil:
		return nil, constraint("null", "role", "Member must not be null")
	}
	if err := in.Code.check(); err != nil {
		return nil, err
	}
	settings, err := s.apply(name, Settings{
		MemoryMB: 128, Timeout: 3, TracingMode: "PassThrough", StorageMB: 512,
		Logging: Logging{LogFormat: "Text", LogGroup: "/aws/lambda/" + name},
	}, in.settingsInput)
	if err != nil {
		return nil, err
	}
	arch, err := architecture(in.Architectures)
	if err != nil {
		return nil, err
	}
	tags, err := tagging.Merge(nil, in.Tags)
	if err != nil {
		return nil, invalid("%v", err)
	}
	s.uploads.RLock()
	defer s.uploads.RUnlock()
	code, err := s.unpack(in.Code.ZipFile)
	if err != nil {
		return nil, err
	}
	code.Settings, code.Architecture, code.Version = settings, arch, latest
	s.touch(code)
	fn := &Function{
		Name: name, Latest: code, Versions: map[string]*Version{}, Aliases: map[string]*Alias{}, Policies: map[string]*Policy{}, Tags: tags,
	}
	var answer configuration
	err = s.state.Update(func(all *State) error {
		if all.Functions[name] != nil {
			return conflict("Function already exist: %s", name)
		}
		all.Functions[name] = fn
		answer = s.answer(fn, fn.Latest, "")
		if in.Publish {
			answer = s.answer(fn, fn.publish(""), "1")
		}
		return nil
	})
	if err != nil {
		_ = os.RemoveAll(filepath.Join(s.code, code.Folder)) // nobody has it
	}
	return answer, err
}

// touch marks a version as changed now.
func (s *Service) touch(v *Version) {
	v.Modified, v.RevisionID = s.Now().UTC(), uuid.NewString()
}

type functionOutput struct {
	Configuration configuration
	// AWS tells where the archive can be downloaded; the sandbox keeps none.
	Code        struct{ RepositoryType string }
	Tags        map[string]string  `json:",omitempty"`
	Concurrency *concurrencyOutput `json:",omitempty"`
}

func (s *Service) getFunction(c *call) (any, error) {
	name, qualified, err := s.named(c)
	if err != nil {
		return nil, err
	}
	var out functionOutput
	out.Code.RepositoryType = "S3"
	return &out, s.view(name, func(fn *Function) error {
		v, err := s.resolve(fn, qualified)
		if err != nil {
			return err
		}
		out.Configuration, out.Tags = s.answer(fn, v, qualified), fn.Tags
		if fn.Reserved != nil {
			out.Concurrency = &concurrencyOutput{fn.Reserved}
		}
		return nil
	})
}

func (s *Service) getFunctionConfiguration(c *call) (any, error) {
	name, qualified, err := s.named(c)
	if err != nil {
		return nil, err
	}
	var answer configuration
	return &answer, s.view(name, func(fn *Function) error {
		v, err := s.resolve(fn, qualified)
		if err == nil {
			answer = s.answer(fn, v, qualified)
		}
		return err
	})
}

// page reads how much of a list a request asks for.
func page[T any](c *call, items []T, most int, key func(T) string) ([]T, string, error) {
	limit := min(50, most)
	if given := c.URL.Query().Get("MaxItems"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > 10000 {
			return nil, "", constraint(given, "maxItems", "Member must have value between 1 and 10000")
		}
		limit = min(n, most) // more is asked for, but not given
	}
	items, next, err := wire.Page(items, key, c.URL.Query().Get("Marker"), limit)
	if err != nil {
		return nil, "", invalid("Invalid Marker: got '%s'", c.URL.Query().Get("Marker"))
	}
	return items, next, nil
}

type functionsOutput struct {
	Functions  []configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) listFunctions(c *call) (any, error) {
	everyVersion := c.URL.Query().Get("FunctionVersion")
	if everyVersion != "" && everyVersion != "ALL" {
		return nil, constraint(everyVersion, "functionVersion", "Member must satisfy enum value set: [ALL]")
	}
	var found []configuration
	s.state.View(func(all *State) {
		for _, fn := range all.Functions {
			if everyVersion == "" {
				found = append(found, s.answer(fn, fn.Latest, ""))
				continue
			}
			for _, v := range fn.every() {
				found = append(found, s.answer(fn, v, v.Version))
			}
		}
	})
	found, next, err := page(c, found, 50, func(f configuration) string { return f.FunctionName + " " + order(f.Version) })
	return functionsOutput{found, next}, err
}

// deleteFunction deletes a function, or one of its versions.
func (s *Service) deleteFunction(c *call) (any, error) {
	name, qualified, err := s.named(c)
	if err != nil {
		return nil, err
	}
	err = s.state.Update(func(all *State) error {
		fn := all.Functions[name]
		switch {
		case fn == nil:
			return s.noFunction(name, qualified)
		case qualified == "":
			delete(all.Functions, name)
			return nil
		case qualified == latest:
			return invalid("$LATEST version cannot be deleted without deleting the function.")
		case !number.MatchString(qualified): // the text is a guess
			return invalid("Deletion of aliases is not currently supported.")
		case fn.Versions[qualified] == nil:
			return s.noFunction(name, qualified)
		}
		for _, alias := range slices.Sorted(maps.Keys(fn.Aliases)) {
			if fn.Aliases[alias].Version == qualified {
				return conflict("Version has a reference in alias: %s", alias)
			}
		}
		delete(fn.Versions, qualified)
		delete(fn.Policies, qualified)
		return nil
	})
	if err == nil {
		s.settle()
	}
	return nil, err
}

// update changes the newest version of a function by a copy, which fn makes.
func (s *Service) update(name, revision string, publish, dryRun bool, fn func(*Version)) (any, error) {
	var answer configuration
	return &answer, s.change(name, func(function *Function) error {
		if err := checkRevision(revision, function.Latest.RevisionID); err != nil {
			return err
		}
		next := *function.Latest
		fn(&next)
		if dryRun {
			answer = s.answer(function, &next, "")
			return nil
		}
		s.touch(&next)
		function.Latest = &next
		answer = s.answer(function, function.Latest, "")
		if publish {
			v := function.publish("")
			answer = s.answer(function, v, v.Version)
		}
		return nil
	})
}

type updateCodeInput struct {
	codeInput
	Architectures []string
	DryRun        bool
	Publish       bool
	PublishTo     string
	RevisionID    string `json:"RevisionId"`
}

func (s *Service) updateFunctionCode(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[updateCodeInput](c)
	if err != nil {
		return nil, err
	}
	if err := s.view(name, func(*Function) error { return nil }); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, wire.NotImplemented("PublishTo")
	}
	arch, err := architecture(in.Architectures)
	if err != nil {
		return nil, err
	}
	defer s.settle() // removes the old code, or the new if it is not taken
	s.uploads.RLock()
	defer s.uploads.RUnlock()
	code, err := s.unpack(in.ZipFile)
	if err != nil {
		return nil, err
	}
	return s.update(name, in.RevisionID, in.Publish, in.DryRun, func(v *Version) {
		v.Folder, v.CodeSHA256, v.CodeSize = code.Folder, code.CodeSHA256, code.CodeSize
		if len(in.Architectures) > 0 {
			v.Architecture = arch
		}
	})
}

type updateConfigurationInput struct {
	RevisionID string `json:"RevisionId"`
	settingsInput
}

func (s *Service) updateFunctionConfiguration(c *call) (any, error) {
	name, err := s.unqualified(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[updateConfigurationInput](c)
	if err != nil {
		return nil, err
	}
	var settings Settings
	err = s.view(name, func(fn *Function) error {
		settings, err = s.apply(name, fn.Latest.Settings, in.settingsInput)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer s.settle()
	return s.update(name, in.RevisionID, false, false, func(v *Version) { v.Settings = settings })
}
