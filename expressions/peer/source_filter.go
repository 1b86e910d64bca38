package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/Masterminds/sprig/v3"
	"github.com/antonmedv/expr"
	"github.com/antonmedv/expr/builtin"
	"github.com/doublerebel/bellows"
	"github.com/evilmonkeyinc/jsonpath"
)

func filterSource(expression string, data []byte) (bool, error) {
	members := map[string]any{}
	if err := json.Unmarshal(data, &members); err != nil {
		return false, err
	}
	named := map[string]any{}
	names := []string{}
	for key, value := range members {
		name := strings.ReplaceAll(key, "-", "_")
		named[name] = value
		names = append(names, name)
	}
	sort.Strings(names)
	for index := 0; index+1 < len(names); index++ {
		if strings.HasPrefix(names[index+1], names[index]+".") {
			delete(named, names[index])
		}
	}
	variables := bellows.Expand(named)
	variables["asInt"] = builtin.Int
	variables["asFloat"] = builtin.Float
	variables["sprig"] = sprig.GenericFuncMap()
	variables["toJson"] = func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
	variables["jsonpath"] = func(text, path string) any {
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
	result, err := expr.Eval(expression, variables)
	if err != nil {
		return false, err
	}
	passed, isBool := result.(bool)
	if !isBool {
		return false, fmt.Errorf("no boolean")
	}
	return passed, nil
}
