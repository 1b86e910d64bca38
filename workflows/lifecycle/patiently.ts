import { CancellationScope, log, sleep } from '@temporalio/workflow';

/** Repeats `work` until it succeeds: a permanent error waits for an operator to fix its cause. Ignores cancellation. */
export async function patiently(summary: string, work: (options: { summary: string }) => Promise<void>): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    for (;;) {
      try {
        await work({ summary });
        return;
      } catch (error) {
        log.error(`${summary}: failed, is tried again`, { error });
        await sleep('30s', { summary: `before trying again: ${summary}` });
      }
    }
  });
}
