import { setTimeout as sleep } from 'node:timers/promises';

/** Generous, because it costs nothing where things go well: two cores may be busy, and listeners report every 15 s. */
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Calls `probe` until it answers something other than undefined or false, and returns that. A probe may throw while the
 * condition is not met yet; what it threw last becomes the cause when the time is over.
 */
export async function eventually<T>(
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: { timeoutMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let problem: unknown;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, 250)) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > deadline) {
      const reason = problem instanceof Error ? `: ${problem.message}` : '';
      throw new Error(`the condition was not met within ${timeoutMs} ms${reason}`, { cause: problem });
    }
    await sleep(pauseMs);
  }
}
