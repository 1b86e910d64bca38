import { isCancellation } from '@temporalio/workflow';

/** For awaiting work that the caller has just cancelled: rethrows any other error. */
export function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
