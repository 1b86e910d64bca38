/** Collects the facts about one event from buses, sensors and runs. */
import { eventKey } from '../../event/cloud-event';
import { OUTCOME_SOURCE, outcomeEventId } from '../../event/outcome-event-id';
import { shortEventId } from '../../event/short-id';
import { concurrently } from '../../concurrency/concurrently';
import { findRuns, type FoundRun } from '../runs/search-runs';
import type { BusPosition, EventFacts, FireFacts, RunAct, RunFacts, StoredOnBus } from './facts';
import type { Candidate } from './find-event';
import type { OpenBuses } from './open-buses';
import { readRunsOf } from './read-runs';
import { readInterestedSensors } from './read-sensors';
import type { TemporalSession } from '../temporal-session';

const QUERIES_AT_ONCE = 4;
const MAX_REACTIONS = 20;

export async function readFacts(
  session: TemporalSession,
  { buses, problems }: OpenBuses,
  candidate: Candidate,
  namespace: string | undefined,
): Promise<EventFacts> {
  const { key, id, source, subject } = candidate;
  const named = candidate.decisions.flatMap(({ runId }) => runId ?? []);
  const [{ runs, more }, interested] = await Promise.all([
    readRunsOf(session, key, namespace, named),
    readInterestedSensors(session, namespace, candidate, buses),
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
    runs: await concurrently(runs, QUERIES_AT_ONCE, (run) => readReactions(session, ofEvent(run, key))),
    sensors: interested.sensors,
    unasked: interested.unasked,
    gone: interested.gone,
    now: new Date(),
  };
  return {
    ...facts,
    unknown: [
      ...problems,
      ...interested.problems,
      ...(more ? [`Only the newest ${runs.length} of its runs are shown.`] : []),
      ...(await describeGaps(facts, buses)),
    ],
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
  const fires = run.fires?.filter(({ events }) => events.includes(key));
  const isMeant = ({ fireId, trigger }: RunAct): boolean =>
    fires === undefined ||
    fires.some((fire) => (fireId ?? fire.id) === fire.id && (trigger ?? fire.trigger) === fire.trigger);
  return { ...run, fires, acts: run.acts.filter(isMeant) };
}

/** The outcome of a fire is an event itself; the runs that it started are the end of this event's story. */
async function readReactions(session: TemporalSession, run: RunFacts): Promise<RunFacts> {
  const [namespace = '', sensorName = ''] = run.sensor.split('/');
  const fires = run.fires?.map(async (fire): Promise<FireFacts> => {
    if (!fire.isAnnounced) return fire;
    const event = eventKey({ source: OUTCOME_SOURCE, id: outcomeEventId(sensorName, fire.id, fire.outcome) });
    const reactions: FoundRun[] = [];
    for await (const found of findRuns(session, { event, namespace })) {
      if (reactions.push(found) >= MAX_REACTIONS) break;
    }
    return { ...fire, announcement: { event, reactions: reactions.reverse() } };
  });
  return { ...run, fires: fires && (await Promise.all(fires)) };
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
    gaps.push(`Temporal no longer keeps run ${runId} (retention): its outcome is unknown.`);
  }
  if (decisions.length === 0 && runs.length > 0) {
    gaps.push(
      'No decision about it is stored: decisions are kept for seven days, and not if sluice.io/decisions is off.',
    );
  }
  for (const { id, fires } of runs) if (fires === undefined) gaps.push(`No worker answers for run ${id}.`);
  return gaps;
}

async function describeExtent(buses: OpenBuses['buses'], sequence: number | undefined): Promise<string> {
  const [only, ...others] = buses;
  if (only === undefined || others.length > 0 || sequence === undefined) return '';
  const { first } = await only.bus.extent();
  return first > sequence ? ` (it was at position ${sequence}; the bus keeps positions from ${first} on)` : '';
}

function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
