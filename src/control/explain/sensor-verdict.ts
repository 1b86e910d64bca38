/** One sensor's treatment of an event: everything known, worst first. Pure. */
import { describeStopped } from '../../sandbox/sensor/stopped-parts';
import { lateOutcomeOf, type DecisionRecord } from '../../records/decision-record';
import { describeExpired } from '../../records/expired-record';
import type { FireState } from '../../contract/fires';
import { fireReason } from '../runs/read-fires';
import {
  ADVICE_ON_EXPIRY,
  adviceOnDecision,
  adviceOnFailed,
  adviceOnMissed,
  adviceOnParked,
  adviceOnPaused,
  adviceOnPending,
} from './advice';
import type { EventFacts, FireFacts, RunFacts, SensorFacts } from './facts';
import { describePlace } from './places';
import type { SensorVerdict, VerdictState } from './story';
import { describeRequester } from '../../text/requester-name';

/** Worst first: the state that needs attention decides. */
const ORDER: readonly VerdictState[] = [
  ...(['parked', 'failed', 'expired', 'error', 'firing', 'waiting', 'joined', 'pending', 'unknown'] as const),
  ...(['fired', 'succeeded', 'discarded', 'replaced', 'filtered', 'rejected', 'unmatched'] as const),
];
const UNFINISHED: readonly VerdictState[] = ['firing', 'waiting', 'parked'];
/** Decisions are recorded a moment after they are made. */
const A_MOMENT_MS = 60_000;

/** One thing that a sensor did with the event. */
type Answer = Omit<SensorVerdict, 'sensor'>;

export function sensorVerdict(sensor: string, facts: EventFacts): SensorVerdict {
  const runs = facts.runs.filter((run) => run.sensor === sensor);
  const records = facts.decisions.filter((record) => `${record.namespace}/${record.sensor}` === sensor);
  const applied = facts.sensors.find(({ definition }) => `${definition.namespace}/${definition.name}` === sensor);
  const certain = [
    ...ofRuns(runs, records),
    ...(applied?.places ?? []).map((place): Answer => ({
      state: 'joined',
      summary: describePlace(place, applied?.groups),
    })),
    ...ofForgottenRuns(records, runs),
    ...ofErrors(records, runs, sensor, facts),
    ...ofReplaced(records, runs, applied),
  ];
  if (certain.length > 0) return together(sensor, certain);
  return {
    sensor,
    ...(ofRefusals(records, sensor, facts) ?? ofJoined(records, facts) ?? ofNoTrace(sensor, applied, facts)),
  };
}

function together(sensor: string, answers: readonly Answer[]): SensorVerdict {
  const [worst] = worstFirst(answers);
  const next = worst?.next;
  return {
    sensor,
    state: worst?.state ?? 'unknown',
    summary: [...new Set(answers.map(({ summary }) => summary))].join('; it '),
    ...(next !== undefined && { next }),
  };
}

