/** One running instance of expressions.wasm: text of a batch in, text of the results out. Runs inside a thread. */
import './web-assembly';
import { MAX_DATA_DEPTH } from '../event/json';
import { createSystemCalls } from './system-calls';

export interface ModuleLimits {
  readonly maxMemoryMb: number;
  readonly timeLimitMs: number;
}

export interface ExpressionModule {
  /** Throws if the module died (out of memory, endless recursion); the instance is then unusable. */
  evaluateBatch(text: string): string;
  /** Of the memory, which has its full size from the start, the part that was needed so far. It never shrinks. */
  memoryBytes(): number;
}

/** The exports of expressions/wasi.go. */
interface ModuleExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  configure(memoryLimitBytes: bigint, timeBudgetMs: number, depthLimit: number): void;
  allocate(size: number): number;
  evaluate(): number;
  answer(): number;
  memory_taken(): number;
}

/** The module ends a script itself shortly before the engine would end the thread. */
const SHARE_OF_TIME_LIMIT = 0.8;
/** Above this share Go collects garbage eagerly instead of growing. */
const SHARE_OF_MEMORY_LIMIT = 0.75;

/** Functions that the module needs from its thread. */
export interface ModuleHost {
  /** Called with the index of each item of a batch before it is evaluated; returns the CPU time, as `cpuTime`. */
  readonly onItem: (index: number) => number;
  /** Milliseconds of CPU time that this thread has used, in whole numbers. */
  readonly cpuTime: () => number;
}

export async function startExpressionModule(
  module: WebAssembly.Module,
  limits: ModuleLimits,
  host: ModuleHost,
): Promise<ExpressionModule> {
  const wasiNames = WebAssembly.Module.imports(module)
    .filter((wanted) => wanted.module === 'wasi_snapshot_preview1')
    .map((wanted) => wanted.name);
  const calls = createSystemCalls(wasiNames);
  const instance = await WebAssembly.instantiate(module, {
    wasi_snapshot_preview1: calls.imports,
    sluice: { started: host.onItem, cpu_time: host.cpuTime },
  });
  const exports = instance.exports as unknown as ModuleExports; // the shape is fixed by expressions/wasi.go
  calls.attach(exports.memory);
  exports._initialize();
  exports.configure(
    BigInt(Math.floor(limits.maxMemoryMb * SHARE_OF_MEMORY_LIMIT) * 2 ** 20),
    Math.floor(limits.timeLimitMs * SHARE_OF_TIME_LIMIT),
    MAX_DATA_DEPTH,
  );
  return {
    evaluateBatch: (text) => {
      try {
        return exchange(exports, text);
      } catch (error) {
        throw new Error(calls.lastWords() || (error instanceof Error ? error.message : String(error)), {
          cause: error,
        });
      }
    },
    memoryBytes: () => exports.memory_taken() >>> 0,
  };
}

function exchange(exports: ModuleExports, text: string): string {
  const request = Buffer.from(text);
  const requestAt = exports.allocate(request.length) >>> 0;
  new Uint8Array(exports.memory.buffer).set(request, requestAt);
  const length = exports.evaluate() >>> 0;
  const answerAt = exports.answer() >>> 0;
  return Buffer.from(exports.memory.buffer, answerAt, length).toString();
}
