// Package project finds a Pulumi project, and makes the copy of its
// configuration that is deployed into the sandbox.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Project is a Pulumi project on disk.
type Project struct {
	// Dir holds Pulumi.yaml.
	Dir string
	// Name is the project's name.
	Name string
}

// Find opens the project in dir or, when dir is empty, in the nearest parent of
// the working directory that has one.
func Find(dir string) (Project, error) {
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return Project{}, fmt.Errorf("finding the project: %w", err)
		}
		return open(abs)
	}
	start, err := os.Getwd()
	if err != nil {
		return Project{}, fmt.Errorf("finding the project: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		p, err := open(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
		if dir == filepath.Dir(dir) {
			return Project{}, fmt.Errorf("finding the project: no Pulumi.yaml in %s or a parent of it; say --dir", start)
		}
	}
}

func open(dir string) (Project, error) {
	path := filepath.Join(dir, "Pulumi.yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Project{}, fmt.Errorf("opening the project: %w", err)
	}
	var file struct {
		Name string `yaml:"name"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return Project{}, fmt.Errorf("opening the project: %s: %w", path, err)
	}
	if file.Name == "" {
		return Project{}, fmt.Errorf("opening the project: %s: name: got nothing, want the project's name", path)
	}
	return Project{Dir: dir, Name: file.Name}, nil
}

// stackName is what Pulumi takes for a stack's name. It becomes a part of
// paths, so nothing else may pass.
// https://www.pulumi.com/docs/iac/concepts/stacks/#create-stack
var stackName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)

// StackFile is the path of a stack's committed configuration.
func (p Project) StackFile(stack string) (string, error) {
	if !stackName.MatchString(stack) {
		return "", fmt.Errorf("stack: got %q, want letters, digits, dashes, dots and underscores", stack)
	}
	path := filepath.Join(p.Dir, "Pulumi."+stack+".yaml")
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("stack: got %q, want %s: %w", stack, p.stacks(), err)
	case err != nil:
		return "", fmt.Errorf("stack %s: %w", stack, err)
	}
	return path, nil
}

// stacks names the stacks that have a configuration, for an error.
func (p Project) stacks() string {
	files, err := fs.Glob(os.DirFS(p.Dir), "Pulumi.?*.yaml")
	if err != nil || len(files) == 0 {
		return "a stack with a configuration, and none has one"
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "Pulumi."), ".yaml")
	}
	return "one of " + strings.Join(files, ", ")
}
