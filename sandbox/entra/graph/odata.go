package graph

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Page sizes of directory objects.
// https://learn.microsoft.com/graph/paging
const (
	defaultPage = 100
	maxPage     = 999
)

// entity is one kind of object that a collection holds.
type entity struct {
	// kind is its type, e.g. application; set is its collection.
	kind, set string
	// filterable are the properties that $filter may name.
	filterable []string
	// sample has every property, with any values.
	sample func(*call) map[string]any
}

// entityAnswer is a single object, reduced to what $select names.
func (c *call) entityAnswer(e entity, object map[string]any) (answer, error) {
	selected, err := c.selected(e)
	if err != nil {
		return answer{}, err
	}
	body := project(object, selected)
	body["@odata.context"] = c.base() + "/$metadata#" + e.set + "/$entity"
	return answer{status: http.StatusOK, body: body}, nil
}

// created is the 201 of a new object.
func (c *call) created(e entity, object map[string]any) answer {
	object["@odata.context"] = c.base() + "/$metadata#" + e.set + "/$entity"
	id, _ := object["id"].(string)
	return answer{status: http.StatusCreated, body: object, location: "/" + e.set + "/" + id}
}

// collection is one page of objects, filtered and reduced as the query says.
func (c *call) collection(e entity, objects []map[string]any) (answer, error) {
	query := c.request.URL.Query()
	if err := c.checkOptions(query); err != nil {
		return answer{}, err
	}
	selected, err := c.selected(e)
	if err != nil {
		return answer{}, err
	}
	if text := query.Get("$filter"); text != "" {
		f, err := c.filter(e, text)
		if err != nil {
			return answer{}, err
		}
		objects = slices.DeleteFunc(objects, func(o map[string]any) bool { return !f.matches(o, nil) })
	}
	slices.SortFunc(objects, func(a, b map[string]any) int { return strings.Compare(objectID(a), objectID(b)) })
	body := map[string]any{"@odata.context": c.base() + "/$metadata#" + e.set}
	if query.Get("$count") == "true" {
		if c.eventual() {
			body["@odata.count"] = len(objects)
		}
	}
	size, err := pageSize(query)
	if err != nil {
		return answer{}, err
	}
	if objects, err = afterToken(objects, query); err != nil {
		return answer{}, err
	}
	if len(objects) > size {
		objects = objects[:size]
		body["@odata.nextLink"] = c.nextLink(query, objectID(objects[size-1]))
	}
	page := make([]map[string]any, 0, len(objects))
	for _, o := range objects {
		page = append(page, project(o, selected))
	}
	body["value"] = page
	return answer{status: http.StatusOK, body: body}, nil
}

func objectID(o map[string]any) string {
	id, _ := o["id"].(string)
	return id
}

// checkOptions refuses query options that are not implemented or not known.
func (c *call) checkOptions(query url.Values) error {
	for name := range query {
		switch name {
		case "$filter", "$select", "$top", "$count", "$skiptoken", "$format", "api-version":
		case "$expand", "$search", "$orderby":
			return notImplemented("the query option " + name)
		default:
			if strings.HasPrefix(name, "$") {
				return &Error{Status: 400, Code: "BadRequest", Message: "'" + name + "' is not supported by the service."}
			}
		}
	}
	return nil
}

func (c *call) eventual() bool {
	return strings.EqualFold(c.request.Header.Get("ConsistencyLevel"), "eventual")
}

// filter parses a $filter and checks that its properties may be filtered by.
func (c *call) filter(e entity, text string) (filter, error) {
	f, err := parseFilter(text)
	if err != nil {
		return nil, &Error{Status: 400, Code: "BadRequest", Message: "Invalid filter clause: " + err.Error()}
	}
	known := e.sample(c)
	for _, name := range properties(f) {
		if _, ok := known[name]; !ok {
			return nil, &Error{
				Status: 400, Code: "BadRequest",
				Message: "Invalid filter clause: Could not find a property named '" + name + "' on type 'microsoft.graph." + e.kind + "'.",
			}
		}
		if !slices.Contains(e.filterable, name) {
			return nil, unsupportedQuery("Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.", name, e.kind)
		}
	}
	if op := advanced(f); op != "" && (!c.eventual() || c.request.URL.Query().Get("$count") != "true") {
		return nil, unsupportedQuery("Operator '%s' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information", op)
	}
	return f, nil
}

// selected are the names in $select, nil for all.
func (c *call) selected(e entity) ([]string, error) {
	text := c.request.URL.Query().Get("$select")
	if text == "" {
		return nil, nil
	}
	known := e.sample(c)
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "*" {
			return nil, nil
		}
		if _, ok := known[name]; !ok {
			return nil, &Error{
				Status: 400, Code: "BadRequest",
				Message: "Parsing OData Select and Expand failed: Could not find a property named '" + name + "' on type 'microsoft.graph." + e.kind + "'.",
			}
		}
		names = append(names, name)
	}
	return names, nil
}

// project keeps the selected members and the annotations.
func project(object map[string]any, selected []string) map[string]any {
	if selected == nil {
		return object
	}
	out := map[string]any{}
	for name, value := range object {
		if strings.HasPrefix(name, "@") || slices.Contains(selected, name) {
			out[name] = value
		}
	}
	return out
}

func pageSize(query url.Values) (int, error) {
	text := query.Get("$top")
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, unsupportedQuery("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", text, maxPage)
	}
	return n, nil
}

// afterToken drops the objects of earlier pages. The token is the last id of
// the page before, so that a page stays right when objects come and go.
func afterToken(objects []map[string]any, query url.Values) ([]map[string]any, error) {
	text := query.Get("$skiptoken")
	if text == "" {
		return objects, nil
	}
	last, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, &Error{Status: 400, Code: "Directory_ExpiredPageToken", Message: "The specified page token value has expired and can no longer be included in your request."}
	}
	return slices.DeleteFunc(objects, func(o map[string]any) bool { return objectID(o) <= string(last) }), nil
}

func (c *call) nextLink(query url.Values, last string) string {
	query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(last)))
	path := strings.TrimPrefix(c.request.URL.EscapedPath(), "/")
	_, path, _ = strings.Cut(path, "/")
	return c.base() + "/" + path + "?" + query.Encode()
}
