/** Finds, limits and compiles expressions.wasm, once per process and memory limit. */
import './web-assembly';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { SluiceError } from '../errors/sluice-error';
import { sizeModuleMemory } from './module-memory';

/** dist/src/expressions → dist/expressions. */
const MODULE_PATH = join(__dirname, '..', '..', 'expressions', 'expressions.wasm');

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
  // Functions that are used much are compiled again, optimised, some for seconds: in one thread at a time, not in four,
  // which would leave the main thread a fifth of a busy machine. Compiling at first use takes no longer for it.
  setFlagsFromString('--wasm-num-compilation-tasks=1');
  return WebAssembly.compile(sizeModuleMemory(bytes, maxMemoryMb));
}
