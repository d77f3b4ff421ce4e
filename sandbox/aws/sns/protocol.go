package sns

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Namespace is that of the XML documents of the API.
const Namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// request is a request whose form is read.
type request struct {
	*http.Request
	signed bool
}

func (r request) get(field string) string { return r.Form.Get(field) }

// entries returns a map of a request. Of a name that comes twice the last value
// counts (a guess).
func (r request) entries(field, name, value string) map[string]string {
	all := map[string]string{}
	for i := 1; r.Form.Has(field + ".entry." + strconv.Itoa(i) + "." + name); i++ {
		prefix := field + ".entry." + strconv.Itoa(i) + "."
		all[r.get(prefix+name)] = r.get(prefix + value)
	}
	return all
}

// response is the answer of an operation: its elements have its name.
type response struct {
	action    string
	result    any // nil for operations without one
	requestID string
}

// MarshalXML writes the result and the id of the request.
func (r response) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	start.Name = xml.Name{Space: Namespace, Local: r.action + "Response"}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if r.result != nil {
		if err := e.EncodeElement(r.result, xml.StartElement{Name: xml.Name{Local: r.action + "Result"}}); err != nil {
			return err
		}
	}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{r.requestID}
	if err := e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

// attribute is one of a topic or subscription in an answer.
type attribute struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type attributesOutput struct {
	Attributes []attribute `xml:"Attributes>entry"`
}

func sorted(attributes map[string]string) attributesOutput {
	var out attributesOutput
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		out.Attributes = append(out.Attributes, attribute{name, attributes[name]})
	}
	return out
}

// maxPage is how many items a list has, see
// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html.
const maxPage = 100

func page[T any](r request, items []T, key func(T) string) ([]T, string, error) {
	items, next, err := wire.Page(items, key, r.get("NextToken"), maxPage)
	if err != nil {
		return nil, "", invalid("NextToken")
	}
	return items, next, nil
}

// WriteError answers a refusal. One for the lack of a permission has a code of
// its own in SNS.
func WriteError(w http.ResponseWriter, _ *http.Request, err error) {
	if refused, ok := errors.AsType[*wire.Error](err); ok && refused.Code == "AccessDenied" {
		err = denied("%s", refused.Message)
	}
	wire.WriteQueryError(w, Namespace, err)
}

func refusal(status int, code, format string, args ...any) error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid refuses a value. The code is AWS's; where it gives no text, the reasons
// are guesses.
func invalid(format string, args ...any) error {
	return refusal(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format, args...)
}

func missing(what string) error {
	return refusal(http.StatusNotFound, "NotFound", "%s does not exist", what)
}

func denied(format string, args ...any) error {
	return refusal(http.StatusForbidden, "AuthorizationError", format, args...)
}
