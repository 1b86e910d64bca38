/**
 * Groups fires into runs: one event source each, so that the search attribute names it, one priority each, and no more
 * than Temporal accepts. The fires of one event stay together, unless they exceed what one run can carry. Pure.
 */
import { eventKey } from '../../src/event/cloud-event';
import { shortHash } from '../../src/event/short-id';
import { tooLargeRun } from '../../src/sandbox/sensor/joined-runs';
import type { SensorDefinition } from '../../src/contract/definitions';
import { mostUrgent } from '../../src/contract/priority';
import { createRunStart, type RunStart } from '../../src/contract/run-start';
import type { DirectFire } from './direct-fire';
import { RunSize, SizeBook, type InputSize } from './run-size';

/** Limit of a run with several events: the server warns at 512 KB. */
const MAX_BYTES_TOGETHER = 400_000;
/** Limit of any run: the server rejects 2 MB (2,097,152 bytes), and the run's activities need a little more. */
const MAX_INPUT_BYTES = 1_900_000;
/** A search attribute's value may have 2,048 bytes. */
const MAX_TRIGGER_NAME_BYTES = 1_900;
/** Marks the id of a run that has only some of an event's fires. */
const PART_MARK = '~part-';

export interface PlannedRun {
  readonly run: RunStart;
  readonly fires: readonly DirectFire[];
  /** Its only fire is larger than a run can carry: it has no contents, and waits for an operator. */
  readonly isTooLarge: boolean;
}

/** Like `planRuns`, for callers that only start the runs. */
export function groupIntoRuns(definition: SensorDefinition, fires: readonly DirectFire[]): RunStart[] {
  return planRuns(definition, fires).map(({ run }) => run);
}

export function planRuns(definition: SensorDefinition, fires: readonly DirectFire[]): PlannedRun[] {
  const book = new SizeBook(definition);
  const runs: PlannedRun[] = [];
  const open = new Map<string, { readonly fires: DirectFire[]; readonly size: RunSize; events: number }>();
  const close = (key: string): void => {
    const group = open.get(key);
    if (group !== undefined) runs.push(planRun(definition, group.fires));
    open.delete(key);
  };
  for (const { source, fires: ofEvent } of firesByEvent(fires)) {
    const key = `${priorityOf(ofEvent)} ${source}`;
    if (!fits(new RunSize(book).with(ofEvent), MAX_INPUT_BYTES)) {
      runs.push(...planEvent(definition, ofEvent, book));
      continue;
    }
    const current = open.get(key);
    const isFull = current && current.events >= definition.options.runBatch;
    if (current && (isFull || !fits(current.size.with(ofEvent), MAX_BYTES_TOGETHER))) close(key);
    const group = open.get(key) ?? { fires: [], size: new RunSize(book), events: 0 };
    open.set(key, group);
    group.fires.push(...ofEvent);
    group.size.add(ofEvent);
    group.events += 1;
  }
  for (const key of [...open.keys()]) close(key);
  return runs;
}

/** Plans the runs of one event: a single run if it can carry all fires. */
export function planEvent(
  definition: SensorDefinition,
  fires: readonly DirectFire[],
  book = new SizeBook(definition),
): PlannedRun[] {
  if (fits(new RunSize(book).with(fires), MAX_INPUT_BYTES)) return [planRun(definition, fires)];
  const parts: Array<{ readonly fires: DirectFire[]; readonly size: RunSize }> = [];
  for (const fire of fires) {
    const latest = parts.at(-1);
    const part = latest && fits(latest.size.with([fire]), MAX_INPUT_BYTES) ? latest : undefined;
    const current = part ?? { fires: [], size: new RunSize(book) };
    if (part === undefined) parts.push(current);
    current.fires.push(fire);
    current.size.add([fire]);
  }
  return parts.map((part) => {
    const planned = planPart(definition, part.fires);
    const { bytes } = part.size.with([]);
    return bytes > MAX_INPUT_BYTES ? parkTooLarge(planned, bytes) : planned;
  });
}

/** Plans a run with some fires of one event; other runs carry the rest. */
export function planPart(definition: SensorDefinition, fires: readonly DirectFire[]): PlannedRun {
  const [first] = fires;
  const name = first === undefined ? '' : eventKey(first.event);
  return planRun(definition, fires, `${name}${PART_MARK}${shortHash(fires.map(({ id }) => id).join(' '), 8)}`);
}

export function parkTooLarge({ run, fires }: PlannedRun, bytes: number): PlannedRun {
  return { run: tooLargeRun(run, bytes), fires, isTooLarge: true };
}

/** Returns true if the run carries only some of the event's fires, so that it proves nothing about the others. */
export function isPartOfEvent(workflowId: string): boolean {
  return workflowId.includes(PART_MARK);
}

/** Groups fires by event, in the order of their first fires. */
export function firesByEvent(
  fires: readonly DirectFire[],
): ReadonlyArray<{ readonly source: string; readonly fires: readonly DirectFire[] }> {
  const byEvent = new Map<string, { readonly source: string; readonly fires: DirectFire[] }>();
  for (const fire of fires) {
    const key = eventKey(fire.event);
    const known = byEvent.get(key) ?? { source: fire.event.source, fires: [] };
    known.fires.push(fire);
    byEvent.set(key, known);
  }
  return [...byEvent.values()];
}

function planRun(definition: SensorDefinition, fires: readonly DirectFire[], key?: string): PlannedRun {
  const loaded = fires.map(({ id, trigger, dependency, event }) => ({
    ...{ id, trigger },
    dependencies: { [dependency]: [event] },
  }));
  const priority = priorityOf(fires);
  const run = createRunStart(definition, loaded, { priority, ...(key !== undefined && { key }) });
  return { run, fires, isTooLarge: false };
}

function priorityOf(fires: readonly DirectFire[]): number {
  return mostUrgent(fires.map(({ priority }) => priority));
}

function fits({ bytes, triggerNameBytes }: InputSize, maxBytes: number): boolean {
  return bytes <= maxBytes && triggerNameBytes <= MAX_TRIGGER_NAME_BYTES;
}
