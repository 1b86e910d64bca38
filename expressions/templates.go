package main

import (
	"errors"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/tidwall/gjson"
)

var templates compiled[*template.Template]

// unreachable are sprig's functions that read the host.
var unreachable = []string{"env", "expandenv", "getHostByName"}

func sprigFunctions() template.FuncMap {
	functions := sprig.TxtFuncMap()
	for _, name := range unreachable {
		delete(functions, name)
	}
	countAsOnAMD64(functions)
	return functions
}

var templateFunctions = sprigFunctions()

func compileTemplate(text string) (*template.Template, error) {
	return template.New("template").Funcs(templateFunctions).Parse(text)
}

// capped is an output that refuses to grow without bound.
type capped struct{ strings.Builder }

const largestText = 16 << 20

func (out *capped) Write(chunk []byte) (int, error) {
	if out.Len()+len(chunk) > largestText {
		return 0, errors.New("the template gave more than 16 MB of text")
	}
	return out.Builder.Write(chunk)
}

// render gives an error too where the outcome is what Argo Events takes for "no value".
func render(text string, input any) (string, error) {
	compiledTemplate, err := templates.get(text, compileTemplate)
	if err != nil {
		return "", err
	}
	var out capped
	if err := compiledTemplate.Execute(&out, map[string]any{"Input": input}); err != nil {
		return "", err
	}
	if out.Len() == 0 || out.String() == "<no value>" {
		return "", errors.New("the template gave no value")
	}
	return out.String(), nil
}

func renderTemplate(text string, doc *document) (any, error) {
	return render(text, gjson.Parse(doc.string()).Value())
}
