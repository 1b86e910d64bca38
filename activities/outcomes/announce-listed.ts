/**
 * After a list of Workflows, signals the waiting runs which of their Workflows exist. A Workflow that vanished while no
 * watch was running is in no event of the watch, so its run has to look it up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { sensorRef } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';
import { listedSignal } from '../../src/contract/run-messages';
import { concurrentlyAll } from '../../src/concurrency/concurrently';

const CONCURRENT_SIGNALS = 16;
const RETRY_AFTER_MS = 2_000;
const MAX_RETRY_AFTER_MS = 60_000;

export interface AnnounceOptions {
  readonly client: Client;
  readonly sensor: ObjectName;
  /** Run → its fires whose Workflow exists. */
  readonly fires: ReadonlyMap<string, readonly string[]>;
  readonly signal: AbortSignal;
  readonly onFailed: (error: unknown) => void;
}

/** Resolves when all runs are signalled, or when `signal` aborts. Never rejects. */
export async function announceListed({ client, sensor, fires, signal, onFailed }: AnnounceOptions): Promise<void> {
  for (let pauseMs = RETRY_AFTER_MS; !signal.aborted; pauseMs = Math.min(MAX_RETRY_AFTER_MS, pauseMs * 2)) {
    try {
      await concurrentlyAll(await findIncomplete(client, sensor, fires), CONCURRENT_SIGNALS, async (runId) => {
        if (signal.aborted) return;
        try {
          await client.workflow.getHandle(runId).signal(listedSignal, fires.get(runId) ?? []);
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        }
      });
      return;
    } catch (error) {
      onFailed(error);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Finds runs that may have more fires than were listed: at most one for each pair of event and trigger. */
async function findIncomplete(
  client: Client,
  { namespace, name }: ObjectName,
  fires: AnnounceOptions['fires'],
): Promise<string[]> {
  const query = `SluiceSensor = '${sensorRef(namespace, name)}' AND SluiceState IN ('Waiting', 'Parked') AND ExecutionStatus = 'Running'`;
  const incomplete: string[] = [];
  for await (const { workflowId, searchAttributes } of client.workflow.list({ query })) {
    const most = (searchAttributes['SluiceEventIds']?.length ?? 1) * (searchAttributes['SluiceTriggers']?.length ?? 1);
    if ((fires.get(workflowId)?.length ?? 0) < most) incomplete.push(workflowId);
  }
  return incomplete;
}
