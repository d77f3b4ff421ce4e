package toolchain

import (
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The Terraform AWS provider compiles every AWS service there is, which takes over twenty minutes on two cores. Two
// generated files list those services; with these lists cut down, only what Entragate uses is compiled.

// A generatedList is one such file: it imports one package per service, and uses each in one or more nodes that can be
// taken out without touching anything else.
type generatedList struct {
	file   string   // path inside the provider's module
	prefix string   // of the import paths that the list is about
	keep   []string // last elements of the import paths to keep
	uses   func(*ast.File) (map[string][]ast.Node, error)
}

var servicePackagesList = generatedList{
	file:   "internal/provider/service_packages_gen.go",
	prefix: "github.com/hashicorp/terraform-provider-aws/internal/service/",
	keep: []string{
		"acm", "apigatewayv2", "cloudwatch", "events", "iam", "kms", "lambda", "logs", "meta", "route53",
		"secretsmanager", "sns", "sqs", "sts",
	},
	uses: servicePackageCalls,
}

// clientsList keeps the clients of the services above, and of those whose code these call: lambda imports parts of ec2,
// which in turn asks for the others.
var clientsList = generatedList{
	file:   "internal/conns/awsclient_gen.go",
	prefix: "github.com/aws/aws-sdk-go-v2/service/",
	keep: []string{
		"acm", "apigatewayv2", "cloudwatch", "cloudwatchlogs", "dynamodb", "ec2", "eventbridge", "iam", "kms", "lambda",
		"organizations", "resourcegroupstaggingapi", "route53", "route53domains", "s3", "secretsmanager", "sns", "sqs",
		"sts",
	},
	uses: clientMethods,
}

// narrow returns src without the services that are not kept. It fails if src is not built as expected, since a list
// that was only half understood would give a provider that fails at run time.
func (l generatedList) narrow(src []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, l.file, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	imports, err := l.imports(file)
	if err != nil {
		return nil, err
	}
	uses, err := l.uses(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.file, err)
	}
	if err := l.check(imports, uses); err != nil {
		return nil, err
	}
	drop := make(map[int]bool)
	for name, spec := range imports {
		if slices.Contains(l.keep, name) {
			continue
		}
		for _, node := range append(uses[name], spec) {
			markLines(drop, fset, node)
		}
	}
	return format.Source(withoutLines(src, drop))
}

// imports returns the import of each service by its last path element, which has to be the name it is used by.
func (l generatedList) imports(file *ast.File) (map[string]ast.Node, error) {
	found := make(map[string]ast.Node)
	for _, spec := range file.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(full, l.prefix) {
			continue
		}
		name := path.Base(full)
		if spec.Name != nil && spec.Name.Name != name {
			return nil, fmt.Errorf("%s: import %q is named %s, want no other name", l.file, full, spec.Name.Name)
		}
		found[name] = spec
	}
	return found, nil
}

// check reports every service that is imported but not used, used but not imported, or wanted but not there.
func (l generatedList) check(imports map[string]ast.Node, uses map[string][]ast.Node) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if len(uses[name]) == 0 {
			errs = append(errs, fmt.Errorf("%s: %s is imported but not in the list", l.file, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		if imports[name] == nil {
			errs = append(errs, fmt.Errorf("%s: %s is in the list but not imported from %s", l.file, name, l.prefix))
		}
	}
	for _, name := range l.keep {
		if imports[name] == nil {
			errs = append(errs, fmt.Errorf("%s: %s is not in the list, want it there", l.file, name))
		}
	}
	return errors.Join(errs...)
}

// servicePackageCalls finds the elements of the literal that function servicePackages returns, each `x.ServicePackage(ctx)`.
func servicePackageCalls(file *ast.File) (map[string][]ast.Node, error) {
	var elements []ast.Expr
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "servicePackages" {
			ast.Inspect(fn, func(n ast.Node) bool {
				if lit, ok := n.(*ast.CompositeLit); ok {
					elements = append(elements, lit.Elts...)
				}
				return true
			})
		}
	}
	uses := make(map[string][]ast.Node)
	for i, element := range elements {
		call, ok := element.(*ast.CallExpr)
		if !ok {
			return nil, fmt.Errorf("element %d of servicePackages is a %T, want a call", i, element)
		}
		pkg, name := selector(call.Fun)
		if name != "ServicePackage" {
			return nil, fmt.Errorf("element %d of servicePackages calls %q, want ServicePackage", i, name)
		}
		uses[pkg] = append(uses[pkg], call)
	}
	return uses, nil
}

// clientMethods finds the methods, each of which returns the `*x.Client` of one service.
func clientMethods(file *ast.File) (map[string][]ast.Node, error) {
	uses := make(map[string][]ast.Node)
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		results := fn.Type.Results
		if fn.Recv == nil || results == nil || len(results.List) != 1 {
			return nil, fmt.Errorf("%s is no method with one result", fn.Name.Name)
		}
		star, ok := results.List[0].Type.(*ast.StarExpr)
		if !ok {
			return nil, fmt.Errorf("%s returns a %T, want a pointer to a client", fn.Name.Name, results.List[0].Type)
		}
		pkg, name := selector(star.X)
		if name != "Client" {
			return nil, fmt.Errorf("%s returns a %q, want a Client", fn.Name.Name, name)
		}
		uses[pkg] = append(uses[pkg], fn)
	}
	return uses, nil
}

// selector splits `pkg.Name`; for any other expression both are empty.
func selector(expr ast.Expr) (pkg, name string) {
	sel, ok := expr.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return x.Name, sel.Sel.Name
}

// markLines marks the lines that node covers. Generated lists have one entry a line.
func markLines(marked map[int]bool, fset *token.FileSet, node ast.Node) {
	for line := fset.Position(node.Pos()).Line; line <= fset.Position(node.End()).Line; line++ {
		marked[line] = true
	}
}

func withoutLines(src []byte, drop map[int]bool) []byte {
	var out []byte
	line := 1
	for part := range strings.Lines(string(src)) {
		if !drop[line] {
			out = append(out, part...)
		}
		line++
	}
	return out
}
