package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// item is one evaluation. Which fields are used depends on Kind; Doc is the index of a document of the batch.
type item struct {
	Kind       string   `json:"kind"`
	Doc        int      `json:"doc"`
	Source     string   `json:"source"`
	Path       string   `json:"path"`
	Type       string   `json:"type"`
	Comparator string   `json:"comparator"`
	Template   string   `json:"template"`
	Language   string   `json:"language"`
	Raw        bool     `json:"raw"`
	Values     []string `json:"values"`
	Fields     []field  `json:"fields"`
}

type field struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// invalid marks an error of the expression's text (as opposed to one of its evaluation on this event).
type invalid struct{ cause error }

func (err invalid) Error() string { return err.cause.Error() }
func (err invalid) Unwrap() error { return err.cause }

// evaluateBatch answers a request: the first line is a JSON array of items, each further line a JSON document. The
// answer is a JSON array with {"v": value} or {"e": message, "c": code} for each item, in order; it is shorter than the
// request if the answers became too large for one batch.
func evaluateBatch(text []byte, announce func(uint32)) []byte {
	lines := bytes.Split(text, []byte{'\n'})
	var items []item
	if err := json.Unmarshal(lines[0], &items); err != nil {
		return []byte(fmt.Sprintf("[{\"e\":%q,\"c\":\"EXPRESSION_FAILED\"}]", "undecodable batch: "+err.Error()))
	}
	documents := make([]document, len(lines)-1)
	for index, line := range lines[1:] {
		documents[index].text = line
	}
	out := []byte{'['}
	for index := range items {
		if len(out) > largestBatch {
			break
		}
		announce(uint32(index))
		if index > 0 {
			out = append(out, ',')
		}
		out = appendAnswer(out, &items[index], documents)
	}
	return append(out, ']')
}

// largestBatch bounds what the host has to decode at once. Items that get no answer are asked again.
const largestBatch = 4 << 20

func appendAnswer(out []byte, it *item, documents []document) (answered []byte) {
	start := len(out)
	fail := func(err error) []byte {
		code := "EXPRESSION_FAILED"
		if errors.As(err, new(invalid)) {
			code = "EXPRESSION_INVALID"
		} else if errors.Is(err, errBudget) {
			code = "EXPRESSION_TIMED_OUT"
		}
		out = append(out[:start], `{"e":`...)
		out = appendString(out, shortenTo(err.Error(), 2000))
		return append(append(append(out, `,"c":"`...), code...), `"}`...)
	}
	// A library's panic on odd input (expr's jsonpath, sprig's must-less functions) concerns this item alone.
	defer func() {
		if problem := recover(); problem != nil {
			answered = fail(fmt.Errorf("%v", problem))
		}
	}()
	doc := &document{}
	if it.Doc >= 0 && it.Doc < len(documents) {
		doc = &documents[it.Doc]
	}
	value, err := evaluateItem(it, doc)
	if err != nil {
		return fail(err)
	}
	encoded, err := appendJSON(nil, value, 0)
	if err == nil && len(encoded) > largestResult {
		err = tooLarge()
	}
	if err != nil {
		return fail(err)
	}
	return append(append(append(out, `{"v":`...), encoded...), '}')
}

func evaluateItem(it *item, doc *document) (any, error) {
	switch it.Kind {
	case "jq":
		return transformWithJq(it.Source, doc)
	case "luaTransform":
		return transformWithLua(it.Source, doc)
	case "luaFilter":
		return filterWithLua(it.Source, doc)
	case "dataFilter":
		return filterData(it, doc)
	case "govaluate":
		return filterWithGovaluate(it.Source, it.Fields, doc)
	case "template":
		return renderTemplate(it.Source, doc)
	case "expr":
		return filterWithExpr(it.Source, doc)
	case "get":
		return getPath(it.Path, doc), nil
	case "set":
		return setPath(it, doc)
	case "yaml":
		return yamlToJSON(it.Source)
	case "check":
		return check(it.Language, it.Source)
	case "refused": // by the host, which could not write its document
		return nil, errors.New(it.Source)
	default:
		return nil, fmt.Errorf("unknown kind of evaluation %q", it.Kind)
	}
}

// rawJSON is text that is JSON already.
type rawJSON string
