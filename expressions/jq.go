package main

import (
	"errors"
	"fmt"

	"github.com/itchyny/gojq"
)

var jqPrograms compiled[*gojq.Code]

func compileJq(program string) (*gojq.Code, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, err
	}
	return gojq.Compile(query)
}

// transformWithJq gives the first output of the program, which must be an object.
func transformWithJq(program string, doc *document) (any, error) {
	code, err := jqPrograms.get(program, compileJq)
	if err != nil {
		return nil, err
	}
	data, err := doc.object()
	if err != nil {
		return nil, err
	}
	output, found := code.RunWithContext(newBudget(), data).Next()
	if !found {
		return nil, errors.New("the jq program gave no output; it must give an object")
	}
	switch output := output.(type) {
	case error:
		return nil, fmt.Errorf("the jq program failed: %w", output)
	case map[string]interface{}:
		return output, nil
	default:
		return nil, fmt.Errorf("the jq program gave %s; it must give an object", gojq.TypeOf(output))
	}
}
