package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxPage bounds how much of a page is read, in bytes.
const maxPage = 1 << 20

// document is what a person sees of a page.
type document struct {
	title string
	alert string // text with role=alert
	form  *form  // the first one
}

type form struct {
	action  string
	values  url.Values // hidden inputs
	text    string     // name of the text input, or ""
	buttons []button
}

type button struct{ name, value, text string }

// readDocument reads a page and closes the response.
func readDocument(res *http.Response) (document, error) {
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err != nil {
		return document{}, err
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		return document{}, fmt.Errorf("%s: %w: status %d: %s", res.Request.URL.Path, errNotHTML, res.StatusCode, strings.TrimSpace(string(raw)))
	}
	root, err := html.Parse(strings.NewReader(string(raw)))
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", res.Request.URL.Path, err)
	}
	var doc document
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.DataAtom == atom.Title:
			doc.title = textOf(n)
		case attribute(n, "role") == "alert":
			doc.alert = textOf(n)
		case n.DataAtom == atom.Form && doc.form == nil:
			doc.form = readForm(n)
		}
	}
	return doc, nil
}

func readForm(root *html.Node) *form {
	f := &form{action: attribute(root, "action"), values: url.Values{}}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name, value := attribute(n, "name"), attribute(n, "value")
		switch {
		case n.DataAtom == atom.Input && attribute(n, "type") == "hidden":
			f.values.Add(name, value)
		case n.DataAtom == atom.Input && attribute(n, "type") == "text":
			f.text = name
		case n.DataAtom == atom.Button:
			f.buttons = append(f.buttons, button{name, value, textOf(n)})
		}
	}
	return f
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf is the text inside an element, with its white space folded.
func textOf(root *html.Node) string {
	var text strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
			text.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
