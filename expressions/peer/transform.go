package main

import (
	"encoding/json"
	"errors"

	"github.com/itchyny/gojq"
	lua "github.com/yuin/gopher-lua"
)

type transform struct {
	JQ     string `json:"jq"`
	Script string `json:"script"`
}

// apply returns the transformed data as text.
func (by transform) apply(data []byte) (string, error) {
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		return "", err
	}
	if by.JQ != "" {
		return runJQ(by.JQ, object)
	}
	returned, err := runScript(by.Script, object)
	if err != nil {
		return "", err
	}
	table, isTable := returned.(*lua.LTable)
	if !isTable {
		return "", errors.New("no table")
	}
	text, err := json.Marshal(plainValue(table))
	return string(text), err
}

func runJQ(program string, input map[string]any) (string, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		return "", err
	}
	first, some := query.Run(input).Next()
	if !some {
		return "", errors.New("no output")
	}
	object, isObject := first.(map[string]any)
	if !isObject {
		return "", errors.New("no object")
	}
	text, err := json.Marshal(object)
	return string(text), err
}

func runScript(script string, input map[string]any) (lua.LValue, error) {
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("event", luaTable(input))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return state.Get(-1), nil
}

// luaTable leaves out what Argo Events leaves out: null, and lists and null inside of lists.
func luaTable(object map[string]any) *lua.LTable {
	table := &lua.LTable{}
	for key, value := range object {
		switch value := value.(type) {
		case []any:
			list := &lua.LTable{}
			for _, element := range value {
				if converted := luaValue(element); converted != nil {
					list.Append(converted)
				}
			}
			table.RawSetString(key, list)
		default:
			if converted := luaValue(value); converted != nil {
				table.RawSetString(key, converted)
			}
		}
	}
	return table
}

func luaValue(value any) lua.LValue {
	switch value := value.(type) {
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case map[string]any:
		return luaTable(value)
	default:
		return nil
	}
}

func plainValue(value lua.LValue) any {
	switch value := value.(type) {
	case *lua.LNilType:
		return nil
	case lua.LBool:
		return bool(value)
	case lua.LString:
		return string(value)
	case lua.LNumber:
		return float64(value)
	case *lua.LTable:
		isList := false
		if meta, isTable := value.Metatable.(*lua.LTable); isTable {
			isList = meta.RawGetString("__is_array") == lua.LTrue
		}
		if value.MaxN() == 0 && !isList {
			object := map[string]any{}
			value.ForEach(func(key, member lua.LValue) { object[key.String()] = plainValue(member) })
			return object
		}
		list := []any{}
		for index := 1; index <= value.MaxN(); index++ {
			list = append(list, plainValue(value.RawGetInt(index)))
		}
		return list
	default:
		return value
	}
}
