/**
 * Sluice's own options: `sluice.io/*` annotations on Sensor, EventSource and EventBus, so that manifests stay valid for
 * Argo Events.
 *
 * The tables in annotation-values.ts are the only description of their legal values.
 */
import type { z } from 'zod';
import { closestMatch } from '../text/closest-match';
import {
  EVENT_BUS_ANNOTATIONS,
  EVENT_SOURCE_ANNOTATIONS,
  FLOW_ANNOTATIONS,
  SENSOR_ANNOTATIONS,
  type OutcomeStreams,
  type StartFrom,
  type StreamStart,
} from './annotation-values';
import type { MaskedHeaders } from './masked-headers';
import { readOutcomeRedisAccess, type OutcomeRedisAccess } from './outcome-redis';
import { Findings, describeValue, type Finding } from './problem';

export type { OutcomeRedisAccess, OutcomeStreams, StartFrom, StreamStart };

export const ANNOTATION_PREFIX = 'sluice.io/';

/** How the fires of one trigger are collected and spaced. */
export interface TriggerFlow {
  /** Concurrent fires, per key of `concurrencyKey`, or in total without one. */
  readonly concurrency?: number;
  /** Data path (gjson). */
  readonly concurrencyKey?: string;
  /** Fire only after this long without a further event. */
  readonly debounceMs?: number;
  /** Longest time from the first event to the fire. */
  readonly debounceMaxMs?: number;
  /** Fire once for this many events. */
  readonly batchSize?: number;
  /** Fire an incomplete batch this long after its first event. */
  readonly batchWindowMs?: number;
}

/** Options of a Sensor. Plain JSON: it goes into workflow arguments. */
export interface SensorOptions {
  /** `listen` activities over the same consumer; default 1. */
  readonly listeners: number;
  /** Fires that one run carries at most; default 100. */
  readonly runBatch: number;
  readonly startFrom: StartFrom;
  /** With several dependencies: the latest event of each, or every event in turn. */
  readonly keep: 'latest' | 'all';
  /** Data path (gjson): only events with the same value are joined. */
  readonly correlateBy?: string;
  /** Half a pair older than this is parked. Only with `correlateBy`. */
  readonly correlateWindowMs?: number;
  /** How long a parked run waits for an operator; default seven days. */
  readonly parkForMs: number;
  readonly decisions: 'all' | 'problems' | 'off';
  /** Whether runs wait for the outcome of the Argo Workflow; default true. */
  readonly followOutcome: boolean;
  /** host:port of the Redis to which outcomes are written. */
  readonly outcomeRedis?: string;
  /** If omitted: no password and no TLS. */
  readonly outcomeRedisAccess?: OutcomeRedisAccess;
  readonly outcomeStreams?: OutcomeStreams;
  /** For every trigger without its own settings. */
  readonly flow: TriggerFlow;
  /** Trigger name → its own settings, each replacing the one in `flow`. */
  readonly triggerFlows: Readonly<Record<string, TriggerFlow>>;
}

/** Options of an EventSource. Plain JSON. */
export interface EventSourceOptions {
  /** Redis streams only: where a new consumer group starts; default all. */
  readonly startFrom: StreamStart;
  /** Events that were read and are not yet acknowledged, per event name; default 1000. */
  readonly maxInFlight: number;
  /** Data path (gjson) whose value is the event's id, instead of the derived one. */
  readonly idFrom?: string;
  /** Webhooks only; default: the list in docs/sources/webhook.md. */
  readonly maskedHeaders?: MaskedHeaders;
}

/** Options of an EventBus, only those that differ from the default. Plain JSON. */
export interface EventBusOptions {
  /** Other namespaces whose events sensors of this bus accept; `*`: all. */
  readonly acceptNamespaces?: readonly string[];
  readonly retention?: 'until-handled';
  readonly stream?: 'argo-events' | 'own';
}

/** Names of all annotations, without the prefix: for messages, JSON Schema and the docs. */
export const ANNOTATION_NAMES = {
  Sensor: Object.keys(SENSOR_ANNOTATIONS),
  /** May end in `.<trigger name>`. */
  SensorPerTrigger: Object.keys(FLOW_ANNOTATIONS),
  EventSource: Object.keys(EVENT_SOURCE_ANNOTATIONS),
  EventBus: Object.keys(EVENT_BUS_ANNOTATIONS),
} as const;

