package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/Knetic/govaluate"
	"github.com/itchyny/gojq"
)

// check compiles an expression without running it. It gives null, or the compiler's message with what helps to find the
// place: `offset` in bytes where the message has none, and `functions` where one is unknown (in jq as `name/arity`).
func check(language, source string) (any, error) {
	var err error
	var functions func() []any
	switch language {
	case "jq":
		_, err = jqPrograms.get(source, compileJq)
		functions = jqFunctions
	case "lua":
		_, err = luaScripts.get(source, compileLua)
	case "template":
		_, err = templates.get(source, compileTemplate)
		functions = templateFunctionNames
	case "govaluate":
		_, err = govaluate.NewEvaluableExpression(source)
	case "expr":
		_, err = exprPrograms.get(source, compileExpr)
	case "regex":
		_, err = regexp.Compile(source)
	default:
		err = fmt.Errorf("unknown language %q", language)
	}
	if err == nil {
		return nil, nil
	}
	message := err.Error()
	complaint := map[string]any{"message": message}
	var parsing *gojq.ParseError
	if errors.As(err, &parsing) {
		// The library counts to the end of the token.
		complaint["offset"] = max(0, min(parsing.Offset, len(source))-len(parsing.Token))
	}
	if functions != nil && strings.Contains(message, "not defined") {
		complaint["functions"] = functions()
	}
	return complaint, nil
}

func jqFunctions() []any {
	code, err := jqPrograms.get("[builtins[]]", compileJq)
	if err != nil {
		return nil
	}
	output, _ := code.Run(nil).Next()
	names, _ := output.([]any)
	return names
}

// ofTextTemplate are the functions that Go's templates have by themselves.
var ofTextTemplate = []any{
	"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf",
	"println", "slice", "urlquery",
}

func templateFunctionNames() []any {
	names := ofTextTemplate
	for _, name := range slices.Sorted(maps.Keys(templateFunctions)) {
		names = append(names, name)
	}
	return names
}
