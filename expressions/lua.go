package main

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

var luaScripts compiled[*lua.FunctionProto]

func compileLua(script string) (*lua.FunctionProto, error) {
	chunk, err := parse.Parse(strings.NewReader(script), "script")
	if err != nil {
		return nil, err
	}
	return lua.Compile(chunk, "script")
}

// runLua runs a script in an interpreter of its own with the global `event`, and gives what it returned last.
func runLua(script string, doc *document) (lua.LValue, error) {
	proto, err := luaScripts.get(script, compileLua)
	if err != nil {
		return nil, err
	}
	data, err := doc.object()
	if err != nil {
		return nil, err
	}
	state := newLuaState()
	defer state.Close()
	limit := newBudget()
	state.SetContext(limit)
	state.SetGlobal("event", toLuaTable(data))
	state.Push(state.NewFunctionFromProto(proto))
	if err := state.PCall(0, lua.MultRet, nil); err != nil {
		if limit.isSpent() {
			return nil, errBudget
		}
		return nil, errors.New(firstLine(err.Error()))
	}
	return state.Get(-1), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func transformWithLua(script string, doc *document) (any, error) {
	returned, err := runLua(script, doc)
	if err != nil {
		return nil, err
	}
	table, isTable := returned.(*lua.LTable)
	if !isTable {
		return nil, fmt.Errorf("the script returned a %s; it must return a table", returned.Type())
	}
	return fromLua(table, 0)
}

func filterWithLua(script string, doc *document) (any, error) {
	returned, err := runLua(script, doc)
	if err != nil {
		return nil, err
	}
	return verdict(returned == lua.LTrue, returned.String()), nil
}

// newLuaState opens what cannot reach beyond the interpreter. Of `os` the clock remains, because scripts that only
// read the time are common; the rest, and the libraries that reach the host, answer with a clear error.
func newLuaState() *lua.LState {
	state := lua.NewState(lua.Options{SkipOpenLibs: true, RegistrySize: 256, RegistryGrowStep: 256, RegistryMaxSize: 1 << 18, MinimizeStackMemory: true})
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath},
		{lua.CoroutineLibName, lua.OpenCoroutine},
	} {
		state.Push(state.NewFunction(library.open))
		state.Push(lua.LString(library.name))
		state.Call(1, 0)
	}
	for _, name := range []string{"dofile", "loadfile", "module", "require", "newproxy", "_printregs"} {
		state.SetGlobal(name, outOfReach(state, name))
	}
	state.SetGlobal("print", state.NewFunction(func(*lua.LState) int { return 0 }))
	for _, name := range []string{"io", "debug", "package", "channel"} {
		state.SetGlobal(name, emptyLibrary(state, name))
	}
	state.SetGlobal("os", clock(state))
	seedOwnRandom(state)
	return state
}

func outOfReach(state *lua.LState, name string) *lua.LFunction {
	return state.NewFunction(func(state *lua.LState) int {
		state.RaiseError("%s is not available: a script cannot reach beyond its event", name)
		return 0
	})
}

// emptyLibrary is a table whose every member is a function that says that it is out of reach.
func emptyLibrary(state *lua.LState, name string) *lua.LTable {
	library := state.NewTable()
	meta := state.NewTable()
	meta.RawSetString("__index", state.NewFunction(func(state *lua.LState) int {
		state.Push(outOfReach(state, name+"."+state.ToString(2)))
		return 1
	}))
	library.Metatable = meta
	return library
}

func clock(state *lua.LState) *lua.LTable {
	lua.OpenOs(state)
	state.SetTop(0) // it leaves the library on the stack, where a script's result will be looked for
	whole, _ := state.GetGlobal("os").(*lua.LTable)
	reduced := emptyLibrary(state, "os")
	for _, name := range []string{"time", "date", "clock", "difftime"} {
		reduced.RawSetString(name, whole.RawGetString(name))
	}
	return reduced
}

// toLuaTable drops what Argo Events drops: null members, and inside arrays everything but objects, numbers, strings
// and booleans.
func toLuaTable(object map[string]any) *lua.LTable {
	table := &lua.LTable{}
	for key, value := range object {
		if array, isArray := value.([]any); isArray {
			list := &lua.LTable{}
			for _, element := range array {
				if _, isNested := element.([]any); isNested || element == nil {
					continue
				}
				list.Append(toLua(element))
			}
			table.RawSetString(key, list)
			continue
		}
		table.RawSetString(key, toLua(value))
	}
	return table
}

func toLua(value any) lua.LValue {
	switch value := value.(type) {
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case map[string]any:
		return toLuaTable(value)
	default:
		return lua.LNil
	}
}

func fromLua(value lua.LValue, depth int) (any, error) {
	switch value := value.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(value), nil
	case lua.LNumber:
		return float64(value), nil
	case lua.LString:
		return string(value), nil
	case *lua.LTable:
		return fromLuaTable(value, depth)
	default:
		return nil, fmt.Errorf("the returned table holds a %s, which has no form in JSON", value.Type())
	}
}

func fromLuaTable(table *lua.LTable, depth int) (any, error) {
	if depth >= deepest {
		return nil, tooDeep()
	}
	last := table.MaxN()
	if last == 0 && !isMarkedAsArray(table) {
		object := make(map[string]any)
		var failure error
		table.ForEach(func(key, value lua.LValue) {
			if failure != nil {
				return
			}
			object[key.String()], failure = fromLua(value, depth+1)
		})
		return object, failure
	}
	array := make([]any, 0, last)
	for index := 1; index <= last; index++ {
		element, err := fromLua(table.RawGetInt(index), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, element)
	}
	return array, nil
}

func isMarkedAsArray(table *lua.LTable) bool {
	meta, isTable := table.Metatable.(*lua.LTable)
	return isTable && meta.RawGetString("__is_array") == lua.LTrue
}

// seedOwnRandom gives the script a random source of its own. That of gopher-lua is one for all interpreters, so that
// `math.randomseed` in one script would fix the "random" numbers of every other.
func seedOwnRandom(state *lua.LState) {
	library, _ := state.GetGlobal("math").(*lua.LTable)
	source := rand.New(rand.NewSource(rand.Int63()))
	library.RawSetString("randomseed", state.NewFunction(func(state *lua.LState) int {
		source = rand.New(rand.NewSource(state.CheckInt64(1)))
		return 0
	}))
	library.RawSetString("random", state.NewFunction(func(state *lua.LState) int {
		switch state.GetTop() {
		case 0:
			state.Push(lua.LNumber(source.Float64()))
		case 1:
			state.Push(lua.LNumber(1 + between(state, source, state.CheckInt(1))))
		default:
			least := state.CheckInt(1)
			state.Push(lua.LNumber(least + between(state, source, state.CheckInt(2)-least+1)))
		}
		return 1
	}))
}

func between(state *lua.LState, source *rand.Rand, count int) int {
	if count <= 0 {
		state.RaiseError("the interval of math.random is empty")
	}
	return source.Intn(count)
}