type Annotations = Readonly<Record<string, string>>;
type Read<Table extends Record<string, z.ZodType>> = { [Name in keyof Table]?: z.infer<Table[Name]> };

/** Reads the options of a Sensor. An invalid option gives a finding, and its default is used. */
export function readSensorOptions(
  annotations: Annotations | undefined,
  triggerNames: readonly string[],
): { options: SensorOptions; findings: Finding[] } {
  const findings = new Findings();
  const remaining = ourAnnotations(annotations);
  const values = takeAnnotations(SENSOR_ANNOTATIONS, remaining, '', findings);
  const flow = takeFlow(remaining, '', findings);
  const triggerFlows: Record<string, TriggerFlow> = {};
  for (const name of triggerNames) {
    const own = takeFlow(remaining, `.${name}`, findings);
    if (Object.keys(own).length > 0) triggerFlows[name] = own;
    checkFlow({ ...flow, ...own }, `.${name}`, own, findings);
  }
  checkFlow(flow, '', flow, findings);
  refuseUnknown(remaining, [...ANNOTATION_NAMES.Sensor, ...ANNOTATION_NAMES.SensorPerTrigger], triggerNames, findings);
  if (values['correlate-window'] !== undefined && values['correlate-by'] === undefined) {
    annotation(findings, 'correlate-window').error('has no meaning without sluice.io/correlate-by', {
      fix: 'Add sluice.io/correlate-by with the data path whose value must be the same.',
    });
  }
  if (values['outcome-streams'] !== undefined && values['outcome-redis'] === undefined) {
    annotation(findings, 'outcome-streams').error('does not say which Redis', {
      fix: 'Add sluice.io/outcome-redis with host:port.',
    });
  }
  const outcomeRedisAccess = readOutcomeRedisAccess(values, (name) => annotation(findings, name));
  const options: SensorOptions = {
    listeners: values.listeners ?? 1,
    runBatch: values['run-batch'] ?? 100,
    startFrom: values['start-from'] ?? { kind: 'new' },
    keep: values.keep ?? 'latest',
    ...(values['correlate-by'] !== undefined && { correlateBy: values['correlate-by'] }),
    ...(values['correlate-window'] !== undefined && { correlateWindowMs: values['correlate-window'] }),
    parkForMs: values['park-for'] ?? 7 * 24 * 3_600_000,
    decisions: values.decisions ?? 'all',
    followOutcome: values['follow-outcome'] ?? true,
    ...(values['outcome-redis'] !== undefined && { outcomeRedis: values['outcome-redis'] }),
    ...(outcomeRedisAccess && { outcomeRedisAccess }),
    ...(values['outcome-streams'] !== undefined && { outcomeStreams: values['outcome-streams'] }),
    flow,
    triggerFlows,
  };
  return { options, findings: findings.list };
}

/** Reads the options of an EventSource. An invalid option gives a finding, and its default is used. */
export function readEventSourceOptions(annotations: Annotations | undefined): {
  options: EventSourceOptions;
  findings: Finding[];
} {
  const findings = new Findings();
  const remaining = ourAnnotations(annotations);
  const values = takeAnnotations(EVENT_SOURCE_ANNOTATIONS, remaining, '', findings);
  refuseUnknown(remaining, ANNOTATION_NAMES.EventSource, [], findings);
  const options: EventSourceOptions = {
    startFrom: values['start-from'] ?? { kind: 'all' },
    maxInFlight: values['max-in-flight'] ?? 1000,
    ...(values['id-from'] !== undefined && { idFrom: values['id-from'] }),
    ...(values['masked-headers'] !== undefined && { maskedHeaders: values['masked-headers'] }),
  };
  return { options, findings: findings.list };
}

/** Reads the options of an EventBus. An invalid option gives a finding, and its default is used. */
export function readEventBusOptions(annotations: Annotations | undefined): {
  options: EventBusOptions;
  findings: Finding[];
} {
  const findings = new Findings();
  const remaining = ourAnnotations(annotations);
  const values = takeAnnotations(EVENT_BUS_ANNOTATIONS, remaining, '', findings);
  refuseUnknown(remaining, ANNOTATION_NAMES.EventBus, [], findings);
  const { retention, stream, 'accept-namespaces': acceptNamespaces } = values;
  const options = {
    ...(retention === 'until-handled' && { retention }),
    ...(acceptNamespaces !== undefined && { acceptNamespaces }),
    ...(stream !== undefined && { stream }),
  };
  return { options, findings: findings.list };
}

