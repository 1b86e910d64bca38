package main

import (
	"context"
	"errors"
	"strings"
	"time"
)

// timeBudget bounds a script or jq program from inside, which is cheaper than the host's way (ending the thread): no
// thread has to be replaced and the other items of the batch are not repeated. The host's limit still applies to what
// cannot be interrupted here, such as one enormous string operation. It is CPU time, so a busy machine changes nothing.
var timeBudget = 800 * time.Millisecond

// cpuTime returns the CPU time that this thread has used; the host provides it.
var cpuTime = func() time.Duration { return 0 }

var errBudget = errors.New("it did not end within its time limit")

// budget is a context whose Done is called by the interpreters at every step. A common deadline context would never
// fire: the module has one thread, and a timer cannot run while a script does.
type budget struct {
	context.Context
	ends  time.Duration
	steps int
	spent chan struct{}
}

func newBudget() *budget {
	return &budget{Context: context.Background(), ends: cpuTime() + timeBudget, spent: make(chan struct{})}
}

func (b *budget) Done() <-chan struct{} {
	b.steps++
	if b.steps%4096 == 0 && b.ends < cpuTime() {
		if !b.isSpent() {
			close(b.spent)
		}
	}
	return b.spent
}

func (b *budget) isSpent() bool {
	select {
	case <-b.spent:
		return true
	default:
		return false
	}
}

func (b *budget) Err() error {
	if b.isSpent() {
		return errBudget
	}
	return nil
}

// compiled caches what was made from an expression's text. Sensors use few expressions; the bounds guard against a
// caller that makes up a new one for each event, and against texts so large that keeping them would cost the others.
type compiled[T any] struct {
	known map[string]T
	bytes int
}

const (
	mostCompiled        = 1000
	longestCompiled     = 64 << 10
	mostCompiledInBytes = 2 << 20
)

func (cache *compiled[T]) get(text string, compile func(string) (T, error)) (T, error) {
	if value, found := cache.known[text]; found {
		return value, nil
	}
	value, err := compile(text)
	if err != nil {
		return value, invalid{err}
	}
	if len(text) > longestCompiled {
		return value, nil
	}
	if cache.known == nil || len(cache.known) >= mostCompiled || cache.bytes+len(text) > mostCompiledInBytes {
		cache.known = make(map[string]T)
		cache.bytes = 0
	}
	cache.known[text] = value
	cache.bytes += len(text)
	return value, nil
}

func lower(text string) string { return strings.ToLower(text) }
