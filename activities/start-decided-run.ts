/** Starts a run that a sensor has decided. Whatever Temporal refuses for good must not hold up its neighbours. */
import { isGrpcServiceError, type WorkflowClient } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { describeError, isSluiceError } from '../src/errors';
import { withoutContents } from '../workflows/joined-runs';
import type { RunStart } from '../workflows/run-start';
import { startRun } from './start-runs';

/** A run that Temporal does not take as it is becomes one without content, under the same id, for a person. */
export async function startDecidedRun(client: WorkflowClient, taskQueue: string, run: RunStart): Promise<void> {
  try {
    await startRun(client, taskQueue, run);
  } catch (error) {
    if (!isRefusedForGood(error) || run.input.contentMissing !== undefined) throw error;
    const reason = `Temporal refused the run with the content of its events: ${describeError(error)}`;
    await startRun(client, taskQueue, withoutContents(run, reason));
  }
}

/** A namespace without our search attributes refuses with the same status, and is repaired by `sluice setup`. */
function isRefusedForGood(error: unknown): boolean {
  if (isSluiceError(error)) return false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return cause.code === status.INVALID_ARGUMENT;
  }
  return false;
}
