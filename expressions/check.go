package main

import (
	"fmt"
	"regexp"

	"github.com/Knetic/govaluate"
)

// check compiles an expression without running it; an error is what a manifest's author needs to read.
func check(language, source string) (any, error) {
	var err error
	switch language {
	case "jq":
		_, err = jqPrograms.get(source, compileJq)
	case "lua":
		_, err = luaScripts.get(source, compileLua)
	case "template":
		_, err = templates.get(source, compileTemplate)
	case "govaluate":
		_, err = govaluate.NewEvaluableExpression(source)
	case "expr":
		_, err = exprPrograms.get(source, compileExpr)
	case "regex":
		_, err = regexp.Compile(source)
	default:
		err = fmt.Errorf("unknown language %q", language)
	}
	if err != nil {
		return err.Error(), nil
	}
	return nil, nil
}
