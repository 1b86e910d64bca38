/** Settles one event, from its decision and from Temporal's responses. Pure. */
import type { Decision, DecisionRecord } from '../../src/records/decision-record';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { Observation } from '../../src/contract/sensor-messages';
import { describeIncoming, type EventDecision } from './decide-fires';
import type { DirectFire } from '../starting/direct-fire';
import type { FireStart } from '../starting/start-runs';
import type { ObservationDelivery } from './observe-events';

export interface EventAnswers {
  /** By fire id. */
  readonly starts: ReadonlyMap<string, FireStart>;
  readonly deliveries: ReadonlyMap<Observation, ObservationDelivery>;
  /** The bus delivered this very message before, so its own runs may exist already. */
  readonly isDeliveredAgain: boolean;
  /** Fires that another copy of the same event in this pull has already. */
  readonly repeated: ReadonlySet<DirectFire>;
}

export type Settled =
  | { readonly kind: 'handled'; readonly event: HandledEvent }
  | { readonly kind: 'postponed'; readonly isOutage: boolean; readonly error: unknown };

export interface HandledEvent {
  readonly decision: EventDecision;
  /** One for each fire, observation and rejection: counted in metrics. */
  readonly made: readonly Decision[];
  readonly records: readonly DecisionRecord[];
  readonly runId?: string;
}

const UNSTARTED: FireStart = { kind: 'postponed', isOutage: false, error: new Error('its run was not started') };
const UNDELIVERED: ObservationDelivery = {
  kind: 'postponed',
  isOutage: false,
  error: new Error('the sensor was not signalled'),
};

export function settleEvent(definition: SensorDefinition, decision: EventDecision, answers: EventAnswers): Settled {
  const starts = decision.fires.map((fire) => ({ fire, start: answers.starts.get(fire.id) ?? UNSTARTED }));
  const deliveries = decision.observations.map((observation) => ({
    observation,
    delivery: answers.deliveries.get(observation) ?? UNDELIVERED,
  }));
  for (const answer of [...starts.map(({ start }) => start), ...deliveries.map(({ delivery }) => delivery)]) {
    if (answer.kind === 'postponed') return answer;
  }
  const about = describeIncoming(definition, decision.incoming, Date.now());
  const { priorityProblem } = decision;
  const explained = priorityProblem === undefined ? {} : { reason: priorityProblem };
  const made: Decision[] = decision.records.map((record) => record.decision);
  const refusals: DecisionRecord[] = [];
  const fired = new Map<string, string[]>();
  const duplicate = new Map<string, string[]>();
  for (const { fire, start } of starts) {
    if (start.kind === 'postponed') continue;
    if (start.kind === 'refused') {
      const { code, reason, runId } = start;
      made.push('failed');
      const which = { dependency: fire.dependency, triggers: [fire.trigger], ...(runId !== undefined && { runId }) };
      refusals.push({ ...about, decision: 'failed', code, reason, ...which });
      continue;
    }
    const isRepetition = answers.repeated.has(fire) || (start.kind === 'known' && !answers.isDeliveredAgain);
    made.push(isRepetition ? 'duplicate' : 'fired');
    const { runId } = start;
    const byRun = isRepetition ? duplicate : fired;
    byRun.set(runId, [...(byRun.get(runId) ?? []), fire.trigger]);
  }
  const joined: DecisionRecord[] = [];
  for (const { observation, delivery } of deliveries) {
    const { dependency } = observation;
    if (delivery.kind === 'refused') {
      made.push('failed');
      refusals.push({ ...about, decision: 'failed', code: delivery.code, reason: delivery.reason, dependency });
      continue;
    }
    made.push('joined');
    joined.push({ ...about, decision: 'joined', dependency, ...explained });
  }
  const wanted = definition.options.decisions;
  const successes = [
    ...[...fired].map(([runId, triggers]): DecisionRecord => ({
      ...{ ...about, decision: 'fired', triggers, runId },
      ...explained,
    })),
    ...[...duplicate].map(([runId, triggers]): DecisionRecord => ({
      ...about,
      decision: 'duplicate',
      triggers,
      runId,
      reason: `the event was published again; run ${runId} carries it already`,
    })),
    ...joined,
  ];
  const areWanted = wanted === 'all' || priorityProblem !== undefined;
  const records = wanted === 'off' ? [] : [...decision.records, ...refusals, ...(areWanted ? successes : [])];
  const [runId] = [...fired.keys(), ...duplicate.keys()];
  return { kind: 'handled', event: { decision, made, records, ...(runId && { runId }) } };
}
