package main

import (
	"encoding/json"
	"fmt"

	"github.com/ghodss/yaml"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// getPath gives what a gjson path finds: its type's name, its text as a parameter takes it, its JSON as a document.
func getPath(path string, doc *document) any {
	found := gjson.Get(doc.string(), path)
	if !found.Exists() {
		return map[string]any{"exists": false}
	}
	text := found.String()
	if found.Type == gjson.Null {
		text = "null"
	}
	raw := found.Raw
	if raw == "" { // computed results, such as a count, have no text of their own
		encoded, _ := json.Marshal(found.Value())
		raw = string(encoded)
	}
	if !json.Valid([]byte(raw)) {
		return map[string]any{"exists": true, "type": found.Type.String(), "text": text}
	}
	answer := map[string]any{"exists": true, "type": found.Type.String(), "text": text}
	return withDocument{value: answer, document: rawJSON(raw)}
}

func setPath(it *item, doc *document) (any, error) {
	text := doc.string()
	var err error
	if it.Raw {
		text, err = sjson.SetRaw(text, it.Path, it.Source)
	} else {
		text, err = sjson.Set(text, it.Path, it.Source)
	}
	if err != nil {
		return nil, err
	}
	if text == "" { // no document yet, and a query path that matched nothing in it
		return nil, nil
	}
	if !gjson.Valid(text) {
		return nil, fmt.Errorf("path '%s' does not lead to a place in the document", it.Path)
	}
	return rawJSON(text), nil
}

func yamlToJSON(text string) (any, error) {
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	return rawJSON(converted), nil
}
