/** Entry of an evaluation thread. Holds no state worth keeping: the engine may end it at any moment. */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { encodeBatch } from './batch';
import { createCpuClock, currentThreadId, UNKNOWN_THREAD } from './cpu-clock';
import { startExpressionModule } from './expression-module';
import type { ExpressionModule } from './expression-module';
import { IDLE, ITEM, STARTED_AT, THREAD_ID } from './thread-messages';
import type { ThreadAnswer, ThreadSetup } from './thread-messages';
import { WARM_UP } from './warm-up';

const setup = workerData as ThreadSetup;
const threadId = currentThreadId();
const clock = createCpuClock(threadId);
const cpuTime = () => Math.floor(clock.read());
/** Measuring the memory takes as long as an evaluation, and little can be allocated in less. */
const MEASURE_AFTER_MS = 20;
/** On a busy machine a third of what a thread of normal priority gets. */
const QUICK_NICENESS = 5;
let isWarm = false;
let memoryBytes = 0;
let unmeasuredMs = MEASURE_AFTER_MS;

// The main thread moves the events of all tenants, so it goes first. Without thread ids it would be slowed down as well.
if (threadId !== UNKNOWN_THREAD) giveWay(setup.isPatient ? constants.priority.PRIORITY_LOW : QUICK_NICENESS);

const running = startExpressionModule(setup.module, setup, { onItem, cpuTime }).then((module) => {
  evaluate(module, encodeBatch(WARM_UP).text);
  isWarm = true;
  Atomics.store(setup.progress, THREAD_ID, threadId);
  return module;
});

parentPort?.on('message', (text: string) => {
  void running.then((module) => parentPort?.postMessage(evaluate(module, text)));
});

/** Without effect where the process has a lower priority already, or may not change it. */
function giveWay(niceness: number): void {
  try {
    if (getPriority(threadId) < niceness) setPriority(threadId, niceness);
  } catch {
    // A container may forbid it: the thread works at the priority that it has.
  }
}

function onItem(index: number): number {
  if (!isWarm) return 0; // The thread's own work is not charged to any expression.
  const now = cpuTime();
  Atomics.store(setup.progress, STARTED_AT, now);
  Atomics.store(setup.progress, ITEM, index);
  return now;
}

function evaluate(module: ExpressionModule, text: string): ThreadAnswer {
  const begun = performance.now();
  try {
    const answer = module.evaluateBatch(text);
    unmeasuredMs += performance.now() - begun;
    if (unmeasuredMs >= MEASURE_AFTER_MS) {
      memoryBytes = module.memoryBytes();
      unmeasuredMs = 0;
    }
    return { kind: 'answered', text: answer, memoryBytes };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'died', item: Atomics.load(setup.progress, ITEM), message };
  } finally {
    Atomics.store(setup.progress, ITEM, IDLE);
  }
}
