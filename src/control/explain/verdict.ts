/** The fate of an event: one word and one sentence for each sensor and for all. Pure. */
import type { DecisionRecord } from '../../records/decision-record';
import { adviceAtSource, adviceOnUnmatched } from './advice';
import type { EventFacts } from './facts';
import { sensorVerdict, worstFirst } from './sensor-verdict';
import type { Story } from './story';

export function verdictOf(facts: EventFacts): Story['verdict'] {
  const { decisions, runs, sensors, unasked, source, subject } = facts;
  const stopped = atSource(facts);
  if (stopped !== undefined) {
    const why = [stopped.clause, stopped.code, stopped.reason].filter((part) => part !== undefined).join('; ');
    return {
      state: stopped.decision === 'rejected' ? 'rejected' : 'filtered',
      summary: `Event source ${stopped.namespace}/${stopped.eventSource} ${stopped.decision} it: ${why}.`,
      next: [adviceAtSource(stopped)],
      // An event that did not reach the bus was never offered to the sensors that depend on it.
      sensors: [],
    };
  }
  const names = new Set([
    ...decisions.flatMap(({ namespace, sensor }) => (sensor === undefined ? [] : [`${namespace}/${sensor}`])),
    ...runs.map(({ sensor }) => sensor),
    ...sensors.map(({ definition }) => `${definition.namespace}/${definition.name}`),
    ...(facts.gone ?? []).map(({ sensor }) => sensor),
  ]);
  const verdicts = worstFirst([...names].sort().map((sensor) => sensorVerdict(sensor, facts)));
  const [worst] = verdicts;
  if (worst === undefined && unasked.length > 0) {
    return {
      state: 'unknown',
      summary: `No record shows what happened to it, and no worker answers for ${unasked.join(', ')}.`,
      next: ['Start the workers and try again'],
      sensors: [],
    };
  }
  if (worst === undefined) {
    return {
      state: 'unmatched',
      summary: `No applied sensor has a dependency on event source ${source}, event ${subject}.`,
      next: [adviceOnUnmatched(facts)],
      sensors: [],
    };
  }
  return {
    state: worst.state,
    summary: [
      ...verdicts.map(({ sensor, summary }) => `Sensor ${sensor} ${summary}.`),
      ...ofMissingItem(facts),
      ...ofRepetition(facts),
    ].join(' '),
    next: [...new Set(verdicts.flatMap(({ next }) => next ?? []))],
    sensors: verdicts,
  };
}

/** Why a filter found no item, where the event source could not fetch it. */
function ofMissingItem({ decisions }: EventFacts): string[] {
  const record = decisions.findLast(({ decision, sensor }) => decision === 'failed' && sensor === undefined);
  return record?.reason === undefined
    ? []
    : [`Event source ${record.namespace}/${record.eventSource}: ${record.reason}.`];
}

/** The event is on the bus more than once; each sensor counts that as one event. */
function ofRepetition({ positions, decisions }: EventFacts): string[] {
  const perBus = new Map<string, number>();
  for (const { bus } of positions) perBus.set(bus, (perBus.get(bus) ?? 0) + 1);
  const times = Math.max(0, ...perBus.values());
  if (times < 2) return [];
  const knew = decisions.some(({ decision, sensor }) => decision === 'duplicate' && sensor !== undefined);
  const published = `It was published ${times === 2 ? 'twice' : `${times} times`}`;
  return [knew ? `${published} and fired once: duplicates were ignored.` : `${published}.`];
}

/** Returns the source's record if the event never reached the bus. */
function atSource({ decisions, positions, runs }: EventFacts): DecisionRecord | undefined {
  if (positions.length > 0 || runs.length > 0) return undefined;
  if (decisions.some(({ sensor, decision }) => sensor !== undefined || decision === 'duplicate')) return undefined;
  return decisions.findLast(({ decision }) => decision === 'rejected' || decision === 'filtered');
}
