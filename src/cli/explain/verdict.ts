/** What became of an event, in one word and one sentence for each sensor and for all. Pure. */
import { describeStopped } from '../../../workflows/stopped-parts';
import type { Decision, DecisionRecord } from '../../event/decision-record';
import type { FireState, FireStatus } from '../../run/run-types';
import { fireReason } from '../runs/run-details';
import type { EventFacts, RunFacts, SensorFacts } from './facts';
import type { SensorVerdict, Story, VerdictState } from './story';

/** Worst first: what a person has to look at decides. */
const ORDER: readonly VerdictState[] = [
  ...(['parked', 'failed', 'error', 'firing', 'waiting', 'joined', 'pending', 'unknown'] as const),
  ...(['fired', 'succeeded', 'discarded', 'replaced', 'filtered', 'rejected', 'unmatched'] as const),
];

export function verdictOf(facts: EventFacts): Story['verdict'] {
  const { decisions, runs, sensors, source, subject } = facts;
  const names = new Set([
    ...decisions.flatMap(({ namespace, sensor }) => (sensor === undefined ? [] : [`${namespace}/${sensor}`])),
    ...runs.map(({ sensor }) => sensor),
    ...sensors.map(({ definition }) => `${definition.namespace}/${definition.name}`),
  ]);
  // A sensor that asks for such events was never asked about one that did not reach the bus.
  const verdicts = atSource(facts) ? [] : [...names].sort().map((sensor) => sensorVerdict(sensor, facts));
  const [worst] = [...verdicts].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  if (worst !== undefined) {
    const summary = verdicts.map(({ sensor, summary: text }) => `Sensor ${sensor} ${text}.`).join(' ');
    return { state: worst.state, summary, sensors: verdicts };
  }
  const stopped = atSource(facts);
  if (stopped !== undefined) {
    const why = [stopped.clause, stopped.code, stopped.reason].filter((part) => part !== undefined).join('; ');
    const state = stopped.decision === 'rejected' ? 'rejected' : 'filtered';
    const summary = `Event source ${stopped.namespace}/${stopped.eventSource} ${stopped.decision} it: ${why}.`;
    return { state, summary, sensors: [] };
  }
  return {
    state: 'unmatched',
    summary: `No applied sensor has a dependency on event source ${source}, event ${subject}.`,
    sensors: [],
  };
}

/** Set when the event never reached the bus. */
function atSource({ decisions, positions, runs }: EventFacts): DecisionRecord | undefined {
  if (positions.length > 0 || runs.length > 0) return undefined;
  if (decisions.some(({ sensor }) => sensor !== undefined)) return undefined;
  return decisions.findLast(({ decision }) => decision === 'rejected' || decision === 'filtered');
}

function sensorVerdict(sensor: string, facts: EventFacts): SensorVerdict {
  const runs = facts.runs.filter((run) => run.sensor === sensor);
  const records = facts.decisions.filter((record) => `${record.namespace}/${record.sensor}` === sensor);
  const applied = facts.sensors.find(({ definition }) => `${definition.namespace}/${definition.name}` === sensor);
  const answer = byRuns(runs) ?? byHeld(applied, facts.key) ?? byRecords(records, runs) ?? withoutTrace(applied, facts);
  return { sensor, ...answer };
}

type Answer = Omit<SensorVerdict, 'sensor'>;

/** The last run decides for each trigger: it may be the successor that a person asked for. */
function byRuns(runs: readonly RunFacts[]): Answer | undefined {
  const last = new Map<string, { run: RunFacts; fire: FireStatus }>();
  for (const run of runs) for (const fire of run.fires ?? []) last.set(fire.trigger, { run, fire });
  const answers = [...last.values()].map(({ run, fire }): Answer => {
    const state = stateOfFire(fire.state);
    const reason = fireReason(fire);
    const text = `trigger ${fire.trigger} ${FIRE_WORDS[fire.state]}${reason === '' ? '' : ` (${reason})`}`;
    return { state, summary: `${text} in run ${run.id}` };
  });
  if (answers.length === 0) {
    const [run] = runs;
    return run && { state: 'fired', summary: `started run ${run.id}, of which no worker can tell more now` };
  }
  const [worst] = [...answers].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return worst && { state: worst.state, summary: `fired it: ${answers.map(({ summary }) => summary).join('; ')}` };
}

