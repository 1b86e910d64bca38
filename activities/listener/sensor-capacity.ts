/**
 * Back-pressure of a sensor that limits how many fires run at a time: a listener pulls no more events than the sensor
 * has capacity for, and the bus keeps the rest. Read by query, which leaves no trace in the sensor's history.
 */
import type { Client } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';
import type { SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';
import { sensorCapacityQuery, sensorStatusQuery, type SensorGroup } from '../../src/contract/sensor-messages';

const ASK_AGAIN_AFTER_MS = 1_000;

export class SensorCapacity {
  /** Granted by the sensor and not yet taken. */
  private granted = 0;
  /** Taken, and not yet known to the sensor. */
  private inFlight = 0;
  private asking: Promise<void> | undefined;
  private wakeUps: Array<() => void> = [];

  /** `ask` returns how many more events the sensor accepts, and throws if the sensor does not respond. */
  constructor(private readonly ask: () => Promise<number>) {}

  /**
   * Waits for capacity for at least one event, then takes as much as there is, up to `most`; returns 0 when the signal
   * aborts. Report the taken capacity to `settle` afterwards.
   */
  async take(most: number, signal: AbortSignal): Promise<number> {
    while (this.granted <= 0) {
      if (signal.aborted) return 0;
      this.asking ??= this.askOnce(signal).finally(() => {
        this.asking = undefined;
      });
      await this.asking;
    }
    const taken = Math.min(most, this.granted);
    this.granted -= taken;
    this.inFlight += taken;
    return taken;
  }

  /** Call when the sensor knows the events, or they were nacked. `unused`: capacity that was not needed. */
  settle(taken: number, unused = 0): void {
    this.inFlight -= taken;
    this.granted += unused;
    for (const wakeUp of this.wakeUps.splice(0)) wakeUp();
  }

  private async askOnce(signal: AbortSignal): Promise<void> {
    // No worker for the sensor, or Temporal is unavailable: the sensor accepts nothing now.
    const capacity = await this.ask().catch(() => 0);
    this.granted = Math.max(0, capacity - this.inFlight);
    if (this.granted > 0) return;
    if (capacity > 0) await new Promise<void>((resolve) => this.wakeUps.push(resolve));
    else await delay(ASK_AGAIN_AFTER_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Only a sensor with limited triggers ever holds back. */
export function mayHoldBack(plan: SensorPlan): boolean {
  return plan.state.triggers.some(({ concurrency, group }) => (concurrency ?? group) !== undefined);
}

export function isInGroup(plan: SensorPlan): boolean {
  return plan.state.triggers.some(({ group }) => group !== undefined);
}

/** Returns the sensor's part in its concurrency groups. */
export async function queryGroups(client: Client, { namespace, name }: ObjectName): Promise<readonly SensorGroup[]> {
  return (await client.workflow.getHandle(sensorWorkflowId(namespace, name)).query(sensorStatusQuery)).groups ?? [];
}

/** Returns the sensor's capacity, which all its listeners share. */
export async function queryCapacity(client: Client, { namespace, name }: ObjectName): Promise<number> {
  return await client.workflow.getHandle(sensorWorkflowId(namespace, name)).query(sensorCapacityQuery);
}

/** Waits for capacity, up to `patienceMs`; returns false if there is none by then. */
export async function hasCapacityWithin(
  patienceMs: number,
  client: Client,
  sensor: ObjectName,
  signal: AbortSignal,
): Promise<boolean> {
  const giveUpAt = Date.now() + patienceMs;
  while ((await queryCapacity(client, sensor)) <= 0) {
    if (Date.now() >= giveUpAt) return false;
    await delay(ASK_AGAIN_AFTER_MS, undefined, { signal });
  }
  return true;
}
