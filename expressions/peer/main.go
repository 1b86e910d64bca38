// Computes what Argo Events computes, with the same libraries, built for this machine: the other side of the
// differential test. It shares no code with the engine, so a fault of the engine's own shows as a difference.
//
// One case per line on standard input, one answer per line on standard output, in the same order.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

type testCase struct {
	Kind string `json:"kind"`

	// Documents are text: how they are written matters.
	Data      string           `json:"data"`
	Documents map[string]event `json:"events"`

	Transform  transform   `json:"transform"`
	Filters    *filters    `json:"filters"`
	Operator   string      `json:"operator"`
	Context    attributes  `json:"context"`
	Document   string      `json:"document"`
	Parameters []parameter `json:"parameters"`
	Expression string      `json:"expression"`
	Names      []string    `json:"names"`
	Present    []string    `json:"present"`
	Cron       string      `json:"cron"`
	Timezone   string      `json:"timezone"`
	Times      []string    `json:"times"`
}

// answer has a value or an error.
type answer struct {
	Value any    `json:"v,omitempty"`
	Error string `json:"e,omitempty"`
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			fail(err)
		}
		var each testCase
		if err := json.Unmarshal(line, &each); err != nil {
			fail(err)
		}
		value, err := compute(&each)
		reply := answer{Value: value}
		if err != nil {
			reply = answer{Error: err.Error()}
		}
		if err := encoder.Encode(reply); err != nil {
			fail(err)
		}
		if input.Buffered() == 0 {
			if err := output.Flush(); err != nil {
				fail(err)
			}
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func compute(each *testCase) (value any, err error) {
	// Panics of a library end one event in Argo Events, too.
	defer func() {
		if problem := recover(); problem != nil {
			value, err = nil, fmt.Errorf("panic: %v", problem)
		}
	}()
	switch each.Kind {
	case "transform":
		return each.Transform.apply([]byte(each.Data))
	case "filters":
		return each.Filters.pass([]byte(each.Data), each.Context, each.Operator), nil
	case "parameters":
		return applyParameters([]byte(each.Document), each.Parameters, each.Documents)
	case "payload":
		return constructPayload(each.Parameters, each.Documents)
	case "condition":
		return evaluateCondition(each.Expression, each.Names, each.Present)
	case "cron":
		return ticks(each.Cron, each.Timezone, each.Times)
	case "source":
		return filterSource(each.Expression, []byte(each.Data))
	default:
		return nil, errors.New("unknown kind " + each.Kind)
	}
}
