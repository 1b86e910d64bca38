/** The history of an event in chronological order. Pure. */
import type { DecisionRecord } from '../../records/decision-record';
import { noteListenerAttempt } from '../../sandbox/run/listener-attempts';
import { conditionDependencies, parseCondition } from '../../sandbox/conditions/conditions';
import { fireReason } from '../runs/read-fires';
import type { EventFacts, FireFacts, RunFacts, SensorFacts } from './facts';
import { describePlace } from './places';
import { STAGES, type TimelineEntry } from './story';
import { describeRequester } from '../../text/requester-name';

export function timelineOf(facts: EventFacts): TimelineEntry[] {
  const entries = [
    ...sourceEntries(facts),
    ...withoutRepetitions(facts.decisions).map(decisionEntry),
    ...facts.sensors.flatMap((sensor) => placeEntries(sensor, facts)),
    ...facts.runs.flatMap((run) => runEntries(run)),
  ];
  const rank = ({ stage }: TimelineEntry): number => STAGES.indexOf(stage);
  return entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || rank(a) - rank(b));
}

function sourceEntries({ event, source, subject, positions }: EventFacts): TimelineEntry[] {
  const received: TimelineEntry[] =
    event === undefined
      ? []
      : [
          {
            at: event.time,
            stage: 'source',
            what: 'received',
            text: `by event source ${source} as event ${subject}${event.type === '' ? '' : ` (${event.type})`}`,
            eventSource: source,
          },
        ];
  const published = positions.map(({ bus, sequence, publishedAt, subject: where, undecodable }): TimelineEntry => ({
    at: publishedAt,
    stage: 'bus',
    what: 'published',
    text: `at position ${sequence} of bus ${bus}, subject ${where}${undecodable ? `; not an event: ${undecodable}` : ''}`,
    bus,
    sequence,
    ...(undecodable !== undefined && { reason: undecodable }),
  }));
  return [...received, ...published];
}

function decisionEntry(record: DecisionRecord): TimelineEntry {
  const { at, decision, namespace, sensor, eventSource, dependency, triggers, clause, reason, code, runId } = record;
  const owner = sensor === undefined ? `event source ${namespace}/${eventSource}` : `sensor ${namespace}/${sensor}`;
  const details = [
    dependency && `dependency ${dependency}`,
    triggers && triggers.length > 0 && `triggers ${triggers.join(', ')}`,
    clause && `clause ${clause}`,
    code,
    reason,
    runId && `run ${runId}`,
  ].filter(Boolean);
  return {
    at,
    stage: sensor === undefined ? 'source' : 'sensor',
    what: decision,
    text: `by ${owner}${details.length > 0 ? `: ${details.join('; ')}` : ''}`,
    ...(sensor === undefined ? { eventSource } : { sensor: `${namespace}/${sensor}` }),
    ...(dependency !== undefined && { dependency }),
    ...(triggers !== undefined && { triggers }),
    ...(clause !== undefined && { clause }),
    ...(reason !== undefined && { reason }),
    ...(code !== undefined && { code }),
    ...(runId !== undefined && { runId }),
  };
}

/** The listener records a joined event too, but the sensor's record is better: it knows what the event waits for. */
function withoutRepetitions(records: readonly DecisionRecord[]): DecisionRecord[] {
  const told = new Set(records.flatMap((record) => (record.triggers && record.reason ? [joinKey(record)] : [])));
  return records.filter(
    (record) => record.decision !== 'joined' || record.triggers !== undefined || !told.has(joinKey(record)),
  );
}

function joinKey({ namespace, sensor, decision, dependency }: DecisionRecord): string {
  return JSON.stringify([namespace, sensor, decision, dependency]);
}

function placeEntries({ definition, places, groups }: SensorFacts, { now }: EventFacts): TimelineEntry[] {
  const sensor = `${definition.namespace}/${definition.name}`;
  return places.map((place) => ({
    at: now.toISOString(),
    stage: 'sensor',
    what: place.kind,
    text: `now: sensor ${sensor} ${describePlace(place, groups)}`,
    sensor,
    dependency: place.dependency,
    triggers: [place.trigger],
    ...(place.kind === 'held' && { waitingFor: conditionDependencies(parseCondition(place.waitingFor)) }),
  }));
}

