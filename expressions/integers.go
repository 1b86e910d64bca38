package main

import (
	"fmt"
	"math"
)

// integerFunctions are sprig's functions that make an int64 of each argument.
var integerFunctions = []string{"int64", "int", "add1", "add", "sub", "div", "mod", "mul", "max", "biggest", "min"}

// countAsOnAMD64 lets these functions read numbers beyond int64 as they are read where Argo Events usually runs: as the
// smallest int64. WebAssembly takes the nearest.
func countAsOnAMD64(functions map[string]any) {
	for _, name := range integerFunctions {
		switch function := functions[name].(type) {
		case func(any) int64:
			functions[name] = func(value any) int64 { return function(onAMD64(value)) }
		case func(any) int:
			functions[name] = func(value any) int { return function(onAMD64(value)) }
		case func(...any) int64:
			functions[name] = func(values ...any) int64 { return function(allOnAMD64(values)...) }
		case func(any, any) int64:
			functions[name] = func(left, right any) int64 { return function(onAMD64(left), onAMD64(right)) }
		case func(any, ...any) int64:
			functions[name] = func(first any, others ...any) int64 {
				return function(onAMD64(first), allOnAMD64(others)...)
			}
		default:
			panic(fmt.Sprintf("sprig's %s is a %T", name, function))
		}
	}
}

func onAMD64(value any) any {
	if number, isFloat := value.(float64); isFloat && (number >= 1<<63 || math.IsNaN(number)) {
		return int64(math.MinInt64)
	}
	return value
}

func allOnAMD64(values []any) []any {
	converted := make([]any, len(values))
	for index, value := range values {
		converted[index] = onAMD64(value)
	}
	return converted
}
