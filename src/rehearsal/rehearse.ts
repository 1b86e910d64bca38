/**
 * Passes events through a sensor as its listener and workflow would, without either: the same evaluation, the same
 * dependency state, the same runs. Time is taken from the events.
 */
import { decideFires } from '../../activities/listener/decide-fires';
import { groupIntoRuns } from '../../activities/starting/group-into-runs';
import type { SensorDefinition } from '../contract/definitions';
import type { RunStart } from '../contract/run-start';
import type { SensorEffects } from '../sandbox/sensor/sensor-effects';
import { SensorMemory } from '../sandbox/sensor/sensor-memory';
import { eventPath } from '../bus/event-path';
import { toWorkingCopy } from '../yaml/exact-numbers';
import { explainDependency, type DependencyTrace } from '../matching/evaluate-dependencies';
import type { ExpressionEngine } from '../expressions/engine';
import { planSensor, type SensorPlan } from '../sandbox/sensor/sensor-plan';
import type { PreviewRun } from './preview-run';
import type { TestEvent } from './read-events';
import {
  allFires,
  type Consequences,
  type Rehearsal,
  type RehearsedDependency,
  type RehearsedEvent,
} from './rehearsal';

export interface RehearseOptions {
  readonly engine: ExpressionEngine;
  readonly previewRun: PreviewRun;
  /** How long to wait after the last event for batches, silence and windows; milliseconds. */
  readonly waitMs: number;
}

/** Events pass one after the other, in the given order; every fire ends before the next one starts. */
export async function rehearse(
  applied: SensorDefinition,
  events: readonly TestEvent[],
  options: RehearseOptions,
): Promise<Rehearsal> {
  // The user wants all decisions here, whatever the sensor records in production.
  const definition = { ...applied, options: { ...applied.options, decisions: 'all' as const } };
  const plan = planSensor(definition.spec, definition.options);
  let now = timeOf(events[0], 0);
  const memory = new SensorMemory(definition, undefined, now);
  const rehearsed: RehearsedEvent[] = [];
  for (const item of events) {
    now = timeOf(item, now);
    rehearsed.push(await rehearseEvent(item, now, { definition, plan, memory, ...options }));
  }
  const later = settle(memory, memory.advance(now + options.waitMs));
  const found = {
    sensor: { namespace: definition.namespace, name: definition.name },
    events: rehearsed,
    afterwards: await consequencesOf(options.waitMs > 0 ? later : [], [], options.previewRun),
    triggers: [],
  };
  return { ...found, triggers: standings(plan, memory, found) };
}

interface Stage extends RehearseOptions {
  readonly definition: SensorDefinition;
  readonly plan: SensorPlan;
  readonly memory: SensorMemory;
}

async function rehearseEvent(item: TestEvent, now: number, stage: Stage): Promise<RehearsedEvent> {
  const { origin, event } = item;
  const { definition, plan, memory, engine } = stage;
  const traces: DependencyTrace[] = [];
  for (const dependency of plan.dependenciesOf(event)) {
    traces.push(await explainDependency(event, dependency, engine, plan.itemFilters[dependency.name]));
  }
  const incoming = { event, subject: eventPath(event.source, event.subject), sequence: 0 };
  const [decision] = await decideFires(definition, plan, [incoming], engine, () => now);
  const direct = decision?.fires ?? [];
  const news = [
    ...settle(memory, memory.advance(now)),
    ...settle(memory, memory.observe(decision?.observations ?? [])),
  ];
  const { id, source, subject, time } = event;
  return {
    ...{ origin, id, source, subject, time },
    dependencies: traces.map(toDependency),
    ...(await consequencesOf(news, groupIntoRuns(definition, direct), stage.previewRun)),
  };
}

/** Completes the fires, which may let the next in line fire; a concurrency group has places for all of them. */
function settle(memory: SensorMemory, first: SensorEffects): SensorEffects[] {
  const all = [first];
  for (let next = [first]; next.length > 0; all.push(...next)) {
    const runs = next.flatMap((effects) => effects.runs);
    const tickets = runs.flatMap(({ input }) => input.fires.flatMap(({ ticket }) => ticket ?? []));
    const asking = memory.takeShares().filter(({ asked }) => asked.length > 0);
    next = [
      ...(tickets.length > 0 ? [memory.finish(tickets)] : []),
      ...asking.map(({ group, asked }) => memory.takePlaces({ group, epoch: '', given: asked, lost: [] })),
    ];
  }
  return all;
}

async function consequencesOf(
  news: readonly SensorEffects[],
  direct: readonly RunStart[],
  previewRun: PreviewRun,
): Promise<Consequences> {
  const runs = [...direct, ...news.flatMap((each) => each.runs)];
  const previews = await Promise.all(runs.map(previewRun));
  return {
    fires: previews.flatMap(({ fires }) => fires),
    parked: previews.flatMap(({ parked }) => parked),
    notes: news
      .flatMap(({ records }) => records)
      .filter(({ decision }) => decision !== 'fired')
      .map(({ decision, eventId, dependency, triggers = [], reason = '' }) => ({
        ...{ decision, eventId, triggers, reason },
        ...(dependency !== undefined && { dependency }),
      })),
  };
}

function toDependency({ verdict, transform, ...rest }: DependencyTrace): RehearsedDependency {
  const trace = { ...rest, ...(transform && { transform: withWorkingCopy(transform) }) };
  switch (verdict.outcome) {
    case 'matched':
      return { ...trace, outcome: 'matched' };
    case 'filtered':
    case 'failed':
      return { ...trace, ...verdict };
  }
}

function withWorkingCopy({ data, ...transform }: NonNullable<DependencyTrace['transform']>) {
  return { ...transform, ...(data !== undefined && { data: toWorkingCopy(data) }) };
}

function standings(plan: SensorPlan, memory: SensorMemory, found: Rehearsal): Rehearsal['triggers'] {
  const fires = allFires(found);
  const held = new Map(memory.held().map((view) => [view.trigger, view]));
  return [...plan.conditions].map(([trigger, condition]) => {
    const view = held.get(trigger);
    const count = fires.filter((fire) => fire.trigger === trigger).length;
    return {
      ...{ trigger, condition, fires: count },
      ...(view !== undefined && view.held.length > 0 && { holds: view.held.map(describeHeld) }),
      ...(view !== undefined && view.held.length > 0 && { waitingFor: view.waitingFor }),
      ...(view?.collected !== undefined && { collected: view.collected }),
    };
  });
}

function describeHeld(held: { readonly dependency: string; readonly eventKey: string }): string {
  return `${held.dependency} (${held.eventKey})`;
}

/** Time never runs backwards, as in a sensor. */
function timeOf(item: TestEvent | undefined, before: number): number {
  const time = item === undefined ? Number.NaN : Date.parse(item.event.time);
  return Number.isNaN(time) ? before : Math.max(time, before);
}
