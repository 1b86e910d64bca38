import { CancellationScope, isCancellation, patched } from '@temporalio/workflow';

/** Histories without it continued once one part had stopped. */
const ALL_STOPPED = 'all-parts-let-go';

/** Runs `parts` beside `work`, then cancels them and waits until all have stopped: the next must not overlap with them. */
export async function runBeside(
  start: () => ReadonlyArray<Promise<void>>,
  work: () => Promise<unknown>,
): Promise<void> {
  const scope = new CancellationScope();
  let parts: ReadonlyArray<Promise<void>> = [];
  const running = scope.run(() => Promise.all((parts = start())));
  try {
    await work();
  } finally {
    scope.cancel();
    await CancellationScope.nonCancellable(async () => {
      await running.catch(ignoreCancellation);
      if (patched(ALL_STOPPED)) await Promise.allSettled(parts);
    });
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
