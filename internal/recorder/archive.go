package recorder

import (
	"archive/zip"
	"fmt"
	"io"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
)

// withoutArchives replaces archives by what is in them: files, by name, with
// their text; of programs, which differ from machine to machine, the mode only.
// What the state encrypts is below "secret".
func withoutArchives(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			value[key] = withoutArchives(member)
		}
	case []any:
		for i, item := range value {
			value[i] = withoutArchives(item)
		}
	case *archive.Archive:
		return listed(value.Path)
	case *resource.Secret:
		return map[string]any{"secret": withoutArchives(value.Element.Mappable())}
	}
	return value
}

func listed(path string) map[string]any {
	z, err := zip.OpenReader(path)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	defer z.Close()
	files := map[string]any{}
	for _, f := range z.File {
		if f.Mode()&0o111 != 0 {
			files[f.Name] = fmt.Sprintf("a program, %s", f.Mode())
			continue
		}
		files[f.Name] = text(f)
	}
	return files
}

func text(f *zip.File) string {
	r, err := f.Open()
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(content)
}
