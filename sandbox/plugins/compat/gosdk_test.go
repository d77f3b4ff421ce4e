package compat

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A goPackage is one package of a Go SDK, as its source declares it.
type goPackage struct {
	structs   map[string]*ast.StructType
	resources map[string]resourceDecl // by token
	functions map[string]string       // by token, the name of the Go function
}

// A resourceDecl is what the constructor of a resource says of it.
type resourceDecl struct {
	name     string
	required map[string]bool // inputs, by Go field
}

// parsePackage reads the package in dir.
func parsePackage(dir string) (*goPackage, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no package in %s: %w", dir, err)
	}
	p := &goPackage{
		structs:   make(map[string]*ast.StructType),
		resources: make(map[string]resourceDecl),
		functions: make(map[string]string),
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			p.add(decl)
		}
	}
	return p, nil
}

func (p *goPackage) add(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					p.structs[spec.Name.Name] = s
				}
			}
		}
	case *ast.FuncDecl:
		if decl.Recv == nil && decl.Body != nil {
			p.addFunc(decl)
		}
	}
}

var requiredArgument = regexp.MustCompile(`^invalid value for required argument '(\w+)'$`)

// addFunc recognizes constructors of resources, and functions, by the call that names their token.
func (p *goPackage) addFunc(decl *ast.FuncDecl) {
	required := make(map[string]bool)
	ast.Inspect(decl, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		first, ok := firstString(call)
		if !ok {
			return true
		}
		switch method(call) {
		case "New":
			if match := requiredArgument.FindStringSubmatch(first); match != nil {
				required[match[1]] = true
			}
		case "RegisterResource":
			p.resources[first] = resourceDecl{strings.TrimPrefix(decl.Name.Name, "New"), required}
		case "Invoke":
			p.functions[first] = decl.Name.Name
		}
		return true
	})
}

func method(call *ast.CallExpr) string {
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		return sel.Sel.Name
	}
	return ""
}

func firstString(call *ast.CallExpr) (string, bool) {
	if len(call.Args) == 0 {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// inputs returns what a resource takes: the unexported struct that goes over the wire, and what the constructor requires.
func (p *goPackage) inputs(decl resourceDecl) map[string]field {
	s := p.structs[lowerFirst(decl.name)+"Args"]
	fields := p.fields(s)
	for _, f := range s.Fields.List {
		property := propertyName(f)
		fields[property] = field{shape: fields[property].shape, required: decl.required[f.Names[0].Name]}
	}
	return fields
}

// state returns all that a resource has, nothing of it required.
func (p *goPackage) state(decl resourceDecl) map[string]field {
	return p.fields(p.structs[lowerFirst(decl.name)+"State"])
}

// functionInputs returns what a function takes.
func (p *goPackage) functionInputs(name string) map[string]field {
	s, ok := p.structs[name+"Args"]
	if !ok {
		return map[string]field{}
	}
	return p.fields(s)
}

func (p *goPackage) fields(s *ast.StructType) map[string]field {
	fields := make(map[string]field)
	for _, f := range s.Fields.List {
		if name := propertyName(f); name != "" {
			_, pointer := f.Type.(*ast.StarExpr)
			shape := p.shape(f.Type)
			loose := slices.Contains([]string{"list", "map", "any", "archive"}, shape.kind)
			fields[name] = field{shape: shape, required: !pointer, loose: loose}
		}
	}
	return fields
}

// propertyName is what the tag says: `pulumi:"name"`.
func propertyName(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("pulumi"), ",")
	return name
}

func (p *goPackage) shape(expr ast.Expr) *shape {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return p.shape(expr.X)
	case *ast.ArrayType:
		return &shape{kind: "list", elem: p.shape(expr.Elt)}
	case *ast.MapType:
		return &shape{kind: "map", elem: p.shape(expr.Value)}
	case *ast.SelectorExpr:
		if name := expr.Sel.Name; name == "Archive" || name == "AssetOrArchive" {
			return &shape{kind: "archive"}
		}
		return &shape{kind: "any"}
	case *ast.Ident:
		return p.named(expr.Name)
	}
	return &shape{kind: "any"} // interface{}
}

func (p *goPackage) named(name string) *shape {
	switch name {
	case "string", "bool", "int":
		return &shape{kind: name}
	case "float64":
		return &shape{kind: "number"}
	}
	if s, ok := p.structs[name]; ok {
		return &shape{kind: "object", fields: p.fields(s)}
	}
	return &shape{kind: "string"} // an enumeration
}

func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
