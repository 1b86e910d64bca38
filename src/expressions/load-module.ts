/** Finds, limits and compiles expressions.wasm, once per process and memory limit. */
import './web-assembly';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { SluiceError } from '../errors/sluice-error';
import { sizeModuleMemory } from './module-memory';

/** dist/src/expressions → dist/expressions. */
const MODULE_PATH = join(__dirname, '..', '..', 'expressions', 'expressions.wasm');

/**
 * Bytes of WebAssembly, roughly, that a function runs before it is optimised; V8's own is 1,800,000 in Node 20. The
 * start of a thread runs one function (of gojq) for about 200 million, once: to optimise it takes 0.7 s.
 */
const TIERING_BUDGET = 500_000_000;

const compiling = new Map<string, Promise<WebAssembly.Module>>();

/** Throws EXPRESSION_ENGINE_MISSING. Compiled code is shared by all threads, so starting a thread is quick. */
export function loadExpressionModule(maxMemoryMb: number, path = MODULE_PATH): Promise<WebAssembly.Module> {
  const key = `${maxMemoryMb} ${path}`;
  const known = compiling.get(key);
  if (known) return known;
  const started = compileModule(path, maxMemoryMb);
  compiling.set(key, started);
  started.catch(() => compiling.delete(key)); // The module may have been built before the next attempt.
  return started;
}

async function compileModule(path: string, maxMemoryMb: number): Promise<WebAssembly.Module> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new SluiceError('EXPRESSION_ENGINE_MISSING', {
      message: `The expression engine is missing: cannot read ${path}`,
      fix: 'Build it with `npm run build:expressions` (needs Go 1.25 or newer)',
      cause: error,
    });
  }
  // Functions that are used much are compiled again, optimised, some for seconds of CPU: only those that run for long, in
  // one thread at a time. With V8's own limits, a tenant's first scripts fill all processors with compiling.
  setFlagsFromString('--wasm-num-compilation-tasks=1');
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
  return WebAssembly.compile(sizeModuleMemory(bytes, maxMemoryMb));
}
