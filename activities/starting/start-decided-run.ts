/** Starts a run that a sensor decided. One that Temporal rejects permanently must not hold up the others. */
import type { WorkflowClient } from '@temporalio/client';
import { describeError } from '../../src/errors/sluice-error';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';
import { withoutContents } from '../../src/sandbox/sensor/joined-runs';
import type { RunStart } from '../../src/contract/run-start';
import { startRun } from './start-runs';

/** If Temporal rejects the run, starts one without content instead, under the same id, which waits for an operator. */
export async function startDecidedRun(client: WorkflowClient, taskQueue: string, run: RunStart): Promise<void> {
  try {
    await startRun(client, taskQueue, run);
  } catch (error) {
    if (classifyTemporalFailure(error).kind !== 'permanent' || run.input.contentMissing !== undefined) throw error;
    const reason = `Temporal refused the run with the content of its events: ${describeError(error)}`;
    await startRun(client, taskQueue, withoutContents(run, reason));
  }
}