function runEntries(run: RunFacts): TimelineEntry[] {
  const { id: runId, sensor, state, startedAt, endedAt, origin, parkedBecause, priority, acts, fires = [] } = run;
  const about = { runId, sensor };
  const because = parkedBecause === undefined ? '' : `, waiting for an operator: ${parkedBecause}`;
  const urgency = priority === undefined ? '' : `, priority ${priority}`;
  const started: TimelineEntry = {
    ...about,
    at: startedAt,
    stage: 'run',
    what: 'started',
    text: `${runId}${origin ? ` of ${origin.runId}, by ${describeRequester(origin.by)}: ${origin.why}` : ''}${urgency}${because}`,
    ...(origin && { by: origin.by, why: origin.why }),
    ...(parkedBecause !== undefined && { reason: parkedBecause }),
  };
  const ended: TimelineEntry[] =
    endedAt === undefined
      ? []
      : [{ ...about, at: endedAt, stage: 'run', what: state.toLowerCase(), text: `${runId} has ended` }];
  return [
    started,
    ...acts.map((act): TimelineEntry => ({
      ...about,
      ...act,
      stage: 'run',
      text: `${runId} by ${describeRequester(act.by)}: ${act.why}`,
    })),
    ...fires.flatMap((fire) => fireEntries(run, fire)),
    ...ended,
  ];
}

function fireEntries({ id: runId, sensor, startedAt, endedAt }: RunFacts, fire: FireFacts): TimelineEntry[] {
  const { id: fireId, trigger, state, attempts, object, answer, failure, outcome, underWay, link } = fire;
  const about = { runId, sensor, fireId, triggers: [trigger] };
  const made = object && `${object.kind}/${object.namespace ?? ''}/${object.name}`;
  const acted = made !== undefined || answer !== undefined;
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  const details = [
    made,
    link,
    answer,
    failure && `${failure.code}: ${failure.message}`,
    underWay !== undefined && `now: ${underWay}`,
  ].filter(Boolean);
  const fired: TimelineEntry = {
    ...about,
    at: fire.at ?? startedAt,
    stage: 'trigger',
    what: acted && state !== 'DeadLettered' ? 'fired' : WORDS[state],
    text: `trigger ${trigger}, ${times}${noteListenerAttempt(fire)}${details.length > 0 ? `: ${details.join('; ')}` : ''}`,
    attempts,
    ...(fire.listenerAttempt && { listenerAttempt: fire.listenerAttempt }),
    ...(made !== undefined && { object: made }),
    ...(link !== undefined && { link }),
    ...(failure !== undefined && { code: failure.code, reason: failure.message }),
  };
  if (outcome === undefined) return [fired];
  const at = outcome.finishedAt ?? endedAt ?? startedAt;
  return [
    fired,
    {
      ...about,
      at,
      stage: 'outcome',
      what: outcome.phase.toLowerCase(),
      text: `${made ?? trigger}: ${fireReason(fire)}`,
      ...(made !== undefined && { object: made }),
      ...(outcome.message !== '' && { reason: outcome.message }),
    },
    ...announcementEntries(fire, at),
  ];
}

/** The event that announces an outcome, and the sensors that it triggered. */
function announcementEntries({ id: fireId, trigger, announcement }: FireFacts, at: string): TimelineEntry[] {
  if (announcement === undefined) return [];
  const { event, reactions } = announcement;
  return [
    { at, stage: 'outcome', what: 'announced', text: `as event ${event}`, event, fireId, triggers: [trigger] },
    ...reactions.map(({ id: runId, sensor, state, startedAt }): TimelineEntry => ({
      at: startedAt,
      stage: 'outcome',
      what: 'reacted',
      text: `sensor ${sensor} to it: ${runId} (${state})`,
      event,
      sensor,
      runId,
    })),
  ];
}

const WORDS = {
  Firing: 'firing',
  Retrying: 'retrying',
  Waiting: 'fired',
  Parked: 'parked',
  Succeeded: 'fired',
  Failed: 'failed',
  DeadLettered: 'dead-lettered',
  Discarded: 'discarded',
} as const;
