/** Asks everybody who may know something of one event. */
import { shortEventId } from '../../event/short-id';
import type { BusPosition, EventFacts, RunFacts, StoredOnBus } from './facts';
import type { Candidate } from './find-event';
import type { OpenBuses } from './open-buses';
import { readRunsOf } from './read-runs';
import { readInterestedSensors } from './read-sensors';
import type { TemporalSession } from '../temporal';

export async function readFacts(
  session: TemporalSession,
  { buses, problems }: OpenBuses,
  candidate: Candidate,
  namespace: string | undefined,
): Promise<EventFacts> {
  const { key, id, source, subject } = candidate;
  const [runs, interested] = await Promise.all([
    readRunsOf(session, key, namespace),
    readInterestedSensors(session, namespace, candidate),
  ]);
  const stored = uniqueBy(candidate.stored, ({ sequence, publishedAt }) => `${sequence} ${publishedAt}`);
  const decisions = uniqueBy(candidate.decisions, (record) => JSON.stringify(record)).sort(
    (a, b) => Date.parse(a.at) - Date.parse(b.at),
  );
  const event = stored.find((found) => found.event !== undefined)?.event;
  const facts = {
    ...{ key, id, source, subject, decisions, shortId: shortEventId(key) },
    ...(event && { event }),
    positions: stored.map(positionOf),
    runs: runs.map((run) => ofEvent(run, key)),
    sensors: interested.sensors,
    now: new Date(),
  };
  return {
    ...facts,
    unknown: [...problems, ...interested.problems, ...(await describeGaps(facts, buses))],
  };
}

function positionOf({ bus, subject, sequence, publishedAt, undecodable }: StoredOnBus): BusPosition {
  return {
    ...{ bus, subject, sequence, publishedAt: new Date(publishedAt).toISOString() },
    ...(undecodable !== undefined && { undecodable }),
  };
}

/** A run may carry a hundred events; the story is about one. */
function ofEvent(run: RunFacts, key: string): RunFacts {
  return { ...run, fires: run.fires?.filter(({ events }) => events.includes(key)) };
}

async function describeGaps(facts: Omit<EventFacts, 'unknown'>, buses: OpenBuses['buses']): Promise<string[]> {
  const gaps: string[] = [];
  const { decisions, positions, runs } = facts;
  const sequence = decisions.findLast((record) => record.sequence !== undefined)?.sequence;
  if (positions.length === 0 && (sequence !== undefined || runs.length > 0)) {
    gaps.push(`The event itself is no longer on a bus that can be read${await describeExtent(buses, sequence)}.`);
  }
  const known = new Set(runs.map(({ id }) => id));
  for (const runId of new Set(decisions.flatMap((record) => record.runId ?? []))) {
    if (known.has(runId)) continue;
    gaps.push(`Temporal no longer keeps run ${runId} (retention): what came of it cannot be known from here.`);
  }
  if (decisions.length === 0) {
    gaps.push('No decision about it is kept: they are kept for seven days, and not where sluice.io/decisions is off.');
  }
  for (const { id, fires } of runs) if (fires === undefined) gaps.push(`No worker answers for run ${id}.`);
  return gaps;
}

async function describeExtent(buses: OpenBuses['buses'], sequence: number | undefined): Promise<string> {
  const [only, ...others] = buses;
  if (only === undefined || others.length > 0 || sequence === undefined) return '';
  const { first } = await only.bus.extent();
  return first > sequence ? ` (it lay at position ${sequence}; the bus keeps what is from ${first} on)` : '';
}

function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
