/**
 * Sluice's own options: `sluice.io/*` annotations on Sensor, EventSource and EventBus, so that manifests stay valid for
 * Argo Events. The tables in annotation-values.ts say what each one is.
 */
import type { z } from 'zod';
import { closestMatch } from '../text/closest-match';
import {
  EVENT_BUS_ANNOTATIONS,
  EVENT_SOURCE_ANNOTATIONS,
  FLOW_ANNOTATIONS,
  ITEM_ANNOTATIONS,
  OUTCOME_REDIS_ANNOTATIONS,
  SENSOR_ANNOTATIONS,
  type Annotation,
  type OptionAnnotation,
  type OptionsOf,
  type OutcomeStreamNames,
  type StreamStart,
  type ValuesOf,
} from './annotation-values';
import { readOutcomeRedisAccess, type OutcomeRedisAccess } from './outcome-redis';
import { Findings, describeValue, type Finding } from './problem';

export type { OutcomeRedisAccess, OutcomeStreamNames, StreamStart };

export const ANNOTATION_PREFIX = 'sluice.io/';

/** How the fires of one trigger are collected and spaced. */
export type TriggerFlow = OptionsOf<typeof FLOW_ANNOTATIONS>;

/** Which STAC items satisfy a dependency. */
export type ItemFilter = OptionsOf<typeof ITEM_ANNOTATIONS>;

/** Options of a Sensor. Plain JSON: it goes into workflow arguments. */
export interface SensorOptions extends OptionsOf<typeof SENSOR_ANNOTATIONS> {
  /** If omitted: no password and no TLS. */
  readonly outcomeRedisAccess?: OutcomeRedisAccess;
  /** For every trigger without its own settings. */
  readonly flow: TriggerFlow;
  /** Trigger name → its own settings, each replacing the one in `flow`. */
  readonly triggerFlows: Readonly<Record<string, TriggerFlow>>;
  /** By name of the dependency. */
  readonly itemFilters?: Readonly<Record<string, ItemFilter>>;
}

/** Options of an EventSource. Plain JSON. */
export type EventSourceOptions = OptionsOf<typeof EVENT_SOURCE_ANNOTATIONS>;

/** Options of an EventBus, only those that differ from the default. Plain JSON. */
export type EventBusOptions = OptionsOf<typeof EVENT_BUS_ANNOTATIONS>;

/** Names of all annotations, without the prefix: for messages, JSON Schema and the docs. */
export const ANNOTATION_NAMES = {
  Sensor: [...Object.keys(SENSOR_ANNOTATIONS), ...Object.keys(OUTCOME_REDIS_ANNOTATIONS)],
  /** May end in `.<trigger name>`. */
  SensorPerTrigger: Object.keys(FLOW_ANNOTATIONS),
  /** May end in `.<dependency name>`. */
  SensorPerDependency: Object.keys(ITEM_ANNOTATIONS),
  EventSource: Object.keys(EVENT_SOURCE_ANNOTATIONS),
  EventBus: Object.keys(EVENT_BUS_ANNOTATIONS),
} as const;

type Annotations = Readonly<Record<string, string>>;

/** Reads the options of a Sensor. An invalid option gives a finding, and its default is used. */
export function readSensorOptions(
  annotations: Annotations | undefined,
  triggerNames: readonly string[],
  dependencyNames: readonly string[] = [],
): { options: SensorOptions; findings: Finding[] } {
  const findings = new Findings();
  const remaining = ourAnnotations(annotations);
  const values = takeAnnotations(SENSOR_ANNOTATIONS, remaining, '', findings);
  const access = takeAnnotations(OUTCOME_REDIS_ANNOTATIONS, remaining, '', findings);
  const flow = takeFlow(remaining, '', findings);
  const triggerFlows: Record<string, TriggerFlow> = {};
  for (const name of triggerNames) {
    const own = takeFlow(remaining, `.${name}`, findings);
    if (Object.keys(own).length > 0) triggerFlows[name] = own;
    checkFlow({ ...flow, ...own }, `.${name}`, own, findings);
  }
  checkFlow(flow, '', flow, findings);
  const itemFilters = takeItemFilters(remaining, dependencyNames, findings);
  const known = [
    ...ANNOTATION_NAMES.Sensor,
    ...ANNOTATION_NAMES.SensorPerTrigger,
    ...ANNOTATION_NAMES.SensorPerDependency,
  ];
  refuseUnknown(remaining, known, { trigger: triggerNames, dependency: dependencyNames }, findings);
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
  for (const name of Object.keys(values['expect-every'] ?? {})) {
    if (name === '*' || dependencyNames.includes(name)) continue;
    annotation(findings, 'expect-every').error(`the Sensor has no dependency ${describeValue(name)}`, {
      expected: `one of ${dependencyNames.join(', ')}`,
      fix: 'Name a dependency, or write the duration alone for all of them.',
    });
  }
  const outcomeRedisAccess = readOutcomeRedisAccess({ ...values, ...access }, (name) => annotation(findings, name));
  const options: SensorOptions = {
    ...optionsOf(SENSOR_ANNOTATIONS, values),
    ...(outcomeRedisAccess && { outcomeRedisAccess }),
    flow,
    triggerFlows,
    ...(Object.keys(itemFilters).length > 0 && { itemFilters }),
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
  refuseUnknown(remaining, ANNOTATION_NAMES.EventSource, NO_PARTS, findings);
  if (values.hydrate !== undefined || annotations?.[`${ANNOTATION_PREFIX}hydrate`] === undefined) {
    checkHydration(values, findings);
  }
  return { options: optionsOf(EVENT_SOURCE_ANNOTATIONS, values), findings: findings.list };
}

function checkHydration(values: ValuesOf<typeof EVENT_SOURCE_ANNOTATIONS>, findings: Findings): void {
  if (values.hydrate !== undefined && values['hydrate-from'] === undefined) {
    annotation(findings, 'hydrate').error('does not say which servers links may lead to', {
      fix: 'Add sluice.io/hydrate-from, such as https://stac.example.com.',
    });
  }
  for (const name of ['hydrate-from', 'hydrate-token-secret', 'hydrate-for'] as const) {
    if (values[name] === undefined || values.hydrate !== undefined) continue;
    annotation(findings, name).error('has no meaning without sluice.io/hydrate', {
      fix: 'Add sluice.io/hydrate with auto, or with the path of the link.',
    });
  }
}

/** Reads the options of an EventBus. An invalid option gives a finding, and its default is used. */
export function readEventBusOptions(annotations: Annotations | undefined): {
  options: EventBusOptions;
  findings: Finding[];
} {
  const findings = new Findings();
  const remaining = ourAnnotations(annotations);
  const values = takeAnnotations(EVENT_BUS_ANNOTATIONS, remaining, '', findings);
  refuseUnknown(remaining, ANNOTATION_NAMES.EventBus, NO_PARTS, findings);
  return { options: optionsOf(EVENT_BUS_ANNOTATIONS, values), findings: findings.list };
}

function ourAnnotations(annotations: Annotations | undefined): Map<string, string> {
  const ours = Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(ANNOTATION_PREFIX));
  return new Map(ours.map(([name, value]) => [name.slice(ANNOTATION_PREFIX.length), value]));
}

