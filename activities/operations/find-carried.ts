/** Finds the events that runs of a sensor have carried already, by trigger and dependency. */
import type { Client } from '@temporalio/client';
import { concurrently } from '../../src/concurrency/concurrently';
import type { ObjectName } from '../../src/contract/definitions';
import { keysOf, loadFire } from '../../src/contract/packed-fires';
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
  await concurrently([...runIds], READS_AT_ONCE, async (runId) => {
    const input = await readRunInput(client, runId);
    for (const fire of input.fires) {
      for (const [dependency, keys] of Object.entries(keysOf(loadFire(fire, input.events)))) {
        for (const key of keys) {
          fires.add(JSON.stringify([fire.trigger, dependency, key]));
          joined.add(JSON.stringify([dependency, key]));
        }
      }
    }
  });
  return {
    hasFire: (trigger, dependency, key) => fires.has(JSON.stringify([trigger, dependency, key])),
    hasJoined: (dependency, key) => joined.has(JSON.stringify([dependency, key])),
  };
}
