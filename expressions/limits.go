package main

import (
	"context"
	"errors"
	"strings"
	"time"
)

// timeBudget ends a script or jq program from inside, which is kinder than the host's way (ending the thread): nothing
// has to be started anew and the other items of the batch are not repeated. The host's limit still stands behind it
// for what cannot be interrupted here, such as one enormous string operation.
var timeBudget = 800 * time.Millisecond

var errBudget = errors.New("it did not end within its time limit")

// budget is a context whose Done is called by the interpreters at every step. A common deadline context would never
// fire: the module has one thread, and a timer cannot run while a script does.
type budget struct {
	context.Context
	ends  time.Time
	steps int
	spent chan struct{}
}

func newBudget() *budget {
	return &budget{Context: context.Background(), ends: time.Now().Add(timeBudget), spent: make(chan struct{})}
}

func (b *budget) Done() <-chan struct{} {
	b.steps++
	if b.steps%4096 == 0 && b.ends.Before(time.Now()) {
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

// compiled remembers what was made from an expression's text. Sensors use few expressions; the bound only guards
// against a caller that makes up a new one for each event.
type compiled[T any] struct{ known map[string]T }

func (cache *compiled[T]) get(text string, compile func(string) (T, error)) (T, error) {
	if value, found := cache.known[text]; found {
		return value, nil
	}
	value, err := compile(text)
	if err != nil {
		return value, invalid{err}
	}
	if cache.known == nil || len(cache.known) >= 1000 {
		cache.known = make(map[string]T)
	}
	cache.known[text] = value
	return value, nil
}

func lower(text string) string { return strings.ToLower(text) }
