/** Builds the input of a run, so that runs of every origin look the same. Pure. */
import { eventKey } from '../event/cloud-event';
import { shortEventId, shortHash } from '../event/short-id';
import type { SensorOptions } from '../manifest/annotations';
import type { SensorDefinition } from './definitions';
import { packFires, type LoadedFire } from './packed-fires';
import type { RunOptions, SensorRunInput } from './run-messages';
import { DEFAULT_PRIORITY, mostUrgent, triggerPriority } from './priority';
import { runTriggers } from './run-trigger';
import { sensorRef, sensorRunWorkflowId } from './identity';
import { summaryLine } from '../text/summary-line';
import {
  EVENT_IDS_ATTRIBUTE,
  EVENT_SOURCE_ATTRIBUTE,
  SENSOR_ATTRIBUTE,
  STATE_ATTRIBUTE,
  TRIGGERS_ATTRIBUTE,
} from './search-attributes';
import type { TypedSearchAttributes } from '@temporalio/common';

export interface RunStart {
  readonly workflowId: string;
  readonly input: SensorRunInput;
  readonly searchAttributes: ConstructorParameters<typeof TypedSearchAttributes>[0];
  readonly summary: string;
}

/** Index of an event of a run → name of its content on the bus. */
export type StoredContents = Readonly<Record<number, string>>;

/** A run of events that the sensor held. */
export interface JoinedRun extends RunStart {
  /** The contents to fetch before the run can be started. */
  readonly stored?: StoredContents;
}

/** A search attribute's value may hold 2,048 bytes: 100 short ids and their quotes. */
const MAX_INDEXED_EVENTS = 100;

export function createRunStart(
  definition: SensorDefinition,
  fires: readonly LoadedFire[],
  extra: Pick<SensorRunInput, 'retriggerOf' | 'parkedBecause' | 'priority'> & { readonly key?: string } = {},
): RunStart {
  const { fires: packed, events } = packFires(fires);
  const keys = [...new Set(events.map(eventKey))];
  const triggers = [...new Set(fires.map((fire) => fire.trigger))];
  const sources = [...new Set(events.map((event) => event.source))].sort();
  const { namespace, name, bus, options } = definition;
  const { key, priority = mostUrgent(triggers.map((trigger) => triggerPriority(options, trigger).priority)) } = extra;
  const { retriggerOf, parkedBecause } = extra;
  return {
    workflowId: sensorRunWorkflowId(namespace, name, key ?? runKey(keys, fires)),
    input: {
      sensor: { namespace, name },
      events,
      fires: packed,
      triggers: pickTriggers(definition, triggers),
      options: runOptionsOf(options),
      bus,
      ...(retriggerOf && { retriggerOf }),
      ...(parkedBecause !== undefined && { parkedBecause }),
      ...(priority !== DEFAULT_PRIORITY && { priority }),
    },
    searchAttributes: [
      { key: SENSOR_ATTRIBUTE, value: sensorRef(namespace, name) },
      { key: EVENT_SOURCE_ATTRIBUTE, value: sources.join(',') },
      { key: TRIGGERS_ATTRIBUTE, value: triggers },
      { key: EVENT_IDS_ATTRIBUTE, value: keys.slice(0, MAX_INDEXED_EVENTS).map(shortEventId) },
      { key: STATE_ATTRIBUTE, value: 'Firing' },
    ],
    summary: summaryLine(`${triggers.join(', ')} ← ${keys.length === 1 ? (keys[0] ?? '') : `${keys.length} events`}`),
  };
}

/** The part of its sensor's options that a run needs. */
export function runOptionsOf(options: SensorOptions): RunOptions {
  const { parkForMs, followOutcome, outcomeRedis, outcomeRedisAccess, outcomeStreams } = options;
  return {
    parkForMs,
    followOutcome,
    ...(outcomeRedis !== undefined && { outcomeRedis }),
    ...(outcomeRedisAccess && { outcomeRedisAccess }),
    ...(outcomeStreams && { outcomeStreams }),
  };
}

/** One event names its run; several are named by their number and a digest of what is fired. */
export function runKey(eventKeys: readonly string[], fires: ReadonlyArray<{ readonly id: string }>): string {
  const [first = ''] = eventKeys;
  if (eventKeys.length === 1) return first;
  return `${eventKeys.length}-events-${shortHash(fires.map((fire) => fire.id).join(' '), 12)}`;
}

function pickTriggers({ spec }: SensorDefinition, names: readonly string[]): SensorRunInput['triggers'] {
  return Object.fromEntries(Object.entries(runTriggers(spec)).filter(([name]) => names.includes(name)));
}
