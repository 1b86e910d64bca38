/**
 * Bounds what compressed records expand to, over all batches of one reply.
 *
 * kafkajs calls a codec with nothing but the bytes, so the limit comes along as asynchronous context.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Of one fetch, which asks for a few MiB. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Inflation {
  left: number;
}

const current = new AsyncLocalStorage<Inflation>();

/** Begins a new count for what follows in this asynchronous context. */
export function beginInflation(): void {
  current.enterWith({ left: MOST_BYTES });
}

export function remainingInflation(): number {
  return current.getStore()?.left ?? MOST_BYTES;
}

export function inflatedBytes(count: number): void {
  const inflation = current.getStore();
  if (inflation !== undefined) inflation.left = Math.max(1, inflation.left - count);
}
