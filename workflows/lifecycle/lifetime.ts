/**
 * How long the workflow of an applied object lives: until `sluice delete`, which signals `delete`. A cancellation from
 * elsewhere, such as "Request Cancellation" in the Temporal UI, is ignored and shown, because it would skip the cleanup
 * and the final report of everything that the object holds.
 */
import { CancellationScope, log, patched } from '@temporalio/workflow';

/** Histories without it come from versions whose `sluice delete` requested a cancellation. */
const ONLY_DELETE_ENDS = 'only-delete-ends';

export const CANCELLATION_IGNORED = 'cancellation ignored: nothing was stopped or deleted; use `sluice delete`';

export class Lifetime {
  /** Not a child of the workflow's own scope, which stays cancelled after an ignored cancellation. */
  private readonly scope = new CancellationScope({
    cancellable: true,
    parent: new CancellationScope({ cancellable: false }),
  });
  private deleted = false;

  constructor(onIgnored: () => void) {
    CancellationScope.current().cancelRequested.catch(() => {
      if (!patched(ONLY_DELETE_ENDS)) this.scope.cancel();
      else {
        log.warn(CANCELLATION_IGNORED);
        onIgnored();
      }
    });
  }

  /** Cancels the work of `run`. */
  delete(): void {
    this.deleted = true;
    this.scope.cancel();
  }

  /** False for an object that ended by a cancellation, as in histories of earlier versions. */
  get isDeleted(): boolean {
    return this.deleted;
  }

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.scope.run(work);
  }

  /** Throws if the object was deleted meanwhile and must not continue as new. */
  async requireAlive(): Promise<void> {
    if (this.scope.consideredCancelled) await this.scope.cancelRequested;
  }
}
