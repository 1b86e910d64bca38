/** Everything that is known about one event: for `sluice explain` and programs. */
import { concurrently } from '../../concurrency/concurrently';
import { shortEventId } from '../../event/short-id';
import { explainNamespace } from '../known-names';
import type { TemporalSession } from '../temporal-session';
import { findCandidates, type Candidate } from './find-event';
import { describeLostEvents } from './lost-events';
import type { OpenBuses } from './open-buses';
import { readFacts } from './read-facts';
import { readRunsOf } from './read-runs';
import { describeSilentSources } from './silent-sources';
import type { Story } from './story';
import { timelineOf } from './timeline';
import { verdictOf } from './verdict';

export interface ExplainOptions {
  /** Only objects that are applied in this namespace. Default: all. */
  readonly namespace?: string;
  /** Only events since then. Default: no limit. */
  readonly from?: Date;
}

/** What is known about an event. */
export type Explanation =
  | { readonly kind: 'story'; readonly story: Story }
  | { readonly kind: 'several'; readonly candidates: readonly JudgedCandidate[]; readonly problems: readonly string[] }
  /** `problems`: sources that could not be queried; `hints`: where the event may be instead. */
  | { readonly kind: 'nothing'; readonly problems: readonly string[]; readonly hints: readonly string[] };

/** `verdict` is absent from the older ones of many. */
export type JudgedCandidate = Candidate & { readonly verdict?: Story['verdict'] };

const JUDGED_CANDIDATES = 20;
const JUDGED_AT_ONCE = 4;

/** @param text an event's key, its short id, or any part of its id or data */
export async function explainEvent(
  session: TemporalSession,
  open: OpenBuses,
  text: string,
  { namespace, from }: ExplainOptions,
  progress: (what: string) => void = () => undefined,
): Promise<Explanation> {
  const found = await findCandidates(open.buses, text, from, progress);
  progress('querying runs and sensors');
  const candidates = found.length > 0 ? found : await findInRuns(session, text, namespace);
  const [candidate, ...others] = candidates;
  const { problems } = open;
  if (candidate === undefined) {
    const elsewhere = await explainNamespace(session, namespace);
    const hints = [
      ...(elsewhere === undefined ? [] : [elsewhere]),
      ...(await describeSilentSources(session, namespace, open.buses)),
      ...(await describeLostEvents(open.buses, namespace)),
    ];
    return { kind: 'nothing', problems, hints };
  }
  if (others.length > 0) {
    progress(`querying runs and sensors about ${Math.min(candidates.length, JUDGED_CANDIDATES)} events`);
    const unjudged = candidates.slice(0, -JUDGED_CANDIDATES);
    const newest = candidates.slice(-JUDGED_CANDIDATES);
    const judged = await concurrently(newest, JUDGED_AT_ONCE, async (each): Promise<JudgedCandidate> => {
      return { ...each, verdict: verdictOf(await readFacts(session, open, each, namespace)) };
    });
    return { kind: 'several', candidates: [...unjudged, ...judged], problems };
  }
  const facts = await readFacts(session, open, candidate, namespace);
  const { key, shortId, id, source, subject, event, unknown } = facts;
  return {
    kind: 'story',
    story: {
      event: { key, shortId, id, source, subject, ...(event && { time: event.time, type: event.type }) },
      timeline: timelineOf(facts),
      verdict: verdictOf(facts),
      unknown,
    },
  };
}

/** Runs may still carry events that the bus no longer has. */
async function findInRuns(session: TemporalSession, text: string, namespace: string | undefined): Promise<Candidate[]> {
  const { runs } = await readRunsOf(session, text, namespace);
  const keys = runs.flatMap(({ fires }) => fires ?? []).flatMap(({ events }) => events);
  const key = keys.find((candidate) => candidate === text || shortEventId(candidate) === text);
  if (key === undefined) return [];
  const at = key.indexOf('/');
  const id = key.slice(at + 1);
  const subject = id.split(':')[0] ?? '';
  return [{ key, source: key.slice(0, at), id, subject, buses: new Set(), decisions: [], stored: [] }];
}
