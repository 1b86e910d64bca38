package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"
	"unsafe"

	"github.com/tidwall/gjson"
)

// document is one event's data. The host has parsed its text and taken white space out of it, so it is known to be valid
// JSON; that is what allows a decoder without checks, several times faster here than encoding/json. Strings alias the
// text.
type document struct{ text []byte }

func (doc *document) string() string { return unsafe.String(unsafe.SliceData(doc.text), len(doc.text)) }

// value decodes the document: map[string]any, []any, float64, string, bool, nil. Each call makes a new value, because
// sprig and Lua can change what they are given.
func (doc *document) value() any {
	decoder := decoder{text: doc.string()}
	return decoder.value()
}

// object is value for the languages that accept only a JSON object as root. JSON null is an object without members, as
// encoding/json decodes it into a map.
func (doc *document) object() (map[string]any, error) {
	value := doc.value()
	root, isObject := value.(map[string]any)
	if !isObject && value != nil {
		return nil, fmt.Errorf("the event data is not a JSON object but %s", describe(gjson.ParseBytes(doc.text)))
	}
	return root, nil
}

func describe(result gjson.Result) string {
	switch {
	case result.IsArray():
		return "an array"
	case result.IsObject():
		return "an object"
	case result.Type == gjson.Null:
		return "null"
	case result.IsBool():
		return "a boolean"
	default:
		return "a " + lower(result.Type.String())
	}
}

type decoder struct {
	text string
	at   int
}

func (d *decoder) value() any {
	switch d.text[d.at] {
	case '{':
		return d.object()
	case '[':
		return d.array()
	case '"':
		return d.string()
	case 't':
		d.at += 4
		return true
	case 'f':
		d.at += 5
		return false
	case 'n':
		d.at += 4
		return nil
	default:
		return d.number()
	}
}

func (d *decoder) object() any {
	d.at++
	object := make(map[string]any)
	for d.text[d.at] != '}' {
		if d.text[d.at] == ',' {
			d.at++
		}
		key := d.string()
		d.at++
		object[key] = d.value()
	}
	d.at++
	return object
}

func (d *decoder) array() any {
	d.at++
	array := make([]any, 0)
	for d.text[d.at] != ']' {
		if d.text[d.at] == ',' {
			d.at++
		}
		array = append(array, d.value())
	}
	d.at++
	return array
}

func (d *decoder) string() string {
	start := d.at + 1
	for end := start; ; end++ {
		switch d.text[end] {
		case '"':
			d.at = end + 1
			return d.text[start:end]
		case '\\':
			return d.escapedString(start, end)
		}
	}
}

func (d *decoder) escapedString(start, at int) string {
	for d.text[at] != '"' {
		if d.text[at] == '\\' {
			at++
		}
		at++
	}
	d.at = at + 1
	var plain string
	if err := json.Unmarshal([]byte(d.text[start-1:at+1]), &plain); err != nil {
		panic(err)
	}
	return plain
}

func (d *decoder) number() any {
	start := d.at
	whole, digitsOnly := int64(0), true
	for ; d.at < len(d.text); d.at++ {
		c := d.text[d.at]
		if c >= '0' && c <= '9' {
			whole = whole*10 + int64(c-'0')
			continue
		}
		if c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		digitsOnly = false
	}
	if digitsOnly && d.at-start < 16 {
		return float64(whole)
	}
	number, err := strconv.ParseFloat(d.text[start:d.at], 64)
	if err != nil { // as encoding/json, by which Argo Events decodes for everything but templates
		panic(fmt.Errorf("the event data holds a number that is too large: %s", shorten(d.text[start:d.at])))
	}
	return number
}

// deepest is how deeply a result may be nested: as deeply as the data of an event. The host sets it.
var deepest = 10000

// largestResult is how much one evaluation may return. No event can be that large, and a worker holds the results of a
// whole pull at once.
const largestResult = 2 << 20

func tooDeep() error {
	return fmt.Errorf("the result is nested more than %d levels deep; does it contain itself?", deepest)
}

func tooLarge() error {
	return fmt.Errorf("the result has more than %d MB", largestResult>>20)
}

// appendJSON writes what the libraries return. Keys are sorted, as encoding/json sorts them.
func appendJSON(out []byte, value any, depth int) ([]byte, error) {
	if len(out) > largestResult {
		return out, tooLarge()
	}
	var err error
	switch value := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, value), nil
	case string:
		return appendString(out, value), nil
	case int:
		return strconv.AppendInt(out, int64(value), 10), nil
	case float64:
		return appendNumber(out, value)
	case rawJSON:
		return appendRaw(out, string(value))
	case *big.Int:
		return value.Append(out, 10), nil
	case json.Number: // what gojq's fromjson and tonumber make of numbers
		return appendRaw(out, string(value))
	case []any:
		if depth >= deepest {
			return out, tooDeep()
		}
		out = append(out, '[')
		for index, element := range value {
			if index > 0 {
				out = append(out, ',')
			}
			if out, err = appendJSON(out, element, depth+1); err != nil {
				return out, err
			}
		}
		return append(out, ']'), nil
	case map[string]any:
		if value == nil { // as encoding/json does; a jq program can return the data of an event whose data is null
			return append(out, "null"...), nil
		}
		if depth >= deepest {
			return out, tooDeep()
		}
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		out = append(out, '{')
		for index, key := range keys {
			if index > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, key), ':')
			if out, err = appendJSON(out, value[key], depth+1); err != nil {
				return out, err
			}
		}
		return append(out, '}'), nil
	default:
		return out, fmt.Errorf("the result holds a %T, which has no form in JSON", value)
	}
}

// appendRaw writes text that should be JSON already. A fault in it must not spoil the answers beside it.
func appendRaw(out []byte, text string) ([]byte, error) {
	if len(text) > largestResult {
		return out, tooLarge()
	}
	if !gjson.Valid(text) {
		return out, fmt.Errorf("the result holds %s, which has no form in JSON", shorten(text))
	}
	if nestsDeeperThan(text, deepest) {
		return out, tooDeep()
	}
	return append(out, text...), nil
}

// nestsDeeperThan counts brackets outside of strings; text is valid JSON.
func nestsDeeperThan(text string, limit int) bool {
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			for at++; text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
		case '[', '{':
			if depth++; depth > limit {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

// appendNumber writes as encoding/json writes: as JavaScript does, but for -0.
func appendNumber(out []byte, value float64) ([]byte, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return out, fmt.Errorf("the result holds %v, which has no form in JSON", value)
	}
	size := math.Abs(value)
	if value == math.Trunc(value) && size < 1e15 && !(value == 0 && math.Signbit(value)) {
		return strconv.AppendInt(out, int64(value), 10), nil
	}
	if value == 0 || (size >= 1e-6 && size < 1e21) {
		return strconv.AppendFloat(out, value, 'f', -1, 64), nil
	}
	out = strconv.AppendFloat(out, value, 'e', -1, 64)
	if at := len(out) - 4; out[at] == 'e' && out[at+1] == '-' && out[at+2] == '0' { // e-09 is e-9 in JSON
		out[at+2] = out[at+3]
		out = out[:len(out)-1]
	}
	return out, nil
}

func appendString(out []byte, text string) []byte { return gjson.AppendJSONString(out, text) }
