/** Finds runs by the events they carry. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { toShortEventId } from '../../src/event/short-id';
import { sensorRef } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';
import { explainUnprepared } from '../../src/errors/temporal-failures';

const IDS_PER_QUERY = 50;

/**
 * Yields runs of the sensor that carry at least one of these events, named by key or short id. A run that carries many
 * of them may be yielded several times. Throws TEMPORAL_NOT_PREPARED.
 */
export async function* findRunsCarrying(
  client: Client,
  { namespace, name }: ObjectName,
  events: readonly string[],
): AsyncGenerator<WorkflowExecutionInfo, void, undefined> {
  const ids = [...new Set(events.map(toShortEventId))];
  for (let from = 0; from < ids.length; from += IDS_PER_QUERY) {
    const list = ids.slice(from, from + IDS_PER_QUERY).map((id) => `'${id}'`);
    const query = `SluiceSensor = '${sensorRef(namespace, name)}' AND SluiceEventIds IN (${list.join(', ')})`;
    try {
      yield* client.workflow.list({ query });
    } catch (error) {
      throw explainUnprepared(error);
    }
  }
}
