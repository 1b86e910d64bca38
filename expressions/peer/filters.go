package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"text/template"
	"time"

	"github.com/Knetic/govaluate"
	"github.com/Masterminds/sprig/v3"
	"github.com/tidwall/gjson"
	lua "github.com/yuin/gopher-lua"
)

type filters struct {
	Exprs        []exprFilter `json:"exprs"`
	ExprOperator string       `json:"exprLogicalOperator"`
	Data         []dataFilter `json:"data"`
	DataOperator string       `json:"dataLogicalOperator"`
	Context      *attributes  `json:"context"`
	Time         *timeFilter  `json:"time"`
	Script       string       `json:"script"`
}

type exprFilter struct {
	Expr   string `json:"expr"`
	Fields []struct {
		Path string `json:"path"`
		Name string `json:"name"`
	} `json:"fields"`
}

type dataFilter struct {
	Path       string   `json:"path"`
	Type       string   `json:"type"`
	Value      []string `json:"value"`
	Comparator string   `json:"comparator"`
	Template   string   `json:"template"`
}

type attributes struct {
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Source          string `json:"source"`
	DataContentType string `json:"datacontenttype"`
	ID              string `json:"id"`
	SpecVersion     string `json:"specversion"`
	Time            string `json:"time"`
}

type timeFilter struct {
	Start    string `json:"start"`
	Stop     string `json:"stop"`
	Timezone string `json:"timezone"`
}

// pass differs from Argo Events in one thing, which docs/differences-from-argo-events.md lists: under `or` a filter
// that cannot be evaluated counts as "no", also a script, instead of rejecting the event.
func (by *filters) pass(data []byte, context attributes, operator string) bool {
	if by == nil {
		return true
	}
	kinds := []struct {
		isSet bool
		holds bool
	}{
		{by.Exprs != nil, by.Exprs == nil || all(by.ExprOperator, by.Exprs, data)},
		{by.Data != nil, len(by.Data) == 0 || all(by.DataOperator, by.Data, data)},
		{by.Context != nil, by.Context == nil || by.Context.fit(context)},
		{by.Time != nil, by.Time == nil || by.Time.contains(context.Time)},
		{by.Script != "", by.Script == "" || scriptPasses(by.Script, data)},
	}
	for _, kind := range kinds {
		if operator == "or" && kind.isSet && kind.holds {
			return true
		}
		if operator != "or" && !kind.holds {
			return false
		}
	}
	return operator != "or"
}

type clause interface {
	decide(data []byte) (bool, error)
}

// all joins clauses of one kind; one that cannot be evaluated counts as "no".
func all[Clause clause](operator string, clauses []Clause, data []byte) bool {
	for _, each := range clauses {
		passed, err := each.decide(data)
		passed = passed && err == nil
		if operator == "or" && passed {
			return true
		}
		if operator != "or" && !passed {
			return false
		}
	}
	return operator != "or"
}

func (by exprFilter) decide(data []byte) (bool, error) {
	parameters := map[string]any{}
	for _, field := range by.Fields {
		found := gjson.GetBytes(data, field.Path)
		if !found.Exists() {
			return false, errors.New("no such path")
		}
		parameters[field.Name] = found.Value()
	}
	expression, err := govaluate.NewEvaluableExpression(by.Expr)
	if err != nil {
		return false, err
	}
	result, err := expression.Evaluate(parameters)
	return result == true, err
}

func (by dataFilter) decide(data []byte) (bool, error) {
	found := gjson.GetBytes(data, by.Path)
	if !found.Exists() {
		return false, errors.New("no such path")
	}
	if by.Template != "" {
		text, err := render(by.Template, found.String())
		if err != nil {
			return false, err
		}
		found = gjson.Parse(strconv.Quote(text))
	}
	for _, wanted := range by.Value {
		passed, err := by.compare(found, wanted)
		if passed || err != nil {
			return passed, err
		}
	}
	return false, nil
}

func (by dataFilter) compare(found gjson.Result, wanted string) (bool, error) {
	switch by.Type {
	case "bool":
		flag, err := strconv.ParseBool(wanted)
		return flag == found.Bool(), err
	case "number":
		number, err := strconv.ParseFloat(wanted, 64)
		if err != nil {
			return false, err
		}
		value := found.Float()
		return map[string]bool{
			"": value == number, "=": value == number, "!=": value != number,
			"<": value < number, "<=": value <= number, ">": value > number, ">=": value >= number,
		}[by.Comparator], nil
	case "string":
		pattern, err := regexp.Compile(wanted)
		if err != nil {
			return false, err
		}
		matches := pattern.MatchString(found.String())
		return map[string]bool{"": matches, "=": matches, "!=": !matches}[by.Comparator], nil
	default:
		return false, errors.New("unknown type")
	}
}

func render(text string, input any) (string, error) {
	parsed, err := template.New("param").Funcs(sprig.FuncMap()).Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, map[string]any{"Input": input}); err != nil {
		return "", err
	}
	if out.String() == "" || out.String() == "<no value>" {
		return "", errors.New("no value")
	}
	return out.String(), nil
}

func (wanted *attributes) fit(event attributes) bool {
	return (wanted.Type == "" || wanted.Type == event.Type) &&
		(wanted.Subject == "" || wanted.Subject == event.Subject) &&
		(wanted.Source == "" || wanted.Source == event.Source) &&
		(wanted.DataContentType == "" || wanted.DataContentType == event.DataContentType)
}

func (by *timeFilter) contains(text string) bool {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return false
	}
	location, err := time.LoadLocation(by.Timezone)
	if err != nil {
		return false
	}
	date := at.In(location).Format("2006-01-02")
	start, startErr := time.ParseInLocation("2006-01-02 15:04:05", date+" "+by.Start, location)
	stop, stopErr := time.ParseInLocation("2006-01-02 15:04:05", date+" "+by.Stop, location)
	if startErr != nil || stopErr != nil {
		return false
	}
	if start.Before(stop) {
		return !at.Before(start) && at.Before(stop)
	}
	return !at.Before(start) || at.Before(stop)
}

func scriptPasses(script string, data []byte) bool {
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		return false
	}
	returned, err := runScript(script, object)
	return err == nil && returned == lua.LTrue
}
