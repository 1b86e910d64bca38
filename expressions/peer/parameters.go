package main

import (
	"encoding/json"
	"errors"

	"github.com/ghodss/yaml"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

type event struct {
	Context attributes `json:"context"`
	Data    string     `json:"data"`
}

type parameter struct {
	Src struct {
		DependencyName  string  `json:"dependencyName"`
		ContextKey      string  `json:"contextKey"`
		ContextTemplate string  `json:"contextTemplate"`
		DataKey         string  `json:"dataKey"`
		DataTemplate    string  `json:"dataTemplate"`
		Value           *string `json:"value"`
		UseRawData      bool    `json:"useRawData"`
	} `json:"src"`
	Dest      string `json:"dest"`
	Operation string `json:"operation"`
}

// found is a value and whether it is one JSON can hold without quotes.
type found struct {
	text   string
	isText bool
}

// resolve returns nil for a dependency without event and without default.
func (by *parameter) resolve(events map[string]event) (*found, error) {
	src := by.Src
	happened, isThere := events[src.DependencyName]
	if !isThere {
		if src.Value == nil {
			return nil, nil
		}
		return &found{*src.Value, true}, nil
	}
	if src.ContextKey == "" && src.ContextTemplate == "" && src.DataKey == "" && src.DataTemplate == "" && src.Value == nil {
		whole, err := wholeEvent(happened)
		return &found{whole, true}, err
	}
	var document []byte
	var key, text string
	var err error
	if src.ContextKey != "" || src.ContextTemplate != "" {
		key, text = src.ContextKey, src.ContextTemplate
		document, err = contextDocument(happened.Context)
	}
	if src.DataKey != "" || src.DataTemplate != "" {
		key, text = src.DataKey, src.DataTemplate
		document, err = dataDocument(happened)
	}
	if document != nil && err == nil {
		if text != "" {
			if rendered, problem := render(text, gjson.ParseBytes(document).Value()); problem == nil {
				return &found{rendered, true}, nil
			}
		}
		if key != "" {
			if value := gjson.GetBytes(document, key); value.Exists() {
				if value.Type == gjson.JSON || value.Type == gjson.Null {
					return &found{value.Raw, false}, nil
				}
				return &found{value.String(), value.Type == gjson.String}, nil
			}
		}
	}
	if src.Value != nil {
		return &found{*src.Value, true}, nil
	}
	return nil, errors.New("no value")
}

// wholeEvent has the data as bytes, so in base64.
func wholeEvent(happened event) (string, error) {
	context, err := contextDocument(happened.Context)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(struct {
		Context json.RawMessage `json:"context"`
		Data    []byte          `json:"data"`
	}{context, []byte(happened.Data)})
	return string(text), err
}

// contextDocument has the members in the order in which Argo Events writes them.
func contextDocument(context attributes) ([]byte, error) {
	return json.Marshal(struct {
		ID              string `json:"id"`
		Source          string `json:"source"`
		SpecVersion     string `json:"specversion"`
		Type            string `json:"type"`
		DataContentType string `json:"datacontenttype"`
		Subject         string `json:"subject"`
		Time            string `json:"time"`
	}{context.ID, context.Source, context.SpecVersion, context.Type, context.DataContentType, context.Subject, context.Time})
}

func dataDocument(happened event) ([]byte, error) {
	switch happened.Context.DataContentType {
	case "application/json":
		if !json.Valid([]byte(happened.Data)) {
			return nil, errors.New("not JSON")
		}
		return []byte(happened.Data), nil
	case "application/yaml":
		return yaml.YAMLToJSON([]byte(happened.Data))
	default:
		return nil, errors.New("unsupported content type")
	}
}

func applyParameters(document []byte, parameters []parameter, events map[string]event) (string, error) {
	for index := range parameters {
		each := &parameters[index]
		value, err := each.resolve(events)
		if err != nil {
			return "", err
		}
		if value == nil {
			continue
		}
		if each.Operation == "append" || each.Operation == "prepend" {
			if current := gjson.GetBytes(document, each.Dest); current.Exists() {
				value.isText = true
				if each.Operation == "append" {
					value.text = current.String() + value.text
				} else {
					value.text += current.String()
				}
			}
		}
		if document, err = each.write(document, value); err != nil {
			return "", err
		}
	}
	return string(document), nil
}

func (by *parameter) write(document []byte, value *found) ([]byte, error) {
	if by.Src.UseRawData && !value.isText {
		return sjson.SetRawBytes(document, by.Dest, []byte(value.text))
	}
	return sjson.SetBytes(document, by.Dest, value.text)
}

// constructPayload skips a dependency without event, where Argo Events crashes.
func constructPayload(parameters []parameter, events map[string]event) (any, error) {
	var document []byte
	for index := range parameters {
		each := &parameters[index]
		value, err := each.resolve(events)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		if each.Dest == "" {
			return map[string]any{"whole": value.text}, nil
		}
		if document, err = each.write(document, value); err != nil {
			return nil, err
		}
	}
	if document == nil {
		return map[string]any{}, nil
	}
	return map[string]any{"document": string(document)}, nil
}