function annotation(findings: Findings, name: string): Findings {
  return findings.at('metadata', 'annotations', ANNOTATION_PREFIX + name);
}

/** Reads and removes the annotations of one table; `suffix` is empty or `.<trigger name>`. */
function takeAnnotations<Table extends Readonly<Record<string, Annotation>>>(
  table: Table,
  remaining: Map<string, string>,
  suffix: string,
  findings: Findings,
): ValuesOf<Table> {
  const values: ValuesOf<Table> = {};
  for (const name of Object.keys(table) as Array<keyof Table & string>) {
    const text = remaining.get(name + suffix);
    const schema = table[name]?.schema;
    if (text === undefined || schema === undefined) continue;
    remaining.delete(name + suffix);
    const parsed = schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data as z.infer<Table[typeof name]['schema']>;
    else {
      annotation(findings, name + suffix).error('this value is not allowed here', {
        // A value in the wrong place here may be the password itself.
        ...(!/^(outcome-redis|hydrate-from)|-secret$/.test(name) && { found: describeValue(text) }),
        expected: parsed.error.issues[0]?.message,
      });
    }
  }
  return values;
}

function takeFlow(remaining: Map<string, string>, suffix: string, findings: Findings): TriggerFlow {
  return optionsOf(FLOW_ANNOTATIONS, takeAnnotations(FLOW_ANNOTATIONS, remaining, suffix, findings));
}

function takeItemFilters(
  remaining: Map<string, string>,
  dependencyNames: readonly string[],
  findings: Findings,
): Record<string, ItemFilter> {
  const take = (suffix: string): ItemFilter =>
    optionsOf(ITEM_ANNOTATIONS, takeAnnotations(ITEM_ANNOTATIONS, remaining, suffix, findings));
  const ofAll = take('');
  const filters: Record<string, ItemFilter> = {};
  for (const name of dependencyNames) {
    const filter = { ...ofAll, ...take(`.${name}`) };
    if (Object.keys(filter).length > 0) filters[name] = filter;
  }
  return filters;
}

/** Fills in the defaults. */
function optionsOf<Table extends Readonly<Record<string, OptionAnnotation>>>(
  table: Table,
  values: ValuesOf<Table>,
): OptionsOf<Table> {
  const options: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    const value = values[name] ?? (row.default === undefined ? undefined : row.schema.parse(row.default));
    if (value !== undefined) options[row.option] = value;
  }
  // The compiler cannot follow names through a loop; OptionsOf says the same of the same table.
  return options as OptionsOf<Table>;
}

/** `own`: the part of the effective flow that was written with this suffix, so that it is reported once. */
function checkFlow(flow: TriggerFlow, suffix: string, own: TriggerFlow, findings: Findings): void {
  if (own.concurrencyKey !== undefined && flow.concurrency === undefined) {
    annotation(findings, `concurrency-key${suffix}`).error('has no meaning without sluice.io/concurrency', {
      fix: 'Add sluice.io/concurrency with the number of fires that may be at work for one key.',
    });
  }
  if (own.priorityFrom !== undefined && (flow.batchSize ?? flow.debounceMs) !== undefined) {
    annotation(findings, `priority-from${suffix}`).error('has no meaning for a trigger that collects events', {
      fix: 'Use sluice.io/priority, which applies to every batch of the trigger.',
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

/** Names that may follow the name of an annotation. */
interface NamedParts {
  readonly trigger: readonly string[];
  readonly dependency: readonly string[];
}

const NO_PARTS: NamedParts = { trigger: [], dependency: [] };

function refuseUnknown(
  remaining: ReadonlyMap<string, string>,
  known: readonly string[],
  parts: NamedParts,
  findings: Findings,
): void {
  for (const name of remaining.keys()) {
    const [stem = name] = name.split('.');
    const here = annotation(findings, name);
    const part = stem in FLOW_ANNOTATIONS ? 'trigger' : stem in ITEM_ANNOTATIONS ? 'dependency' : undefined;
    if (stem !== name && part !== undefined && parts[part].length > 0) {
      here.error(`no ${part} is called ${name.slice(stem.length + 1)}`, {
        expected: `one of ${parts[part].join(', ')}`,
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
