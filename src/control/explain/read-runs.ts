/** Reads the runs that carry an event: fires from the result or the workflow itself, the rest from the history. */
import type { SensorRunInput } from '../../contract/run-messages';
import { decodePayload } from '../../payloads/decode-payload';
import type { FireStatus, ListenerAttempt } from '../../contract/fires';
import { runUnknown } from '../ask-workflow';
import { isWorkflowNotFound } from '../find-execution';
import { concurrently } from '../../concurrency/concurrently';
import { readPendingActivities } from '../pending-activities';
import { findKeptRun, findRuns, type FoundRun } from '../runs/search-runs';
import { readFires } from '../runs/read-fires';
import type { TemporalSession } from '../temporal-session';
import type { RunFacts } from './facts';
import { describeWait, readRunHistory, type HistoryEvent, type Payloads } from './run-history';

const MAX_RUNS = 50;
const READS_AT_ONCE = 4;

/**
 * Oldest first. `event` is a key or a short id; `named` are ids of runs known to carry it, because visibility lists a
 * new run with a delay. `more`: there are so many that the oldest are left out.
 */
export async function readRunsOf(
  session: TemporalSession,
  event: string,
  namespace: string | undefined,
  named: readonly string[] = [],
): Promise<{ readonly runs: RunFacts[]; readonly more: boolean }> {
  const isWanted = ({ sensor }: FoundRun): boolean => namespace === undefined || sensor.startsWith(`${namespace}/`);
  const found = new Map<string, FoundRun>();
  let more = false;
  for await (const run of findRuns(session, { event, namespace: namespace ?? '' })) {
    if (!isWanted(run)) continue;
    more = found.size >= MAX_RUNS;
    if (more) break;
    found.set(run.id, run);
  }
  const missed = more ? [] : [...new Set(named)].filter((id) => !found.has(id));
  for (const run of await concurrently(missed, READS_AT_ONCE, (id) => findKeptRun(session, id))) {
    if (run !== undefined && isWanted(run)) found.set(run.id, run);
  }
  const runs = await concurrently([...found.values()], READS_AT_ONCE, (run) => readRun(session, run));
  return {
    runs: runs.filter((run) => run !== undefined).sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt)),
    more,
  };
}

/** Resolves with undefined if the run was already deleted: visibility lags behind retention. */
export async function readRun(session: TemporalSession, run: FoundRun): Promise<RunFacts | undefined> {
  const history = await fetchHistory(session, run.id);
  if (history === undefined) return undefined;
  const input = await decode<SensorRunInput>(
    session,
    history[0]?.workflowExecutionStartedEventAttributes?.input ?? undefined,
  );
  const fires = (await resultOf(session, history)) ?? (await readFires(session, run.id));
  const told = await readRunHistory(history, (payloads) => decode(session, payloads ?? undefined));
  const activities =
    run.endedAt === undefined ? await readPendingActivities(session, run.id, () => runUnknown(run.id)) : [];
  return {
    ...run,
    fires: fires?.map((fire) => {
      const at =
        told.attempts.findLast(({ fireId, endedAt }) => fireId === fire.id && endedAt)?.endedAt ??
        endOf(fire.listenerAttempt) ??
        told.firedAt;
      const underWay = describeWait(fire, told, activities);
      return {
        ...fire,
        isAnnounced: told.announced.has(fire.id),
        ...(at !== undefined && { at }),
        ...(underWay !== undefined && { underWay }),
      };
    }),
    ...(input?.retriggerOf && { origin: input.retriggerOf }),
    ...(input?.priority !== undefined && { priority: input.priority }),
    ...(input?.parkedBecause !== undefined && { parkedBecause: input.parkedBecause }),
    acts: told.acts,
    activities,
  };
}

function endOf(attempt: ListenerAttempt | undefined): string | undefined {
  if (attempt?.tookMs === undefined) return undefined;
  return new Date(Date.parse(attempt.at) + attempt.tookMs).toISOString();
}

async function fetchHistory(session: TemporalSession, runId: string): Promise<readonly HistoryEvent[] | undefined> {
  try {
    return (await session.client.workflow.getHandle(runId).fetchHistory()).events ?? [];
  } catch (error) {
    if (isWorkflowNotFound(error)) return undefined;
    throw error;
  }
}

/** An ended run is read from its result, which needs no worker. */
async function resultOf(
  session: TemporalSession,
  history: readonly HistoryEvent[],
): Promise<readonly FireStatus[] | undefined> {
  const last = history.at(-1);
  const payloads =
    last?.workflowExecutionCompletedEventAttributes?.result ??
    last?.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo?.details;
  return (await decode<{ fires?: readonly FireStatus[] }>(session, payloads ?? undefined))?.fires;
}

/** Decodes the first payload; undefined if there is none, or none that can be decoded here. */
async function decode<Value>(session: TemporalSession, payloads: Payloads | undefined): Promise<Value | undefined> {
  const [first] = payloads?.payloads ?? [];
  return first && (await decodePayload<Value>(session.client.options.loadedDataConverter, first));
}
