import { isCancellation } from '@temporalio/workflow';

/** For awaiting what one has just cancelled: any other error goes on. */
export function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