function ourAnnotations(annotations: Annotations | undefined): Map<string, string> {
  const ours = Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(ANNOTATION_PREFIX));
  return new Map(ours.map(([name, value]) => [name.slice(ANNOTATION_PREFIX.length), value]));
}

function annotation(findings: Findings, name: string): Findings {
  return findings.at('metadata', 'annotations', ANNOTATION_PREFIX + name);
}

/** Reads and removes the annotations of one table; `suffix` is empty or `.<trigger name>`. */
function takeAnnotations<Table extends Record<string, z.ZodType>>(
  table: Table,
  remaining: Map<string, string>,
  suffix: string,
  findings: Findings,
): Read<Table> {
  const values: Read<Table> = {};
  for (const name of Object.keys(table) as Array<keyof Table & string>) {
    const text = remaining.get(name + suffix);
    const schema = table[name];
    if (text === undefined || schema === undefined) continue;
    remaining.delete(name + suffix);
    const parsed = schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data as z.infer<Table[typeof name]>;
    else {
      annotation(findings, name + suffix).error('this value is not allowed here', {
        // A value in the wrong place here may be the password itself.
        ...(!name.startsWith('outcome-redis') && { found: describeValue(text) }),
        expected: parsed.error.issues[0]?.message,
      });
    }
  }
  return values;
}

function takeFlow(remaining: Map<string, string>, suffix: string, findings: Findings): TriggerFlow {
  const values = takeAnnotations(FLOW_ANNOTATIONS, remaining, suffix, findings);
  return {
    ...(values.concurrency !== undefined && { concurrency: values.concurrency }),
    ...(values['concurrency-key'] !== undefined && { concurrencyKey: values['concurrency-key'] }),
    ...(values.debounce !== undefined && { debounceMs: values.debounce }),
    ...(values['debounce-max'] !== undefined && { debounceMaxMs: values['debounce-max'] }),
    ...(values['batch-size'] !== undefined && { batchSize: values['batch-size'] }),
    ...(values['batch-window'] !== undefined && { batchWindowMs: values['batch-window'] }),
  };
}

/** `own`: the part of the effective flow that was written with this suffix, so that it is reported once. */
function checkFlow(flow: TriggerFlow, suffix: string, own: TriggerFlow, findings: Findings): void {
  if (own.concurrencyKey !== undefined && flow.concurrency === undefined) {
    annotation(findings, `concurrency-key${suffix}`).error('has no meaning without sluice.io/concurrency', {
      fix: 'Add sluice.io/concurrency with the number of fires that may be at work for one key.',
    });
  }
  if (own.debounceMaxMs !== undefined && flow.debounceMs === undefined) {
    annotation(findings, `debounce-max${suffix}`).error('has no meaning without sluice.io/debounce', {
      fix: 'Add sluice.io/debounce with the quiet time to wait for.',
    });
  }
  if (
    (own.debounceMaxMs ?? own.debounceMs) !== undefined &&
    flow.debounceMs !== undefined &&
    flow.debounceMaxMs !== undefined &&
    flow.debounceMaxMs < flow.debounceMs
  ) {
    annotation(findings, `debounce-max${suffix}`).error('is shorter than sluice.io/debounce', {
      fix: 'Give it a longer duration, or remove it.',
    });
  }
}

function refuseUnknown(
  remaining: ReadonlyMap<string, string>,
  known: readonly string[],
  triggerNames: readonly string[],
  findings: Findings,
): void {
  for (const name of remaining.keys()) {
    const [stem = name] = name.split('.');
    const here = annotation(findings, name);
    if (stem !== name && stem in FLOW_ANNOTATIONS && triggerNames.length > 0) {
      here.error(`no trigger is called ${name.slice(stem.length + 1)}`, {
        expected: `one of ${triggerNames.join(', ')}`,
      });
      continue;
    }
    const meant = closestMatch(stem, known);
    here.error(known.length === 0 ? 'this kind of object has no sluice.io annotations' : 'unknown annotation', {
      ...(known.length > 0 && { expected: `one of ${known.map((item) => ANNOTATION_PREFIX + item).join(', ')}` }),
      fix: meant === undefined ? 'Remove it.' : `Did you mean ${ANNOTATION_PREFIX}${meant}?`,
    });
  }
}
