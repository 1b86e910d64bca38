// The module's border: memory exchange with the host, and nothing else. Built with GOOS=wasip1 as a reactor
// (-buildmode=c-shared), so main never runs; the host calls `allocate`, writes a request and calls `evaluate`.
package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
	"unsafe"

	_ "time/tzdata" // sprig's dateInZone must know zones although the module sees no file system
)

func main() {}

// request and response stay referenced here while the host reads or writes them: Go's collector does not move memory.
var (
	request  []byte
	response []byte
)

// started reports to the host which item is being evaluated, so that it can end one that takes too long and name it. It
// returns the CPU time in milliseconds.
//
//go:wasmimport sluice started
func started(item uint32) uint32

// hostCPUTime returns the milliseconds of CPU time that the host's thread has used so far.
//
//go:wasmimport sluice cpu_time
func hostCPUTime() uint32

// configure is called once, before anything else. The memory limit makes the collector work harder near the end of
// the memory that the host grants; it does not enforce anything.
//
//go:wasmexport configure
func configure(memoryLimitBytes uint64, timeBudgetMs uint32, depthLimit uint32) {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(int64(memoryLimitBytes))
	timeBudget = time.Duration(timeBudgetMs) * time.Millisecond
	cpuTime = func() time.Duration { return time.Duration(hostCPUTime()) * time.Millisecond }
	deepest = int(depthLimit)
}

//go:wasmexport allocate
func allocate(size uint32) uint32 {
	request = make([]byte, size)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(request))))
}

//go:wasmexport evaluate
func evaluate() uint32 {
	response = evaluateBatch(request, func(item uint32) time.Duration {
		return time.Duration(started(item)) * time.Millisecond
	})
	request = nil
	return uint32(len(response))
}

//go:wasmexport answer
func answer() uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(response))))
}

var memoryTaken = []metrics.Sample{{Name: "/memory/classes/total:bytes"}}

// readMemoryTaken returns the bytes that the collector has ever needed at once: WebAssembly takes none back.
//
//go:wasmexport memory_taken
func readMemoryTaken() uint32 {
	metrics.Read(memoryTaken)
	return uint32(memoryTaken[0].Value.Uint64())
}
