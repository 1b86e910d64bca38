package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
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

// evaluateBatch answers a request: the first line is a JSON array of items, each further line a JSON document.
//
// The first line of the answer is a JSON array with {"v": value} or {"e": message, "c": code} for each item, in order; it
// is shorter than the request if the answers became too large for one batch, or took so long that others should have
// their turn. {"d": n} stands for a document, which is line n of those that follow: JavaScript cannot hold every JSON
// document, so the host gets its text. announce is called before each item and returns the CPU time.
func evaluateBatch(text []byte, announce func(uint32) time.Duration) []byte {
	lines := bytes.Split(text, []byte{'\n'})
	var items []item
	if err := json.Unmarshal(lines[0], &items); err != nil {
		return []byte(fmt.Sprintf("[{\"e\":%q,\"c\":\"EXPRESSION_FAILED\"}]", "undecodable batch: "+err.Error()))
	}
	documents := make([]document, len(lines)-1)
	for index, line := range lines[1:] {
		documents[index].text = line
	}
	out := answers{line: []byte{'['}}
	var ends time.Duration
	for index := range items {
		if len(out.line)+len(out.documents) > largestBatch {
			break
		}
		now := announce(uint32(index))
		if index == 0 {
			ends = now + longestBatch
		} else if now > ends {
			break
		}
		if index > 0 {
			out.line = append(out.line, ',')
		}
		out.add(&items[index], documents)
	}
	return append(append(out.line, ']'), out.documents...)
}

// answers is the answer to a batch while it is being written: documents begin with a line feed each.
type answers struct {
	line      []byte
	documents []byte
	count     int
}

// largestBatch bounds what the host has to decode at once. Items that get no answer are asked again.
const largestBatch = 4 << 20

// longestBatch is the CPU time after which no further item is begun.
const longestBatch = 50 * time.Millisecond

func (out *answers) add(it *item, documents []document) {
	start, documentsStart, count := len(out.line), len(out.documents), out.count
	fail := func(err error) {
		code := "EXPRESSION_FAILED"
		if errors.As(err, new(invalid)) {
			code = "EXPRESSION_INVALID"
		} else if errors.Is(err, errBudget) {
			code = "EXPRESSION_TIMED_OUT"
		}
		out.line, out.documents, out.count = out.line[:start], out.documents[:documentsStart], count
		out.line = append(out.line, `{"e":`...)
		out.line = appendString(out.line, shortenTo(err.Error(), 2000))
		out.line = append(append(append(out.line, `,"c":"`...), code...), `"}`...)
	}
	// A library's panic on odd input (expr's jsonpath, sprig's must-less functions) concerns this item alone.
	defer func() {
		if problem := recover(); problem != nil {
			fail(fmt.Errorf("%v", problem))
		}
	}()
	doc := &document{}
	if it.Doc >= 0 && it.Doc < len(documents) {
		doc = &documents[it.Doc]
	}
	value, err := evaluateItem(it, doc)
	if err == nil {
		err = out.addValue(value)
	}
	if err != nil {
		fail(err)
	}
}

func (out *answers) addValue(value any) error {
	found, hasDocument := value.(withDocument)
	if hasDocument {
		value = found.value
	}
	out.line = append(out.line, '{')
	if value != nil || !hasDocument {
		encoded, err := encode(value)
		if err != nil {
			return err
		}
		out.line = append(append(out.line, `"v":`...), encoded...)
	}
	if hasDocument {
		encoded, err := encode(found.document)
		if err != nil {
			return err
		}
		if value != nil {
			out.line = append(out.line, ',')
		}
		out.line = strconv.AppendInt(append(out.line, `"d":`...), int64(out.count), 10)
		out.documents = appendLine(out.documents, encoded)
		out.count++
	}
	out.line = append(out.line, '}')
	return nil
}

func encode(value any) ([]byte, error) {
	encoded, err := appendJSON(nil, value, 0)
	if err == nil && len(encoded) > largestResult {
		err = tooLarge()
	}
	return encoded, err
}

// appendLine writes JSON as a line: line feeds outside of its strings (gjson's @pretty makes them) are left out.
func appendLine(out, encoded []byte) []byte {
	out = append(out, '\n')
	if bytes.IndexByte(encoded, '\n') < 0 {
		return append(out, encoded...)
	}
	var compacted bytes.Buffer
	if err := json.Compact(&compacted, encoded); err != nil {
		panic(err)
	}
	return append(out, compacted.Bytes()...)
}

func evaluateItem(it *item, doc *document) (any, error) {
	switch it.Kind {
	case "jq":
		return asDocument(transformWithJq(it.Source, doc))
	case "luaTransform":
		return asDocument(transformWithLua(it.Source, doc))
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
		return asDocument(setPath(it, doc))
	case "yaml":
		return asDocument(yamlToJSON(it.Source))
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

// withDocument is an answer that has a document beside its value, or, where the value is nil, instead of one.
type withDocument struct{ value, document any }

func asDocument(document any, err error) (any, error) {
	return withDocument{document: document}, err
}
