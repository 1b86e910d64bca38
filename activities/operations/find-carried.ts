/** Finds the events that runs of a sensor have carried already, by trigger and dependency. */
import type { Client } from '@temporalio/client';
import { eventKey } from '../../src/event/cloud-event';
import type { ObjectName } from '../../src/contract/definitions';
import { findRunsCarrying } from '../starting/find-runs';
import { readRunInput } from '../starting/read-run-input';

const READS_AT_ONCE = 8;

export interface Carried {
  /** Of any round, with any outcome. */
  hasFire(trigger: string, dependency: string, key: string): boolean;
  /** The event satisfied this dependency in some fire. */
  hasJoined(dependency: string, key: string): boolean;
}

/** @param round of a replay's portion: its own runs do not count, so that a retry decides like the first attempt. */
export async function findCarried(
  client: Client,
  sensor: ObjectName,
  eventKeys: readonly string[],
  round: string,
): Promise<Carried> {
  const runIds = new Set<string>();
  for await (const { workflowId } of findRunsCarrying(client, sensor, eventKeys)) {
    if (!workflowId.endsWith(`~replay-${round}`)) runIds.add(workflowId);
  }
  const fires = new Set<string>();
  const joined = new Set<string>();
  const next = runIds[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let item = next.next(); !item.done; item = next.next()) {
      const input = await readRunInput(client, item.value);
      for (const { trigger, dependencies } of input.fires) {
        for (const [dependency, indexes] of Object.entries(dependencies)) {
          for (const event of indexes.flatMap((index) => input.events[index] ?? [])) {
            fires.add(JSON.stringify([trigger, dependency, eventKey(event)]));
            joined.add(JSON.stringify([dependency, eventKey(event)]));
          }
        }
      }
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, lane));
  return {
    hasFire: (trigger, dependency, key) => fires.has(JSON.stringify([trigger, dependency, key])),
    hasJoined: (dependency, key) => joined.has(JSON.stringify([dependency, key])),
  };
}
