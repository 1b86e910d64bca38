/**
 * A sensor's spec, read once: which events reach which dependencies, which triggers fire on one event alone and which
 * need state. Pure; the listener and the sensor workflow both start from it.
 */
import { triggerPriority, type TriggerPriority } from '../../contract/priority';
import type { CloudEvent } from '../../event/cloud-event';
import type { ItemFilter, SensorOptions, TriggerFlow } from '../../manifest/annotations';
import type { Dependency } from '../../manifest/filters';
import type { SensorSpec, TriggerSpec } from '../../manifest/sensor';
import {
  conditionDependencies,
  defaultCondition,
  formatCondition,
  joinsDependencies,
  parseCondition,
} from '../conditions/conditions';
import type { Collecting, DependencyStateSpec, StatefulTrigger } from './dependency-state-types';

export interface SensorPlan {
  /** The events that the sensor subscribes to. */
  readonly interests: ReadonlyArray<{ readonly eventSourceName: string; readonly eventName: string }>;
  /** Dependency → triggers that fire on one event of it and need no state. */
  readonly direct: ReadonlyMap<string, readonly string[]>;
  /** Dependencies of the triggers that need state: joined, collecting or limited ones. */
  readonly joined: ReadonlySet<string>;
  /** Data paths whose values the sensor workflow needs with each observation. */
  readonly keyPaths: readonly string[];
  readonly conditions: ReadonlyMap<string, string>;
  readonly state: DependencyStateSpec;
  /** By trigger. */
  readonly priorities: ReadonlyMap<string, TriggerPriority>;
  /** By name of the dependency. */
  readonly itemFilters: Readonly<Record<string, ItemFilter>>;
  /** The dependencies that this event belongs to, in the order of the manifest. */
  dependenciesOf(event: Pick<CloudEvent, 'source' | 'subject'>): readonly Dependency[];
}

/** @throws SluiceError EXPRESSION_INVALID for a condition that does not parse. */
export function planSensor(spec: SensorSpec, options: SensorOptions): SensorPlan {
  const names = spec.dependencies.map(({ name }) => name);
  const direct = new Map<string, string[]>(names.map((name) => [name, []]));
  const joined = new Set<string>();
  const conditions = new Map<string, string>();
  const stateful: StatefulTrigger[] = [];

  for (const trigger of spec.triggers) {
    const { name, conditions: text } = trigger.template;
    const condition = text ? parseCondition(text) : defaultCondition(names);
    conditions.set(name, formatCondition(condition));
    const flow: TriggerFlow = { ...options.flow, ...options.triggerFlows[name] };
    const remembers = joinsDependencies(condition) || isLimited(flow) || collecting(flow) !== undefined;
    for (const dependency of conditionDependencies(condition)) {
      if (remembers) joined.add(dependency);
      else direct.get(dependency)?.push(name);
    }
    if (remembers) stateful.push(rememberedTrigger(trigger, flow, options));
  }

  const bySubject = new Map<string, Dependency[]>();
  for (const dependency of spec.dependencies) {
    const subject = subjectKey(dependency.eventSourceName, dependency.eventName);
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), dependency]);
  }

  return {
    interests: [...bySubject.values()].flatMap(([first]) =>
      first === undefined ? [] : [{ eventSourceName: first.eventSourceName, eventName: first.eventName }],
    ),
    direct,
    joined,
    keyPaths: [...new Set(stateful.flatMap(keyPathsOf))],
    conditions,
    state: {
      dependencies: Object.fromEntries(
        spec.dependencies.map((dependency) => [dependency.name, JSON.stringify(dependency)]),
      ),
      triggers: stateful,
    },
    priorities: new Map(spec.triggers.map(({ template }) => [template.name, triggerPriority(options, template.name)])),
    itemFilters: options.itemFilters ?? {},
    dependenciesOf: (event) => bySubject.get(subjectKey(event.source, event.subject)) ?? [],
  };
}

function rememberedTrigger(trigger: TriggerSpec, flow: TriggerFlow, options: SensorOptions): StatefulTrigger {
  const { name, conditions, conditionsReset } = trigger.template;
  const resets = (conditionsReset ?? []).flatMap(({ byTime }) => (byTime === undefined ? [] : [byTime]));
  const collect = collecting(flow);
  const { priority, from } = triggerPriority(options, name);
  return {
    name,
    ...(conditions ? { conditions } : {}),
    ...(resets.length > 0 ? { resets } : {}),
    keep: options.keep,
    ...(options.correlateBy === undefined ? {} : { correlateBy: options.correlateBy }),
    ...(options.correlateWindowMs === undefined ? {} : { windowMs: options.correlateWindowMs }),
    ...(collect === undefined ? {} : { collect }),
    ...(from === undefined ? {} : { priority: { from, otherwise: priority } }),
    ...(flow.concurrencyGroup === undefined ? {} : { group: flow.concurrencyGroup }),
    ...(flow.concurrency === undefined
      ? {}
      : {
          concurrency: {
            limit: flow.concurrency,
            ...(flow.concurrencyKey === undefined ? {} : { by: flow.concurrencyKey }),
          },
        }),
  };
}

function isLimited({ concurrency, concurrencyGroup }: TriggerFlow): boolean {
  return concurrency !== undefined || concurrencyGroup !== undefined;
}

function collecting(flow: TriggerFlow): Collecting | undefined {
  if (flow.batchSize !== undefined) {
    return {
      kind: 'batch',
      batchSize: flow.batchSize,
      ...(flow.batchWindowMs === undefined ? {} : { batchWindowMs: flow.batchWindowMs }),
    };
  }
  if (flow.debounceMs === undefined) return undefined;
  return {
    kind: 'debounce',
    debounceMs: flow.debounceMs,
    ...(flow.debounceMaxMs === undefined ? {} : { debounceMaxMs: flow.debounceMaxMs }),
  };
}

function keyPathsOf(trigger: StatefulTrigger): string[] {
  const { correlateBy, collect, concurrency, priority } = trigger;
  return [correlateBy, collect?.by, concurrency?.by, priority?.from].filter((path) => path !== undefined);
}

function subjectKey(eventSourceName: string, eventName: string): string {
  return JSON.stringify([eventSourceName, eventName]);
}
