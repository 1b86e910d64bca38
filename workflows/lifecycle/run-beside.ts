import { CancellationScope, isCancellation, log, patched } from '@temporalio/workflow';

/** Histories without it continued once one part had stopped. */
const ALL_STOPPED = 'all-parts-let-go';

/** Histories without it waited for the next heartbeat of each part. */
const STOPPED_AT_ONCE = 'parts-stop-at-once';

export interface BesideOptions {
  /** Each runs until it is cancelled. */
  readonly start: () => ReadonlyArray<Promise<void>>;
  /** Makes the activities of cancelled parts end before their next heartbeat. */
  readonly stopAtOnce: (parts: number) => Promise<void>;
}

/** Runs parts beside `work`, then cancels them and waits until all have stopped: the next must not overlap with them. */
export async function runBeside({ start, stopAtOnce }: BesideOptions, work: () => Promise<unknown>): Promise<void> {
  const scope = new CancellationScope();
  let parts: ReadonlyArray<Promise<void>> = [];
  const running = scope.run(() => Promise.all((parts = start())));
  try {
    await work();
  } finally {
    scope.cancel();
    await CancellationScope.nonCancellable(async () => {
      const stopping = new CancellationScope();
      if (parts.length > 0 && patched(STOPPED_AT_ONCE)) {
        // If it fails, they end with their next heartbeat.
        stopping
          .run(() => stopAtOnce(parts.length))
          .catch((error: unknown) => log.debug('not stopped at once', { error }));
      }
      await running.catch(ignoreCancellation);
      if (patched(ALL_STOPPED)) await Promise.allSettled(parts);
      stopping.cancel();
    });
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
