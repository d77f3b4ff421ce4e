package tagging

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Target is the prefix of X-Amz-Target that names the service.
const Target = "ResourceGroupsTaggingAPI_20170126."

// Resource is a resource with tags.
type Resource struct {
	ARN  string
	Type string // service:kind, as ResourceTypeFilters name it
	Tags map[string]string
}

// Source is a service whose resources have tags. Resources that never had one
// are left out, as AWS does.
type Source interface {
	TaggedResources() []Resource
}

// Service finds the resources of its sources. It is an [http.Handler] of
// requests that are already authenticated.
type Service struct {
	Sources []Source
}

type tagFilter struct {
	Key    string
	Values []string
}

type getResourcesInput struct {
	PaginationToken     string
	TagFilters          []tagFilter
	ResourceTypeFilters []string
	ResourcesPerPage    *int
	ResourceARNList     []string

	TagsPerPage               *int
	IncludeComplianceDetails  bool
	ExcludeCompliantResources bool
}

type tag struct{ Key, Value string }

type tagMapping struct {
	ResourceARN string
	Tags        []tag
}

type getResourcesOutput struct {
	PaginationToken        string
	ResourceTagMappingList []tagMapping
}

// ServeHTTP answers GetResources and refuses the other operations.
func (s Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), Target)
	if name != "GetResources" {
		wire.JSON11.WriteError(w, wire.NotImplemented("tagging operation "+name))
		return
	}
	var in getResourcesInput
	if err := wire.DecodeRequest(r, &in); err != nil {
		wire.JSON11.WriteError(w, err)
		return
	}
	out, err := s.getResources(in)
	if err != nil {
		wire.JSON11.WriteError(w, err)
		return
	}
	wire.JSON11.Write(w, http.StatusOK, out)
}

func (s Service) getResources(in getResourcesInput) (*getResourcesOutput, error) {
	if in.TagsPerPage != nil || in.IncludeComplianceDetails || in.ExcludeCompliantResources {
		return nil, wire.NotImplemented("GetResources with TagsPerPage or compliance details")
	}
	if len(in.ResourceARNList) > 0 && (len(in.TagFilters) > 0 || len(in.ResourceTypeFilters) > 0 || in.ResourcesPerPage != nil) {
		return nil, invalid("ResourceARNList cannot be combined with other parameters")
	}
	if len(in.ResourceARNList) > 100 || len(in.TagFilters) > 50 || len(in.ResourceTypeFilters) > 100 {
		return nil, invalid("too many filters: want at most 50 tag filters, 100 resource types and 100 ARNs")
	}
	for _, filter := range in.TagFilters {
		if filter.Key == "" || len(filter.Key) > 128 || len(filter.Values) > 20 {
			return nil, invalid("invalid tag filter: want a key of 1 to 128 characters and at most 20 values")
		}
	}
	limit := 100
	if in.ResourcesPerPage != nil {
		limit = *in.ResourcesPerPage
		if limit < 1 || limit > 100 {
			return nil, invalid("ResourcesPerPage: want 1 to 100")
		}
	}
	var matching []Resource
	for _, source := range s.Sources {
		for _, resource := range source.TaggedResources() {
			if in.matches(resource) {
				matching = append(matching, resource)
			}
		}
	}
	page, next, err := wire.Page(matching, func(r Resource) string { return r.ARN }, in.PaginationToken, limit)
	if err != nil {
		return nil, &wire.Error{Status: http.StatusBadRequest, Code: "PaginationTokenExpiredException", Message: err.Error()}
	}
	out := &getResourcesOutput{PaginationToken: next, ResourceTagMappingList: []tagMapping{}}
	for _, resource := range page {
		mapping := tagMapping{ResourceARN: resource.ARN, Tags: []tag{}}
		for key, value := range resource.Tags {
			mapping.Tags = append(mapping.Tags, tag{key, value})
		}
		slices.SortFunc(mapping.Tags, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) })
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, mapping)
	}
	return out, nil
}

func (in getResourcesInput) matches(r Resource) bool {
	if len(in.ResourceARNList) > 0 {
		return slices.Contains(in.ResourceARNList, r.ARN)
	}
	service, _, _ := strings.Cut(r.Type, ":")
	ofType := func(wanted string) bool { return wanted == service || wanted == r.Type }
	if len(in.ResourceTypeFilters) > 0 && !slices.ContainsFunc(in.ResourceTypeFilters, ofType) {
		return false
	}
	for _, filter := range in.TagFilters {
		value, has := r.Tags[filter.Key]
		if !has || len(filter.Values) > 0 && !slices.Contains(filter.Values, value) {
			return false
		}
	}
	return true
}

func invalid(message string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "InvalidParameterException", Message: message}
}
