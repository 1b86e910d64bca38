/** Announces new items pass after pass, until it is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isSluiceError, type SluiceError } from '../errors/sluice-error';
import { publishNewItems, type PublishPass, type PublishResult } from './publish-new-items';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

export interface Following {
  /** Creates a pass that begins now. */
  createPass(): PublishPass;
  /** Between the end of one pass and the next. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  onPass(result: PublishResult): void;
  /** A pass failed, and the next one begins after this time. */
  onRetry(error: SluiceError, pauseMs: number): void;
}

/** Retries transient failures until the signal aborts; throws permanent ones. */
export async function followNewItems(following: Following): Promise<void> {
  const { intervalMs, signal } = following;
  for (let failures = 0; !signal.aborted;) {
    const result = await publishNewItems(following.createPass());
    following.onPass(result);
    if (signal.aborted) return;
    const error = transientErrorOf(result);
    failures = error === undefined ? 0 : failures + 1;
    const pauseMs = pauseAfter(intervalMs, failures, error?.retryAfterMs);
    if (error !== undefined) following.onRetry(error, pauseMs);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Returns the transient error of an interrupted pass; throws a permanent one. */
function transientErrorOf({ interruption }: PublishResult): SluiceError | undefined {
  if (interruption?.kind !== 'failed') return undefined;
  const { error } = interruption;
  if (isSluiceError(error) && error.retryable) return error;
  throw error;
}

/** Returns at least the interval; longer after failures, and as long as the server requests. */
function pauseAfter(intervalMs: number, failures: number, retryAfterMs = 0): number {
  const backOffMs = failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.max(intervalMs, backOffMs, retryAfterMs);
}
