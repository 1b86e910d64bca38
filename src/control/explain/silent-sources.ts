/** Explains why an event may have no trace: sources that are paused or broken. */
import { eventSourceStatusQuery } from '../../contract/event-source-messages';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, listGone, type AppliedObject } from '../applied-objects';
import { queryApplied } from '../ask-workflow';
import { concurrently } from '../../concurrency/concurrently';
import { describeEnd } from '../status/execution-end';
import { sourceProblems } from '../status/object-problems';
import type { TemporalSession } from '../temporal-session';
import type { OpenBus } from './open-buses';
import { describeRequester } from '../../text/requester-name';

const QUERIES_AT_ONCE = 8;

/** Resolves with one sentence for each event source whose events are held back outside now. */
export async function describeSilentSources(
  session: TemporalSession,
  namespace: string | undefined,
  buses: readonly OpenBus[],
): Promise<string[]> {
  const applied = await listApplied(session, [APPLIED_KINDS.EventSource], namespace);
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  if (applied.length === 0 && buses.length === 0) return [`No event source and no event bus is applied${where}.`];
  const reasons = await concurrently(applied, QUERIES_AT_ONCE, (source) => describeSilence(session, source));
  const gone = await listGone(session, [APPLIED_KINDS.EventSource], namespace, applied);
  return [
    ...reasons.flat(),
    ...gone.map(
      ({ end, ...source }) => `Event source ${source.namespace}/${source.name} no longer exists: ${describeEnd(end)}.`,
    ),
  ];
}

async function describeSilence(session: TemporalSession, source: AppliedObject): Promise<string[]> {
  const name = `Event source ${source.namespace}/${source.name}`;
  try {
    const status = await queryApplied(session, source, eventSourceStatusQuery, []);
    if (status.paused) {
      const { since, by, why } = status.paused;
      return [
        `${name} has been paused since ${since} by ${describeRequester(by)}: ${why}. Events since then are unknown until it is resumed.`,
      ];
    }
    return sourceProblems(status, []).map((problem) => `${name}: ${problem}`);
  } catch {
    return [`${name} cannot be queried.`];
  }
}