function byHeld(sensor: SensorFacts | undefined, key: string): Answer | undefined {
  const holding = (sensor?.held ?? []).filter(({ held }) => held.some(({ eventKey }) => eventKey === key));
  if (holding.length === 0) return undefined;
  const texts = holding.map(
    ({ trigger, waitingFor }) => `trigger ${trigger}, which waits for ${waitingFor.join(', ')}`,
  );
  return { state: 'joined', summary: `holds it for ${texts.join('; ')}` };
}

const RECORD_ORDER: readonly Decision[] = [
  'fired',
  'failed',
  'discarded',
  'joined',
  'filtered',
  'rejected',
  'unmatched',
];

function byRecords(records: readonly DecisionRecord[], runs: readonly RunFacts[]): Answer | undefined {
  const decisive = RECORD_ORDER.find((decision) => records.some((record) => record.decision === decision));
  const record = records.findLast(({ decision }) => decision === decisive);
  if (record === undefined) return undefined;
  const { decision, dependency, clause, code, reason, runId } = record;
  const place = [dependency && `dependency ${dependency}`, clause, code, reason].filter(Boolean).join('; ');
  switch (decision) {
    case 'fired':
      return {
        state: 'fired',
        summary:
          runId === undefined || runs.length > 0
            ? `fired it${reason === undefined ? '' : `: ${reason}`}`
            : `fired it in run ${runId}, which Temporal no longer keeps`,
      };
    case 'failed':
      return { state: 'error', summary: `could not evaluate it: ${place}` };
    case 'discarded':
      return { state: 'replaced', summary: `did not fire it: ${place}` };
    case 'joined':
      return {
        state: 'unknown',
        summary: `took it for ${place}; it no longer holds it, and no run that carries it is kept`,
      };
    case 'filtered':
      return { state: 'filtered', summary: `filtered it out: ${place}` };
    case 'rejected':
      return { state: 'rejected', summary: `rejected it: ${place}` };
    case 'unmatched':
      return { state: 'unmatched', summary: `has no dependency for it: ${place}` };
  }
}

/** The sensor asks for such events, and yet nothing says that it saw this one. */
function withoutTrace(sensor: SensorFacts | undefined, { positions, now }: EventFacts): Answer {
  if (sensor === undefined) return { state: 'unknown', summary: 'left no trace of it' };
  const { status, definition } = sensor;
  const publishedAt = Date.parse(positions.at(-1)?.publishedAt ?? now.toISOString());
  if (status.paused) {
    const { since, by, why } = status.paused;
    return {
      state: 'pending',
      summary: `has been paused since ${since} by ${by} (${why}); the event waits on the bus`,
    };
  }
  if (status.holdingBack) {
    return {
      state: 'pending',
      summary: `holds back, because ${status.holdingBack.waiting} events wait for their turn; the event waits on the bus`,
    };
  }
  if (definition.options.startFrom.kind === 'new' && publishedAt < Date.parse(status.appliedAt)) {
    return {
      state: 'unmatched',
      summary: `was applied at ${status.appliedAt}, after the event, and starts with new ones; sluice replay can fire it`,
    };
  }
  const stopped = status.stopped?.filter(({ part }) => part === 'listener') ?? [];
  const [first] = stopped;
  if (first && stopped.length === definition.options.listeners) {
    return { state: 'pending', summary: `does not listen: ${describeStopped(first)} The event waits on the bus` };
  }
  if (definition.options.decisions !== 'all') {
    return {
      state: 'unknown',
      summary: `keeps ${definition.options.decisions === 'off' ? 'no' : 'only some'} decisions (sluice.io/decisions), and no run that carries the event is kept`,
    };
  }
  const lag = status.lag === undefined ? '' : ` (${status.lag} events wait)`;
  return { state: 'pending', summary: `has not handled it yet${lag}` };
}

function stateOfFire(state: FireState): VerdictState {
  switch (state) {
    case 'Firing':
    case 'Retrying':
      return 'firing';
    case 'Waiting':
      return 'waiting';
    case 'Parked':
      return 'parked';
    case 'Succeeded':
      return 'succeeded';
    case 'Failed':
    case 'DeadLettered':
      return 'failed';
    case 'Discarded':
      return 'discarded';
  }
}

const FIRE_WORDS: Readonly<Record<FireState, string>> = {
  Firing: 'is being fired',
  Retrying: 'is being tried again',
  Waiting: 'has fired and waits for the outcome',
  Parked: 'is parked and waits for a person',
  Succeeded: 'succeeded',
  Failed: 'failed',
  DeadLettered: 'failed and went to its dead-letter trigger',
  Discarded: 'was discarded by a person',
};
