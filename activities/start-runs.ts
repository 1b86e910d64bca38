/** Starts the runs of fires that one event decided alone: exactly once, however often the bus delivers the event. */
import type { Client, WorkflowClient } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { eventKey } from '../src/event/cloud-event';
import { shortEventId } from '../src/event/short-id';
import type { ObjectName, SensorDefinition } from '../workflows/messages';
import { WORKFLOW_TYPES } from '../workflows/identity';
import { createRunStart, type LoadedFire, type RunStart } from '../workflows/run-start';
import type { sensorRun } from '../workflows/sensor-run';
import type { DirectFire } from './decide-fires';
import { findRunsCarrying } from './find-runs';
import { explainUnprepared } from './unprepared-namespace';

/** Bytes of event data in one run: the server warns at 512 KB and refuses at 2 MB. */
const MAX_RUN_BYTES = 400_000;

export interface StartableFire extends DirectFire {
  /** How many bytes the event takes, roughly. */
  readonly bytes: number;
}

/**
 * Cuts fires into runs: one event source each, so that the search attribute names it, and few enough events and bytes.
 * The fires of one event stay together.
 */
export function groupIntoRuns(definition: SensorDefinition, fires: readonly StartableFire[]): RunStart[] {
  const open = new Map<string, { fires: LoadedFire[]; events: Set<string>; bytes: number }>();
  const runs: RunStart[] = [];
  const close = (source: string): void => {
    const group = open.get(source);
    if (group !== undefined) runs.push(createRunStart(definition, group.fires));
    open.delete(source);
  };
  for (const { id, trigger, dependency, event, bytes } of fires) {
    const key = eventKey(event);
    const current = open.get(event.source);
    const isNew = !current?.events.has(key);
    if (
      current &&
      isNew &&
      (current.events.size >= definition.options.runBatch || current.bytes + bytes > MAX_RUN_BYTES)
    ) {
      close(event.source);
    }
    const group = open.get(event.source) ?? { fires: [], events: new Set<string>(), bytes: 0 };
    open.set(event.source, group);
    group.fires.push({ id, trigger, dependencies: { [dependency]: [event] } });
    group.bytes += isNew ? bytes : 0;
    group.events.add(key);
  }
  for (const source of [...open.keys()]) close(source);
  return runs;
}

/** `false`: the same run had been started before. Eager: this worker gets the first task with the answer. */
export async function startRun(client: WorkflowClient, taskQueue: string, run: RunStart): Promise<boolean> {
  try {
    await client.start<typeof sensorRun>(WORKFLOW_TYPES.sensorRun, {
      workflowId: run.workflowId,
      taskQueue,
      args: [run.input],
      typedSearchAttributes: new TypedSearchAttributes(run.searchAttributes),
      staticSummary: run.summary,
      requestEagerStart: true,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw explainUnprepared(error);
  }
}

/** Names a fire by what visibility knows of it. */
export function startedFireKey(eventKeyOfFire: string, trigger: string): string {
  return `${trigger} ${eventKeyOfFire}`;
}

/**
 * Which of these events a run of the sensor already carries for which trigger, as `startedFireKey`s. Asked only for
 * events that the bus delivers again: they may have been part of a batch whose acknowledgement was lost.
 */
export async function findStartedFires(
  client: Client,
  sensor: ObjectName,
  eventKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  const started = new Set<string>();
  const byShortId = new Map(eventKeys.map((key) => [shortEventId(key), key]));
  for await (const { searchAttributes } of findRunsCarrying(client, sensor, eventKeys)) {
    const triggers = searchAttributes?.['SluiceTriggers'] ?? [];
    for (const id of searchAttributes?.['SluiceEventIds'] ?? []) {
      const key = byShortId.get(String(id));
      if (key === undefined) continue;
      for (const trigger of triggers) started.add(startedFireKey(key, String(trigger)));
    }
  }
  return started;
}
