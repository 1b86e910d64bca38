/** Generated cases for the differential test: the questions of a Sensor or EventSource to the Go libraries. */
import fc from 'fast-check';
import type { CloudEvent } from '../../src/event/cloud-event';
import { dataAttributes } from '../../src/event/event-data';
import { isJsonObject } from '../../src/event/json';
import { readKnownJson, valueOf } from '../../src/event/json-text';
import type { DependencyFilters } from '../../src/manifest/filters';
import type { TriggerParameter } from '../../src/manifest/parameters';
import { conditions } from './random-conditions';
import { cronLines, instants, timezones } from './random-cron';
import { filterSets } from './random-filters';
import { jqPrograms } from './random-jq';
import { objects, values } from './random-json';
import { luaScripts } from './random-lua';
import { parameterLists } from './random-parameters';
import { sourceFilters } from './random-source-filters';

/** Data and documents are text. */
export type DifferentialCase =
  | { readonly kind: 'transform'; readonly data: string; readonly transform: { jq?: string; script?: string } }
  | {
      readonly kind: 'filters';
      readonly data: string;
      readonly filters: DependencyFilters;
      readonly operator: 'and' | 'or' | undefined;
      readonly time: string;
    }
  | {
      readonly kind: 'parameters';
      readonly document: string;
      readonly parameters: readonly TriggerParameter[];
      readonly data: string;
    }
  | { readonly kind: 'payload'; readonly parameters: readonly TriggerParameter[]; readonly data: string }
  | {
      readonly kind: 'condition';
      readonly expression: string;
      readonly names: readonly string[];
      readonly present: readonly string[];
    }
  | {
      readonly kind: 'cron';
      readonly cron: string;
      readonly timezone: string;
      readonly times: readonly string[];
    }
  | { readonly kind: 'source'; readonly expression: string; readonly data: string };

export type CaseKind = DifferentialCase['kind'];

/** The event of a case. */
export function eventOf(data: string, time = '2026-01-02T03:04:05Z'): CloudEvent {
  const subject = 'items';
  const attributes = { specversion: '1.0', id: 'e1', source: 'stac', subject, type: 'redis' } as const;
  return { ...attributes, time, datacontenttype: 'application/json', ...dataAttributes(readKnownJson(data)) };
}

const roots = fc.oneof({ weight: 12, arbitrary: objects }, { weight: 1, arbitrary: values });
/** Argo Events reads `x-y` as `x_y`; if both exist, it picks one at random. */
function isWithoutTwins(data: string): boolean {
  const value = valueOf(readKnownJson(data));
  return !isJsonObject(value) || !Object.hasOwn(value, 'x_y') || !Object.hasOwn(value, 'x-y');
}

const operators = fc.constantFrom('and' as const, 'or' as const, undefined);

const arbitraries: { readonly [Kind in CaseKind]: fc.Arbitrary<Extract<DifferentialCase, { kind: Kind }>> } = {
  transform: fc.record({
    kind: fc.constant('transform'),
    data: roots,
    transform: fc.oneof(
      { weight: 3, arbitrary: jqPrograms.map((jq) => ({ jq })) },
      { weight: 1, arbitrary: luaScripts.map((script) => ({ script })) },
    ),
  }),
  filters: fc.record({
    kind: fc.constant('filters'),
    data: roots,
    filters: filterSets,
    operator: operators,
    time: instants,
  }),
  parameters: fc.record({
    kind: fc.constant('parameters'),
    document: objects,
    parameters: parameterLists,
    data: roots,
  }),
  payload: fc.record({ kind: fc.constant('payload'), parameters: parameterLists, data: roots }),
  condition: conditions.map((condition) => ({ kind: 'condition', ...condition })),
  cron: fc.record({
    kind: fc.constant('cron'),
    cron: cronLines,
    timezone: timezones,
    times: fc.array(instants, { minLength: 1, maxLength: 4 }),
  }),
  source: fc.record({ kind: fc.constant('source'), expression: sourceFilters, data: roots.filter(isWithoutTwins) }),
};

/** How many of twenty cases are of each kind. */
const WEIGHTS: Readonly<Record<CaseKind, number>> = {
  transform: 6,
  filters: 5,
  parameters: 4,
  payload: 1,
  condition: 1,
  cron: 1,
  source: 2,
};

const anyCase: fc.Arbitrary<DifferentialCase> = fc.oneof(
  { weight: WEIGHTS.transform, arbitrary: arbitraries.transform },
  { weight: WEIGHTS.filters, arbitrary: arbitraries.filters },
  { weight: WEIGHTS.parameters, arbitrary: arbitraries.parameters },
  { weight: WEIGHTS.payload, arbitrary: arbitraries.payload },
  { weight: WEIGHTS.condition, arbitrary: arbitraries.condition },
  { weight: WEIGHTS.cron, arbitrary: arbitraries.cron },
  { weight: WEIGHTS.source, arbitrary: arbitraries.source },
);

/** Returns the same cases for the same seed. */
export function generateCases(count: number, seed: number): DifferentialCase[] {
  return fc.sample(anyCase, { numRuns: count, seed });
}
