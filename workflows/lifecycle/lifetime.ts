/**
 * How long the workflow of an applied object lives: until `sluice delete`, which signals `delete`. A cancellation that
 * is requested otherwise, such as by "Request Cancellation" in the Temporal UI, is ignored and shown: nothing of what
 * the object holds would be cleaned up or reported.
 */
import { CancellationScope, log, patched } from '@temporalio/workflow';

/** Histories without it are of versions whose `sluice delete` requested a cancellation. */
const ONLY_DELETE_ENDS = 'only-delete-ends';

export const CANCELLATION_IGNORED = 'cancellation ignored: nothing was stopped or deleted; use `sluice delete`';

export class Lifetime {
  /** Not a child of the workflow's own scope, which stays cancelled after a cancellation that is ignored. */
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

  /** Cancels what `run` runs. */
  delete(): void {
    this.deleted = true;
    this.scope.cancel();
  }

  /** False for one that ended by a cancellation, as histories of earlier versions did. */
  get isDeleted(): boolean {
    return this.deleted;
  }

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.scope.run(work);
  }

  /** Throws if the object was deleted meanwhile: it must not continue as new. */
  async requireAlive(): Promise<void> {
    if (this.scope.consideredCancelled) await this.scope.cancelRequested;
  }
}
