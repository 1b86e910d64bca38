package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/Knetic/govaluate"
	"github.com/tidwall/gjson"
)

var (
	patterns    compiled[*regexp.Regexp]
	comparisons compiled[*govaluate.EvaluableExpression]
)

// filterData decides one data filter: any of the listed values may match, tried in order.
func filterData(it *item, doc *document) (any, error) {
	found := gjson.Get(doc.string(), it.Path)
	if !found.Exists() {
		return nil, fmt.Errorf("path '%s' does not exist", it.Path)
	}
	if len(it.Values) == 0 {
		return nil, errors.New("no values specified")
	}
	if it.Template != "" {
		text, err := render(it.Template, found.String())
		if err != nil {
			return nil, err
		}
		found = gjson.Result{Type: gjson.String, Str: text, Raw: string(appendString(nil, text))}
	}
	for _, wanted := range it.Values {
		matches, err := matchValue(it, found, wanted)
		if err != nil {
			return nil, err
		}
		if matches {
			return verdict(true, found.String()), nil
		}
	}
	return verdict(false, found.String()), nil
}

// verdict shortens what was found: it is only shown to people.
func verdict(passed bool, found string) any {
	return map[string]any{"passed": passed, "found": shortenTo(found, 1000)}
}

func matchValue(it *item, found gjson.Result, wanted string) (bool, error) {
	switch it.Type {
	case "bool":
		flag, err := strconv.ParseBool(wanted)
		if err != nil {
			return false, fmt.Errorf("value %q is not a boolean", wanted)
		}
		return flag == found.Bool(), nil
	case "number":
		number, err := strconv.ParseFloat(wanted, 64)
		if err != nil {
			return false, fmt.Errorf("value %q is not a number", wanted)
		}
		return compareNumbers(it.Comparator, found.Float(), number), nil
	case "string":
		pattern, err := patterns.get(wanted, regexp.Compile)
		if err != nil {
			return false, err
		}
		matches := pattern.MatchString(found.String())
		switch it.Comparator {
		case "", "=":
			return matches, nil
		case "!=":
			return !matches, nil
		default:
			return false, nil
		}
	default:
		return false, fmt.Errorf("unknown type %q; it must be string, number or bool", it.Type)
	}
}

func compareNumbers(comparator string, left, right float64) bool {
	switch comparator {
	case ">=":
		return left >= right
	case ">":
		return left > right
	case "", "=":
		return left == right
	case "!=":
		return left != right
	case "<":
		return left < right
	case "<=":
		return left <= right
	default:
		return false
	}
}

// filterWithGovaluate passes only if the expression is exactly true.
func filterWithGovaluate(expression string, fields []field, doc *document) (any, error) {
	parameters := make(map[string]interface{}, len(fields))
	for _, field := range fields {
		found := gjson.Get(doc.string(), field.Path)
		if !found.Exists() {
			return nil, fmt.Errorf("path '%s' does not exist", field.Path)
		}
		parameters[field.Name] = found.Value()
	}
	evaluable, err := comparisons.get(expression, govaluate.NewEvaluableExpression)
	if err != nil {
		return nil, err
	}
	result, err := evaluable.Evaluate(parameters)
	if err != nil {
		return nil, err
	}
	return verdict(result == true, fmt.Sprint(result)), nil
}
