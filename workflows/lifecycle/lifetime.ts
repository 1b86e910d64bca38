/**
 * How long the workflow of an applied object lives: until `sluice delete`, which signals `delete`. A cancellation from
 * elsewhere, such as "Request Cancellation" in the Temporal UI, is ignored and shown, because it would skip the cleanup
 * and the final report of everything that the object holds.
 */
import { CancellationScope, isCancellation, log, patched } from '@temporalio/workflow';

/** Histories without it come from versions whose `sluice delete` requested a cancellation. */
const ONLY_DELETE_ENDS = 'only-delete-ends';

const CANCELLATION_IGNORED = 'cancellation ignored: nothing was stopped or deleted; use `sluice delete`';

export class Lifetime {
  /** Not a child of the workflow's own scope, which stays cancelled after an ignored cancellation. */
  private readonly scope = new CancellationScope({
    cancellable: true,
    parent: new CancellationScope({ cancellable: false }),
  });
  private isDeleted = false;

  constructor(onIgnored: (notice: string) => void) {
    CancellationScope.current().cancelRequested.catch(() => {
      if (!patched(ONLY_DELETE_ENDS)) this.scope.cancel();
      else {
        log.warn(CANCELLATION_IGNORED);
        onIgnored(CANCELLATION_IGNORED);
      }
    });
  }

  /** Cancels the work of `run`. */
  delete(): void {
    this.isDeleted = true;
    this.scope.cancel();
  }

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.scope.run(work);
  }

  /**
   * Runs `work` until the object is deleted, then `cleanUp`. Throws the cancellation of an object that ended by one, as
   * in histories of earlier versions.
   */
  async untilDeleted(work: () => Promise<void>, cleanUp?: () => Promise<void>): Promise<void> {
    try {
      await this.run(work);
    } catch (error) {
      if (!isCancellation(error)) throw error;
      if (cleanUp) await CancellationScope.nonCancellable(cleanUp);
      if (!this.isDeleted) throw error;
    }
  }

  /** Throws if the object was deleted meanwhile and must not continue as new. */
  async requireAlive(): Promise<void> {
    if (this.scope.consideredCancelled) await this.scope.cancelRequested;
  }
}
