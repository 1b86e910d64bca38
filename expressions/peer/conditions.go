package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/Knetic/govaluate"
	"github.com/antonmedv/expr"
	"github.com/robfig/cron/v3"
)

// evaluateCondition takes only names that Argo Events can read: letters and underscores.
func evaluateCondition(condition string, names, present []string) (bool, error) {
	// First the names are looked up, by an expression that puts the text together again.
	variables := map[string]string{}
	for _, name := range names {
		variables[name] = name
	}
	text := strings.NewReplacer(
		"&&", ` + "&&" + `, "||", ` + "||" + `, "(", `"("+`, ")", `+")"`,
	).Replace(condition)
	program, err := expr.Compile(text, expr.Env(variables))
	if err != nil {
		return false, err
	}
	joined, err := expr.Run(program, variables)
	if err != nil {
		return false, err
	}
	written, isText := joined.(string)
	if !isText {
		return false, errors.New("no text")
	}
	evaluable, err := govaluate.NewEvaluableExpression(written)
	if err != nil {
		return false, err
	}
	parameters := map[string]any{}
	for _, name := range evaluable.Vars() {
		if !slices.Contains(names, name) {
			return false, errors.New("no such dependency")
		}
		parameters[name] = slices.Contains(present, name)
	}
	result, err := evaluable.Evaluate(parameters)
	return result == true, err
}

var resetParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// ticks returns the next tick after each time, empty where there is none.
func ticks(line, timezone string, times []string) ([]string, error) {
	location, err := time.LoadLocation(timezone)
	if err != nil {
		return nil, err
	}
	schedule, err := resetParser.Parse(line)
	if err != nil {
		return nil, err
	}
	if spec, isSpec := schedule.(*cron.SpecSchedule); isSpec && spec.Location == time.Local {
		spec.Location = location
	}
	found := []string{}
	for _, text := range times {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, err
		}
		next := schedule.Next(at)
		if next.IsZero() {
			return nil, errors.New("it never comes")
		}
		found = append(found, next.UTC().Format(time.RFC3339))
	}
	return found, nil
}
