/**
 * From events to decisions: which triggers fire now, what joined triggers observe, and the record of every event. No
 * I/O besides the expression engine, so that `sluice test` and a replay decide exactly as the listener does.
 */
import { eventPath, pathOfSubject } from '../../src/bus/event-path';
import { eventKey, type CloudEvent } from '../../src/event/cloud-event';
import type { DecisionRecord } from '../../src/records/decision-record';
import { fireId } from '../../src/sandbox/run/fire-id';
import { evaluateDependencies, type DependencyVerdict } from '../../src/matching/evaluate-dependencies';
import type { ExpressionEngine } from '../../src/expressions/engine';
import { DEFAULT_PRIORITY, type TriggerPriority } from '../../src/contract/priority';
import { readKeys } from '../../src/matching/observation-keys';
import type { SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import type { Dependency } from '../../src/manifest/filters';
import type { DirectFire } from '../starting/direct-fire';
import { foreignNamespace, type SensorOnBus } from './foreign-events';
import { readPriorities } from './read-priorities';
import type { ObjectName } from '../../src/contract/definitions';
import type { Observation } from '../../src/contract/sensor-messages';

/** Envelopes come from outside and may be of any length. */
const MAX_REASON_LENGTH = 500;

/** An event as the bus delivered it. */
export interface IncomingEvent {
  readonly event: CloudEvent | undefined;
  readonly undecodable?: string;
  readonly subject: string;
  readonly sequence: number;
}

export interface EventDecision {
  readonly incoming: IncomingEvent;
  readonly fires: readonly DirectFire[];
  readonly observations: readonly Observation[];
  /** Why a priority that the event asks for is not used. */
  readonly priorityProblem?: string;
  /** Records that are certain now; `fired` follows once the run has started. */
  readonly records: readonly DecisionRecord[];
}

/** Returns decisions in the order of the events. Throws only errors of the engine; see `decideEach`. */
export async function decideFires(
  sensor: SensorOnBus,
  plan: SensorPlan,
  incoming: readonly IncomingEvent[],
  engine: ExpressionEngine,
  now: () => number = Date.now,
): Promise<EventDecision[]> {
  const dependenciesOf = (item: IncomingEvent): readonly Dependency[] => {
    const event = addressedEvent(item);
    return event === undefined || foreignNamespace(event, sensor) !== undefined ? [] : plan.dependenciesOf(event);
  };
  const pairs = incoming.flatMap((item) => {
    const { event } = item;
    return event === undefined
      ? []
      : dependenciesOf(item).map((dependency) => ({
          event,
          dependency,
          itemFilter: plan.itemFilters[dependency.name],
        }));
  });
  const verdicts = await evaluateDependencies(pairs, engine);
  const decisions: EventDecision[] = [];
  let next = 0;
  for (const item of incoming) {
    const dependencies = dependenciesOf(item);
    const answers = dependencies.map((dependency, index) => ({ dependency, verdict: verdicts[next + index] }));
    next += dependencies.length;
    decisions.push(await decideEvent(sensor, plan, item, answers, engine, now()));
  }
  return decisions;
}

/**
 * Returns the event if its envelope matches the subject of its message: the right to publish to one subject must not
 * fire triggers that wait for another. Undefined otherwise, and for a message that is not an event.
 */
function addressedEvent({ event, subject }: IncomingEvent): CloudEvent | undefined {
  return event !== undefined && eventPath(event.source, event.subject) === pathOfSubject(subject) ? event : undefined;
}

async function decideEvent(
  sensor: SensorOnBus,
  plan: SensorPlan,
  incoming: IncomingEvent,
  answers: ReadonlyArray<{ dependency: Dependency; verdict: DependencyVerdict | undefined }>,
  engine: ExpressionEngine,
  now: number,
): Promise<EventDecision> {
  const fires: DirectFire[] = [];
  const observations: Observation[] = [];
  const records: DecisionRecord[] = [];
  const priorityProblems = new Set<string>();
  const about = describeIncoming(sensor, incoming, now);
  if (incoming.event === undefined) {
    records.push({
      ...about,
      decision: 'failed',
      code: 'EVENT_UNDECODABLE',
      reason: incoming.undecodable ?? 'unreadable',
    });
  } else if (addressedEvent(incoming) === undefined) {
    records.push({
      ...about,
      decision: 'failed',
      code: 'EVENT_SUBJECT_MISMATCH',
      reason:
        `it came on subject ${incoming.subject}, but its source and subject belong on one that ends in ${eventPath(incoming.event.source, incoming.event.subject)}`.slice(
          0,
          MAX_REASON_LENGTH,
        ),
    });
  } else if (answers.length === 0) {
    records.push({ ...about, decision: 'unmatched', reason: describeUnmatched(incoming.event, sensor) });
  }
  for (const { dependency, verdict } of answers) {
    if (verdict === undefined) continue;
    const { name } = dependency;
    switch (verdict.outcome) {
      case 'filtered':
        records.push({
          ...about,
          decision: 'filtered',
          dependency: name,
          clause: verdict.clause,
          reason: verdict.reason,
        });
        break;
      case 'failed':
        records.push({
          ...about,
          decision: 'failed',
          dependency: name,
          clause: verdict.clause,
          reason: verdict.reason,
          code: verdict.code,
        });
        break;
      case 'matched': {
        const triggers = plan.direct.get(name) ?? [];
        const asking = [
          ...triggers,
          ...(plan.joined.has(name) ? plan.state.triggers.map((trigger) => trigger.name) : []),
        ];
        const priorities = await readPriorities(verdict.event, pickPriorities(plan, asking), engine);
        if (priorities.problem !== undefined) priorityProblems.add(priorities.problem);
        for (const trigger of triggers) {
          const id = fireId(sensor, trigger, { [name]: [eventKey(verdict.event)] });
          const [priority = DEFAULT_PRIORITY] = pickPriorities(plan, [trigger]).map((own) => priorities.of(own));
          fires.push({ id, trigger, dependency: name, event: verdict.event, priority });
        }
        if (!plan.joined.has(name)) break;
        const keys = await readKeys(verdict.event, plan.keyPaths, engine);
        observations.push({ dependency: name, event: verdict.event, receivedAt: now, ...(keys && { keys }) });
        break;
      }
    }
  }
  const priorityProblem = [...priorityProblems].join('; ').slice(0, MAX_REASON_LENGTH);
  return { incoming, fires, observations, records, ...(priorityProblem !== '' && { priorityProblem }) };
}

function pickPriorities({ priorities }: SensorPlan, triggers: readonly string[]): readonly TriggerPriority[] {
  return triggers.flatMap((trigger) => priorities.get(trigger) ?? []);
}

function describeUnmatched(event: CloudEvent, sensor: SensorOnBus): string {
  const namespace = foreignNamespace(event, sensor);
  return namespace === undefined
    ? 'no dependency of the sensor matches this event source and event name'
    : `it comes from namespace ${namespace}, which the EventBus does not accept (sluice.io/accept-namespaces)`;
}

export function describeIncoming(
  sensor: ObjectName,
  incoming: IncomingEvent,
  now: number,
): Omit<DecisionRecord, 'decision'> {
  const { subject, sequence } = incoming;
  // The content of a forged envelope is not recorded as the history of the event that it names.
  const event = addressedEvent(incoming);
  const [, source = '', name = ''] = subject.split('.');
  return {
    at: new Date(now).toISOString(),
    eventKey: event === undefined ? `${source}/sequence:${sequence}` : eventKey(event),
    eventId: event?.id ?? `sequence:${sequence}`,
    source: event?.source ?? source,
    subject: event?.subject ?? name,
    sequence,
    namespace: sensor.namespace,
    sensor: sensor.name,
  };
}
