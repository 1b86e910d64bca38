package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"sort"
	"strings"

	"github.com/Masterminds/sprig/v3"
	"github.com/antonmedv/expr"
	"github.com/antonmedv/expr/builtin"
	"github.com/antonmedv/expr/vm"
	"github.com/doublerebel/bellows"
	"github.com/evilmonkeyinc/jsonpath"
)

var exprPrograms compiled[*vm.Program]

func compileExpr(expression string) (*vm.Program, error) {
	program, err := expr.Compile(expression)
	if err == nil {
		return program, nil
	}
	// The entries of Redis streams have a key `values`, which is also a function's name: where a name is not called, the
	// key is meant. Argo Events refuses every event here.
	var options []expr.Option
	for _, name := range builtin.Names {
		if isReadAsKey(expression, name) {
			options = append(options, expr.DisableBuiltin(name))
		}
	}
	if len(options) == 0 {
		return nil, err
	}
	return expr.Compile(expression, options...)
}

func isReadAsKey(expression, name string) bool {
	called := regexp.MustCompile(`\b` + name + `\s*\(`)
	read := regexp.MustCompile(`(^|[^.\w?"'])` + name + `\s*(\.|\?\.|\[)`)
	return read.MatchString(expression) && !called.MatchString(expression)
}

// filterWithExpr decides an event source's filter; the variables are the data's top-level keys.
func filterWithExpr(expression string, doc *document) (any, error) {
	program, err := exprPrograms.get(expression, compileExpr)
	if err != nil {
		return nil, err
	}
	data, err := doc.object()
	if err != nil {
		return nil, err
	}
	result, err := vm.Run(program, exprVariables(data))
	if err != nil {
		return nil, err
	}
	passed, isBool := result.(bool)
	if !isBool {
		return nil, fmt.Errorf("the expression gave %s (%T); it must give a boolean", shorten(fmt.Sprint(result)), result)
	}
	return passed, nil
}

func shorten(text string) string { return shortenTo(text, 80) }

func shortenTo(text string, length int) string {
	if len(text) > length {
		return strings.ToValidUTF8(text[:length], "") + "…"
	}
	return text
}

func exprVariables(data map[string]any) map[string]any {
	variables := expandDots(data)
	variables["asInt"] = func(value any) any { return builtin.Int(onAMD64(value)) }
	variables["asFloat"] = builtin.Float
	variables["jsonpath"] = queryJSONPath
	variables["toJson"] = func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
	variables["sprig"] = exprSprig()
	return variables
}

var genericSprig = func() map[string]any {
	functions := sprig.GenericFuncMap()
	for _, name := range unreachable {
		delete(functions, name)
	}
	countAsOnAMD64(functions)
	return functions
}()

// exprSprig returns a map of its own for each evaluation: expressions can change it, as in `sprig.set(sprig, …)`.
func exprSprig() map[string]any { return maps.Clone(genericSprig) }

func queryJSONPath(text string, path string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	found, err := jsonpath.Query(path, value)
	if err != nil {
		panic(err)
	}
	return found
}

// expandDots turns {"a-b": 1, "c.d": 2} into {"a_b": 1, "c": {"d": 2}}; of "c" and "c.d" the shorter gives way.
func expandDots(data map[string]any) map[string]any {
	keys := make([]string, 0, len(data))
	named := make(map[string]any, len(data))
	for key, value := range data {
		name := strings.ReplaceAll(key, "-", "_")
		keys = append(keys, name)
		named[name] = value
	}
	sort.Strings(keys)
	for index := 0; index+1 < len(keys); index++ {
		if strings.HasPrefix(keys[index+1], keys[index]+".") {
			delete(named, keys[index])
		}
	}
	return bellows.Expand(named)
}
