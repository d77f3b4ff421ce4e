package stacks

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/entragate/entragate/access"
)

var typeOfConfig = reflect.TypeFor[Config]()

// decoder fills a Config from settings, strictly, and collects every problem.
type decoder struct {
	problems access.Problems
	// mistyped is set once a value could not be decoded. Unknown settings leave
	// nothing undecoded.
	mistyped bool
}

func (d *decoder) add(path, message, got, want string) {
	d.problems = append(d.problems, access.Problem{Path: path, Message: message, Got: got, Want: want})
}

func (d *decoder) wrongType(path, got, want string) {
	d.mistyped = true
	d.add(path, "wrong type", got, want)
}

// everything returns what decoding found and what is wrong with the result. The
// latter is not known if values have wrong types: they would be missing in it.
func (d *decoder) everything(decoded Config) access.Problems {
	if d.mistyped {
		return d.problems
	}
	return append(d.problems, decoded.problems()...)
}

// settings decodes the settings of a project: values as Pulumi hands them to a
// program, texts as they are and everything else as JSON.
func (d *decoder) settings(project string, settings map[string]string, into *Config) {
	fields := jsonFields(typeOfConfig)
	target := reflect.ValueOf(into).Elem()
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		path := project + ":" + key
		index, known := fields[key]
		if !known {
			d.unknown(path, project+":", key, fields)
			continue
		}
		field := target.Field(index)
		if field.Kind() == reflect.String {
			field.SetString(settings[key])
			continue
		}
		var value any
		reader := json.NewDecoder(strings.NewReader(settings[key]))
		reader.UseNumber()
		if err := reader.Decode(&value); err != nil || reader.More() {
			d.wrongType(path, settings[key], wanted(field.Type()))
			continue
		}
		d.value(path, value, field)
	}
}

// value decodes one value of a parsed JSON document.
func (d *decoder) value(path string, value any, into reflect.Value) {
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(path, value, into.Elem())
		return
	case reflect.Struct:
		if object, ok := value.(map[string]any); ok {
			d.object(path, object, into)
			return
		}
	case reflect.Map:
		if object, ok := value.(map[string]any); ok {
			d.texts(path, object, into)
			return
		}
	case reflect.Slice:
		if list, ok := value.([]any); ok {
			into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
			for i, item := range list {
				d.value(fmt.Sprintf("%s[%d]", path, i), item, into.Index(i))
			}
			return
		}
	default:
		if scalar(value, into) {
			return
		}
	}
	d.wrongType(path, shown(value), wanted(into.Type()))
}

// scalar sets a text, number or truth value, and reports whether it is one.
func scalar(value any, into reflect.Value) bool {
	switch into.Kind() {
	case reflect.String:
		text, ok := value.(string)
		if ok {
			into.SetString(text)
		}
		return ok
	case reflect.Bool:
		truth, ok := value.(bool)
		if ok {
			into.SetBool(truth)
		}
		return ok
	case reflect.Int:
		number, ok := value.(json.Number)
		n, err := strconv.Atoi(number.String())
		if ok && err == nil {
			into.SetInt(int64(n))
		}
		return ok && err == nil
	case reflect.Float64:
		number, ok := value.(json.Number)
		f, err := number.Float64()
		if ok && err == nil {
			into.SetFloat(f)
		}
		return ok && err == nil
	}
	return false
}

func (d *decoder) object(path string, object map[string]any, into reflect.Value) {
	fields := jsonFields(into.Type())
	for _, key := range slices.Sorted(maps.Keys(object)) {
		index, known := fields[key]
		if !known {
			d.unknown(path+"."+key, "", key, fields)
			continue
		}
		d.value(path+"."+key, object[key], into.Field(index))
	}
}

func (d *decoder) texts(path string, object map[string]any, into reflect.Value) {
	texts := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		text, ok := object[key].(string)
		if !ok {
			d.wrongType(path+"."+key, shown(object[key]), "a text")
			continue
		}
		texts[key] = text
	}
	into.Set(reflect.ValueOf(texts))
}

// unknown reports a setting that does not exist, with the nearest that does.
func (d *decoder) unknown(path, prefix, key string, fields map[string]int) {
	d.add(path, "unknown setting", key, nearest(prefix, key, fields))
}

// otherNamespaces are what the stack's file configures beside the project.
var otherNamespaces = []string{"aws", "azuread", "random", "pulumi"}

// strays reports keys whose namespace is nearly the project: Pulumi takes them
// for those of a provider, and nothing would ever read them.
func (d *decoder) strays(project string, keys []string) {
	fields := jsonFields(typeOfConfig)
	for _, key := range slices.Sorted(slices.Values(keys)) {
		namespace, name, _ := strings.Cut(key, ":")
		if namespace == project || slices.Contains(otherNamespaces, namespace) {
			continue
		}
		// Names of two letters are near to everything.
		if far := distance(namespace, project); far <= 2 && far < len(project) {
			d.add(key, "namespace that is not the project's", namespace, nearest(project+":", name, fields))
		}
	}
}

// nearest words what is wanted instead of key: the setting that is near it if
// there is one, and all of them otherwise.
func nearest(prefix, key string, fields map[string]int) string {
	names := slices.Sorted(maps.Keys(fields))
	name := slices.MinFunc(names, func(a, b string) int { return distance(key, a) - distance(key, b) })
	if distance(key, name) <= max(2, len(name)/3) {
		return fmt.Sprintf("%q", prefix+name)
	}
	return "one of " + strings.Join(names, ", ")
}

func distance(a, b string) int {
	return levenshtein.Distance(strings.ToLower(a), strings.ToLower(b), nil)
}

// jsonFields maps the JSON names of a struct's exported fields to their index.
func jsonFields(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			fields[name] = i
		}
	}
	return fields
}

// wanted words a type.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Struct:
		return "an object with " + strings.Join(slices.Sorted(maps.Keys(jsonFields(t))), ", ")
	case reflect.Map:
		return "an object of texts"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return "a text"
	}
}

// shown is a value as a message shows it.
func shown(value any) string {
	const longest = 60
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if len(raw) > longest {
		return string(raw[:longest]) + "…"
	}
	return string(raw)
}
