import type { WorkflowHandle } from '@temporalio/client';
import { eventually } from '../setup/eventually';
import type { SluiceWorld } from '../workflows/sluice-world';

export interface RecordedScenario {
  readonly name: string;
  /** Plays it, hands what is worth keeping to `keep`, and ends what it started. */
  readonly play: (world: SluiceWorld, keep: (label: string, handle: WorkflowHandle) => Promise<void>) => Promise<void>;
}

/** Nudges a workflow until the server's proposal to continue as new has been taken. */
export async function untilContinued(handle: WorkflowHandle, nudge: () => Promise<unknown>): Promise<void> {
  const { runId } = await handle.describe();
  await eventually(async () => {
    if ((await handle.describe()).runId !== runId) return true;
    await nudge();
    return false;
  });
}
