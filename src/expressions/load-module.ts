/** Finds, limits and compiles expressions.wasm, once per process and memory limit. */
import './web-assembly';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  return WebAssembly.compile(sizeModuleMemory(bytes, maxMemoryMb));
}