export function worstFirst<Judged extends { readonly state: VerdictState }>(all: readonly Judged[]): Judged[] {
  return [...all].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

/** The last run of each trigger decides: it may be a successor that an operator asked for. */
function ofRuns(runs: readonly RunFacts[], records: readonly DecisionRecord[]): Answer[] {
  const last = new Map<string, { run: RunFacts; fire: FireFacts }>();
  for (const run of runs) for (const fire of run.fires ?? []) last.set(fire.trigger, { run, fire });
  return [
    ...[...last.values()].map(({ run, fire }) => ofLateOutcome(run, fire, records) ?? ofFire(run, fire)),
    ...runs
      .filter(({ fires }) => fires === undefined)
      .map(({ id, state }): Answer => ({
        state: state === 'Parked' ? 'parked' : 'fired',
        summary: `started run ${id}, which is ${state}; no worker can report now what that means for this event`,
        next: `Start a worker, then sluice runs show ${id}`,
      })),
  ];
}

/** A run that has ended does not hear that somebody continued its Workflow; the record of it does. */
function ofLateOutcome(run: RunFacts, fire: FireFacts, records: readonly DecisionRecord[]): Answer | undefined {
  const later = lateOutcomeOf(records, run.id, fire.id);
  if (later === undefined) return undefined;
  const name = fire.object === undefined ? '' : ` ${fire.object.name}`;
  const summary = `fired trigger ${fire.trigger} in run ${run.id}, whose Workflow${name} was continued after the run had ended, and is ${later.phase} now`;
  if (later.phase === 'Succeeded') return { state: 'succeeded', summary };
  return { state: 'failed', summary, next: adviceOnFailed(run, fire) };
}

function ofFire(run: RunFacts, fire: FireFacts): Answer {
  const { state, words } = FIRE_VERDICTS[fire.state];
  if (run.endedAt !== undefined && UNFINISHED.includes(state)) {
    const summary = `fired trigger ${fire.trigger} in run ${run.id}, which was ended from outside (${run.state}) before the trigger was done`;
    return { state: 'failed', summary, next: adviceOnFailed(run, fire) };
  }
  const reason = fire.underWay ?? fireReason(fire);
  const summary = `${words(`trigger ${fire.trigger}`)}${reason === '' ? '' : ` (${reason})`}, in run ${run.id}`;
  if (state === 'parked') return { state, summary, next: adviceOnParked(run, fire) };
  return state === 'failed' ? { state, summary, next: adviceOnFailed(run, fire) } : { state, summary };
}

/** Fires of runs that no longer exist. */
function ofForgottenRuns(records: readonly DecisionRecord[], runs: readonly RunFacts[]): Answer[] {
  const known = triggersOf(runs);
  return records.flatMap(({ decision, triggers = [], runId, reason }): Answer[] => {
    if (decision !== 'fired' || runs.some(({ id }) => id === runId)) return [];
    const forgotten = triggers.filter((trigger) => !known.has(trigger));
    if (forgotten.length === 0) return [];
    const what = `fired trigger ${forgotten.join(', ')}`;
    const where = runId === undefined ? `: ${reason ?? ''}` : ` in run ${runId}, which Temporal no longer keeps`;
    return [{ state: 'fired', summary: `${what}${where}` }];
  });
}

function ofErrors(
  records: readonly DecisionRecord[],
  runs: readonly RunFacts[],
  sensor: string,
  facts: EventFacts,
): Answer[] {
  return latestOfDependency(records, 'failed')
    .filter(({ at }) => !isOvertaken(at, runs))
    .map((record) =>
      record.dependency === undefined
        ? { state: 'error', summary: `could not process it: ${describeRefusal(record)}` }
        : {
            state: 'error',
            summary: `could not evaluate it: ${describeRefusal(record)}`,
            next: adviceOnDecision('failed', sensor, facts),
          },
    );
}

/** Events that were dropped while waiting for others. */
function ofReplaced(
  records: readonly DecisionRecord[],
  runs: readonly RunFacts[],
  applied: SensorFacts | undefined,
): Answer[] {
  const answered = new Set([...triggersOf(runs), ...(applied?.places ?? []).map(({ trigger }) => trigger)]);
  return records
    .filter(({ decision, at }) => decision === 'discarded' && !isOvertaken(at, runs))
    .filter(({ triggers = [] }) => !triggers.some((trigger) => answered.has(trigger)))
    .map(({ triggers = [], dependency, reason }) => ({
      state: 'replaced',
      summary: `did not fire it for trigger ${triggers.join(', ')}: dependency ${dependency}; ${reason}`,
    }));
}

/** Nothing fired, and each dependency recorded why. */
function ofRefusals(records: readonly DecisionRecord[], sensor: string, facts: EventFacts): Answer | undefined {
  if (records.some(({ decision }) => decision === 'joined')) return undefined;
  const filtered = latestOfDependency(records, 'filtered');
  if (filtered.length > 0) {
    return {
      state: 'filtered',
      summary: `filtered it out: ${filtered.map(describeRefusal).join(' and ')}`,
      next: adviceOnDecision('filtered', sensor, facts),
    };
  }
  const unmatched = records.find(({ decision }) => decision === 'unmatched');
  return unmatched && { state: 'unmatched', summary: `has no dependency for it: ${unmatched.reason ?? ''}` };
}

/** Accepted for a joined trigger, and now neither held nor carried by an existing run. */
function ofJoined(records: readonly DecisionRecord[], { now }: EventFacts): Answer | undefined {
  const joined = records.findLast(({ decision }) => decision === 'joined');
  if (joined === undefined) return undefined;
  const took = `accepted it for dependency ${joined.dependency}`;
  return now.getTime() - Date.parse(joined.at) < A_MOMENT_MS
    ? { state: 'pending', summary: `${took} a moment ago` }
    : { state: 'unknown', summary: `${took}; it no longer holds it, and no run that carries it exists` };
}

/** The sensor depends on such events, but there is no trace of this one. */
function ofNoTrace(sensor: string, applied: SensorFacts | undefined, facts: EventFacts): Answer {
  const gone = facts.gone?.find((ended) => ended.sensor === sensor);
  if (gone !== undefined) {
    const summary = `no longer listens: ${gone.reason}; the event waits for as long as the bus keeps it`;
    return { state: 'pending', summary, next: `Apply sensor ${sensor} again, and it continues where it stopped` };
  }
  const last = facts.positions.at(-1);
  if (applied === undefined) return { state: 'unknown', summary: 'has no remaining record of it' };
  if (last === undefined) return ofGone(sensor, applied, facts);
  const { status, definition, position } = applied;
  const publishedAt = Date.parse(last.publishedAt);
  const cameBefore = definition.options.startFrom.kind === 'new' && publishedAt < Date.parse(status.appliedAt);
  const reached = cameBefore ? position?.deliveredTo : position?.handledTo;
  if (reached === undefined ? !cameBefore : last.sequence > reached) return ofWaiting(sensor, applied, last.sequence);
  if (cameBefore) {
    return {
      state: 'unmatched',
      summary: `was applied at ${status.appliedAt}, after the event, and starts with newer ones`,
      next: adviceOnMissed(sensor, facts),
    };
  }
  if (facts.now.getTime() - publishedAt < A_MOMENT_MS) return { state: 'pending', summary: 'is handling it now' };
  const { decisions } = definition.options;
  const why =
    decisions === 'all'
      ? 'its decision is no longer kept, or its dependency on such events is newer'
      : `it keeps ${decisions === 'off' ? 'no' : 'only some'} decisions (sluice.io/decisions)`;
  return {
    state: 'unknown',
    summary: `is past its position on the bus, and no run that carries it exists; ${why}`,
    next: `${adviceOnMissed(sensor, facts)}; it shows first what would fire`,
  };
}

/** The bus no longer has it. */
function ofGone(sensor: string, { expired = [] }: SensorFacts, facts: EventFacts): Answer {
  const sequence = facts.decisions.findLast((record) => record.sequence !== undefined)?.sequence;
  const lost = expired.findLast(
    ({ fromSequence, toSequence }) => sequence !== undefined && fromSequence <= sequence && sequence <= toSequence,
  );
  if (lost !== undefined) {
    return {
      state: 'expired',
      summary: `did not receive it: ${describeExpired(lost)}`,
      next: `${adviceOnMissed(sensor, facts)}. ${ADVICE_ON_EXPIRY}`,
    };
  }
  const summary = 'depends on such events, but no record shows what it did with this one';
  const [last] = expired.slice(-1);
  if (last === undefined || sequence !== undefined) return { state: 'unknown', summary };
  return {
    state: 'unknown',
    summary: `${summary}; it may be among those that it lost: ${describeExpired(last)}`,
    next: ADVICE_ON_EXPIRY,
  };
}

/** It is on the bus, ahead of the sensor's position. */
function ofWaiting(sensor: string, { status, definition, position }: SensorFacts, sequence: number): Answer {
  const { paused, holdingBack, stopped = [] } = status;
  if (paused) {
    const { since, by, why } = paused;
    const summary = `has been paused since ${since} by ${describeRequester(by)}: ${why}; the event waits on the bus`;
    return { state: 'pending', summary, next: adviceOnPaused(sensor) };
  }
  const next = adviceOnPending(sensor);
  const silent = stopped.filter(({ part }) => part === 'listener');
  const [first] = silent;
  if (first && silent.length === definition.options.listeners) {
    return { state: 'pending', summary: `does not listen: ${describeStopped(first)} The event waits on the bus`, next };
  }
  if (holdingBack) {
    const summary = `holds back, because ${holdingBack.waiting} events wait for their turn; the event waits on the bus`;
    return { state: 'pending', summary, next };
  }
  if (position === undefined)
    return { state: 'pending', summary: 'has not begun to listen yet; the event waits on the bus', next };
  if (sequence <= position.deliveredTo) return { state: 'pending', summary: 'has received it', next };
  const waiting = position.waiting === 1 ? '1 event waits' : `${position.waiting} events wait`;
  return { state: 'pending', summary: `has not handled it yet (${waiting} for it on the bus)`, next };
}

function latestOfDependency(
  records: readonly DecisionRecord[],
  decision: DecisionRecord['decision'],
): readonly DecisionRecord[] {
  const found = records.filter((record) => record.decision === decision);
  return [...new Map(found.map((record) => [record.dependency, record])).values()];
}

function describeRefusal({ dependency, clause, code, reason }: DecisionRecord): string {
  const why = [clause, code, reason].filter(Boolean).join(': ');
  return dependency === undefined ? why : `dependency ${dependency} (${why})`;
}

/** True if a replay or retrigger has started a later run. */
function isOvertaken(at: string, runs: readonly RunFacts[]): boolean {
  return runs.some(({ origin, startedAt }) => origin !== undefined && Date.parse(startedAt) > Date.parse(at));
}

function triggersOf(runs: readonly RunFacts[]): Set<string> {
  return new Set(runs.flatMap(({ fires = [] }) => fires.map(({ trigger }) => trigger)));
}

/** The words are without the sensor, which is the subject of the sentence. */
const FIRE_VERDICTS: Readonly<Record<FireState, { state: VerdictState; words: (trigger: string) => string }>> = {
  Firing: { state: 'firing', words: (trigger) => `is firing ${trigger}` },
  Retrying: { state: 'firing', words: (trigger) => `fired ${trigger}, which failed and is retried` },
  Waiting: { state: 'waiting', words: (trigger) => `fired ${trigger} and waits for the outcome` },
  Parked: { state: 'parked', words: (trigger) => `has parked it until an operator decides about ${trigger}` },
  Succeeded: { state: 'succeeded', words: (trigger) => `fired ${trigger}, which succeeded` },
  Failed: { state: 'failed', words: (trigger) => `fired ${trigger}, which failed` },
  DeadLettered: {
    state: 'failed',
    words: (trigger) => `fired ${trigger}, which failed and went to its dead-letter trigger`,
  },
  Discarded: { state: 'discarded', words: (trigger) => `had parked it for ${trigger}, and an operator discarded it` },
};
