/**
 * The operating system that expressions.wasm sees: a clock, randomness, and standard error for Go's messages on a
 * crash.
 *
 * Every other call of WASI preview 1 returns "not supported". No files, environment, arguments or network are
 * reachable, whatever a script finds in the Go libraries.
 */
import './web-assembly';
import { webcrypto } from 'node:crypto';

const SUCCESS = 0;
const BAD_FILE_DESCRIPTOR = 8;
const NOT_SUPPORTED = 52;
const REALTIME_CLOCK = 0;
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const MOST_RANDOM_BYTES_PER_CALL = 65_536;

export interface SystemCalls {
  readonly imports: Record<string, WebAssembly.ImportedFunction>;
  /** Sets the memory that the calls work on, known only once the module is instantiated. */
  attach(memory: WebAssembly.Memory): void;
  /** First line that Go wrote before it died; empty if it wrote nothing. */
  lastWords(): string;
}

/** `importNames`: the WASI functions that the module imports. */
export function createSystemCalls(importNames: readonly string[]): SystemCalls {
  let memory: WebAssembly.Memory | undefined;
  let written = '';
  const bytes = () => new Uint8Array(memory?.buffer ?? new ArrayBuffer(0));
  const view = () => new DataView(memory?.buffer ?? new ArrayBuffer(0));

  const supported: Record<string, (...args: number[]) => number> = {
    random_get: (at = 0, length = 0) => {
      for (let done = 0; done < length; done += MOST_RANDOM_BYTES_PER_CALL) {
        const chunk = Math.min(MOST_RANDOM_BYTES_PER_CALL, length - done);
        webcrypto.getRandomValues(bytes().subarray(at + done, at + done + chunk));
      }
      return SUCCESS;
    },
    clock_time_get: (clock, _precision, at = 0) => {
      const ms = clock === REALTIME_CLOCK ? performance.timeOrigin + performance.now() : performance.now();
      view().setBigUint64(at, BigInt(Math.round(ms * 1e6)), true);
      return SUCCESS;
    },
    fd_write: (_descriptor, vectors = 0, count = 0, writtenAt = 0) => {
      let total = 0;
      for (let index = 0; index < count; index++) {
        const start = view().getUint32(vectors + 8 * index, true);
        const length = view().getUint32(vectors + 8 * index + 4, true);
        total += length;
        if (written.length < 1000) written += Buffer.from(bytes().subarray(start, start + length)).toString();
      }
      view().setUint32(writtenAt, total, true);
      return SUCCESS;
    },
    args_sizes_get: (countAt = 0, sizeAt = 0) => writeZeros(view(), countAt, sizeAt),
    environ_sizes_get: (countAt = 0, sizeAt = 0) => writeZeros(view(), countAt, sizeAt),
    args_get: () => SUCCESS,
    environ_get: () => SUCCESS,
    sched_yield: () => SUCCESS,
    fd_prestat_get: () => BAD_FILE_DESCRIPTOR,
    // Nothing in the module sleeps on purpose: every subscription is reported as due.
    poll_oneoff: (subscriptions = 0, events = 0, count = 0, countAt = 0) => {
      for (let index = 0; index < count; index++) {
        const event = events + index * EVENT_BYTES;
        bytes().fill(0, event, event + EVENT_BYTES);
        view().setBigUint64(event, view().getBigUint64(subscriptions + index * SUBSCRIPTION_BYTES, true), true);
      }
      view().setUint32(countAt, count, true);
      return SUCCESS;
    },
    proc_exit: (status) => {
      throw new Error(`exit status ${status}`);
    },
  };

  const imports: Record<string, WebAssembly.ImportedFunction> = {};
  for (const name of importNames) imports[name] = supported[name] ?? (() => NOT_SUPPORTED);
  return {
    imports,
    attach: (attached) => {
      memory = attached;
    },
    lastWords: () => written.split('\n')[0] ?? '',
  };
}

function writeZeros(view: DataView, ...addresses: number[]): number {
  for (const address of addresses) view.setUint32(address, 0, true);
  return SUCCESS;
}
