/** Sends requests to the thread that unpacks nodes, one at a time, each with a deadline. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { NodeRequest, NodeResponse } from './node-thread-messages';

const THREAD_ENTRY = join(__dirname, 'node-thread.js');
/** Wall-clock time, so it allows for a busy machine: the limits on unpacked data keep honest work below a second. */
const DEADLINE_MS = 15_000;
const IDLE_MS = 60_000;
const HEAP_MB = 512;

export class NodeThread {
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();

  /** Never rejects: if the thread ends for any reason, the nodes count as unreadable. */
  request(request: NodeRequest): Promise<NodeResponse> {
    const response = this.last.then(() => this.exchange(request));
    this.last = response;
    return response;
  }

  private exchange(request: NodeRequest): Promise<NodeResponse> {
    clearTimeout(this.idle);
    const worker = (this.worker ??= this.start());
    return new Promise((resolve) => {
      const settle = (response: NodeResponse): void => {
        clearTimeout(deadline);
        worker.off('message', settle).off('error', onError).off('exit', onExit).unref();
        this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
        resolve(response);
      };
      const fail = (reason: string): void => {
        this.end();
        settle({ kind: 'unreadable', reason });
      };
      const onError = (): void => fail('reading it needs too much memory');
      const onExit = (): void => fail('the thread that read it has ended');
      const deadline = setTimeout(() => fail(`reading it took more than ${DEADLINE_MS / 1000} s`), DEADLINE_MS);
      worker.on('message', settle).on('error', onError).on('exit', onExit).ref();
      worker.postMessage(request);
    });
  }

  private start(): Worker {
    const worker = new Worker(THREAD_ENTRY, {
      env: {},
      execArgv: [],
      stdin: false,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.on('error', () => undefined); // the waiting request has its own listener
    worker.on('exit', () => {
      if (this.worker === worker) this.worker = undefined;
    });
    return worker;
  }

  private end(): void {
    clearTimeout(this.idle);
    void this.worker?.terminate();
    this.worker = undefined;
  }
}
