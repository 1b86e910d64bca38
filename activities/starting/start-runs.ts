/** Starts the runs of fires that one event decided alone: exactly once, however often the bus delivers the event. */
import type { Client, WorkflowClient } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { describeError, type ErrorCode } from '../../src/errors/sluice-error';
import { describeObject } from '../../src/kubernetes/kubernetes-object';
import { shortEventId } from '../../src/event/short-id';
import { classifyTemporalFailure, explainUnprepared } from '../../src/errors/temporal-failures';
import type { ObjectName, SensorDefinition } from '../../src/contract/definitions';
import { WORKFLOW_TYPES } from '../../src/contract/identity';
import type { FireResult } from '../../src/contract/fires';
import type { RunStart } from '../../src/contract/run-start';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { findRunsCarrying } from './find-runs';
import { firesByEvent, isPartOfEvent, planEvent, planPart, parkTooLarge } from './group-into-runs';
import type { PlannedRun } from './group-into-runs';
import { boundPriority } from '../worker/priority-bound';

/** Result of starting one fire. */
export type FireStart =
  | { readonly kind: 'started'; readonly runId: string }
  /** The run existed before. */
  | { readonly kind: 'known'; readonly runId: string }
  /** Rejected permanently. With `runId`, a parked run shows it too. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string; readonly runId?: string }
  /** Worth a retry. `isOutage`: no run can be started now. */
  | { readonly kind: 'postponed'; readonly isOutage: boolean; readonly error: unknown };

/** Returns false if the same run was started before. Eager: this worker gets the first task with the response. */
export async function startRun(client: WorkflowClient, taskQueue: string, run: RunStart): Promise<boolean> {
  const { sensor, priority } = run.input;
  try {
    await client.start<(input: SensorRunInput) => Promise<unknown>>(WORKFLOW_TYPES.sensorRun, {
      workflowId: run.workflowId,
      taskQueue,
      args: [run.input],
      typedSearchAttributes: new TypedSearchAttributes(run.searchAttributes),
      staticSummary: run.summary,
      requestEagerStart: true,
      // Where they are enabled: urgent tasks first, and one tenant's backlog does not delay another's events.
      priority: {
        fairnessKey: sensor.namespace,
        ...(priority !== undefined && { priorityKey: boundPriority(priority) }),
      },
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw explainUnprepared(error);
  }
}

/**
 * Starts each of these runs separately: one that Temporal rejects does not delay the others, and is split until only
 * fires that cannot be started remain. Returns the starts by fire id. `adapt` changes a run before it is sent.
 */
export async function startPlanned(
  client: WorkflowClient,
  taskQueue: string,
  definition: SensorDefinition,
  runs: readonly PlannedRun[],
  adapt: (run: RunStart) => RunStart = (run) => run,
): Promise<ReadonlyMap<string, FireStart>> {
  const starts = new Map<string, FireStart>();
  const note = ({ fires: carried }: PlannedRun, start: FireStart): void => {
    for (const { id } of carried) starts.set(id, start);
  };
  const start = async (planned: PlannedRun): Promise<void> => {
    const run = adapt(planned.run);
    const { workflowId: runId } = run;
    try {
      const isNew = await startRun(client, taskQueue, run);
      if (planned.isTooLarge && !isFired(run)) note(planned, refuseTooLarge(run));
      else note(planned, { kind: isNew ? 'started' : 'known', runId });
    } catch (error) {
      const failure = classifyTemporalFailure(error);
      if (failure.kind !== 'permanent') {
        const isOutage = failure.kind === 'configuration' || failure.isOutage;
        note(planned, { kind: 'postponed', isOutage, error: failure.error });
        return;
      }
      const smaller = cutSmaller(definition, planned, failure.isTooLarge);
      if (smaller.length > 0) await Promise.all(smaller.map(start));
      else
        note(planned, { kind: 'refused', code: 'RUN_REFUSED', reason: `${describeError(error)}${describeMade(run)}` });
    }
  };
  await Promise.all(runs.map(start));
  return starts;
}

/** Splits a run that Temporal rejected permanently into runs that may still start; none for a single fire. */
function cutSmaller(definition: SensorDefinition, planned: PlannedRun, isTooLarge: boolean): PlannedRun[] {
  const events = firesByEvent(planned.fires);
  if (events.length > 1) return events.flatMap(({ fires }) => planEvent(definition, fires));
  if (planned.fires.length > 1) return planned.fires.map((fire) => planPart(definition, [fire]));
  if (!isTooLarge || planned.isTooLarge) return [];
  return [parkTooLarge(planned, JSON.stringify(planned.run.input).length)];
}

/** Returns true if the listener's attempts succeeded for all fires of the run, or may still do so. */
function isFired({ input }: RunStart): boolean {
  const { attempts = [], underWay = [] } = input.listenerAttempts ?? {};
  const fired = new Set(
    [...attempts.filter(({ result }) => result !== undefined), ...underWay].map(({ fireId }) => fireId),
  );
  return input.fires.every(({ id }) => fired.has(id));
}

function describeMade({ input }: RunStart): string {
  const { attempts = [], underWay = [] } = input.listenerAttempts ?? {};
  const made = attempts.flatMap(({ result }) => (result === undefined ? [] : [describeResult(result)]));
  const begun = underWay.length === 0 ? [] : [`${underWay.length} requests whose responses it awaits`];
  const all = [...made, ...begun];
  return all.length === 0 ? '' : `; the listener had made ${all.join(', ')} before`;
}

function describeResult(result: FireResult): string {
  switch (result.kind) {
    case 'object':
      return describeObject(result.object);
    case 'response':
      return `a request (${result.summary})`;
  }
}

function refuseTooLarge({ workflowId, input }: RunStart): FireStart {
  const reason = `${input.parkedBecause ?? ''}; the run is parked without them`;
  return { kind: 'refused', code: 'BUS_EVENT_TOO_LARGE', reason, runId: workflowId };
}

/** Names a fire by the fields that visibility has. */
export function startedFireKey(eventKeyOfFire: string, trigger: string): string {
  return `${trigger} ${eventKeyOfFire}`;
}

/**
 * Finds which runs of the sensor already carry these events for which triggers: `startedFireKey` → run. Queried only
 * for redelivered events: they may have been part of a batch whose ack was lost.
 */
export async function findStartedFires(
  client: Client,
  sensor: ObjectName,
  eventKeys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const started = new Map<string, string>();
  const byShortId = new Map(eventKeys.map((key) => [shortEventId(key), key]));
  for await (const { workflowId, searchAttributes } of findRunsCarrying(client, sensor, eventKeys)) {
    // Its own id detects a duplicate, and it may lack fires of the same trigger by another dependency.
    if (isPartOfEvent(workflowId)) continue;
    const triggers = searchAttributes?.['SluiceTriggers'] ?? [];
    for (const id of searchAttributes?.['SluiceEventIds'] ?? []) {
      const key = byShortId.get(String(id));
      if (key === undefined) continue;
      for (const trigger of triggers) started.set(startedFireKey(key, String(trigger)), workflowId);
    }
  }
  return started;
}
