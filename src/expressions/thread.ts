/** Entry of an evaluation thread. Holds no state worth keeping: the engine may end it at any moment. */
import { parentPort, workerData } from 'node:worker_threads';
import { startExpressionModule } from './expression-module';
import type { ExpressionModule } from './expression-module';
import { IDLE, ITEM, STARTED_AT } from './thread-messages';
import type { ThreadAnswer, ThreadSetup } from './thread-messages';

const setup = workerData as ThreadSetup;

const running = startExpressionModule(setup.module, setup, (index) => {
  Atomics.store(setup.progress, STARTED_AT, Date.now() - setup.epochMs);
  Atomics.store(setup.progress, ITEM, index);
});

parentPort?.on('message', (text: string) => {
  void running.then((module) => parentPort?.postMessage(evaluate(module, text)));
});

function evaluate(module: ExpressionModule, text: string): ThreadAnswer {
  try {
    return { kind: 'answered', text: module.evaluateBatch(text), memoryBytes: module.memoryBytes() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'died', item: Atomics.load(setup.progress, ITEM), message };
  } finally {
    Atomics.store(setup.progress, ITEM, IDLE);
  }
}
