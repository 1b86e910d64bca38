/** The runs that carry an event: their fires from the result or the workflow itself, the rest from the history. */
import type { temporal } from '@temporalio/proto';
import type { FireTriggersRequest } from '../../../activities/contracts';
import type { RunRetriggerRequest, SensorRunInput } from '../../../workflows/messages';
import type { FireStatus } from '../../run/run-types';
import { isNotFound } from '../ask-workflow';
import { concurrently } from '../concurrently';
import { findRuns, type FoundRun } from '../runs/find-runs';
import { readFires } from '../runs/run-details';
import type { TemporalSession } from '../temporal';
import type { RunAct, RunFacts } from './facts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Payloads = temporal.api.common.v1.IPayloads;

const MAX_RUNS = 50;
const READS_AT_ONCE = 4;

/** Oldest first. `event` is a key or a short id. */
export async function readRunsOf(
  session: TemporalSession,
  event: string,
  namespace: string | undefined,
): Promise<RunFacts[]> {
  const found: FoundRun[] = [];
  for await (const run of findRuns(session, { event, namespace: namespace ?? '' })) {
    if (namespace === undefined || run.sensor.startsWith(`${namespace}/`)) found.push(run);
    if (found.length >= MAX_RUNS) break;
  }
  const runs = await concurrently(found, READS_AT_ONCE, (run) => readRun(session, run));
  return runs.filter((run) => run !== undefined).sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
}

/** Undefined for a run that is being forgotten: it is listed a little longer than it is kept. */
export async function readRun(session: TemporalSession, run: FoundRun): Promise<RunFacts | undefined> {
  const history = await fetchHistory(session, run.id);
  if (history === undefined) return undefined;
  const input = await decode<SensorRunInput>(
    session,
    history[0]?.workflowExecutionStartedEventAttributes?.input ?? undefined,
  );
  const fires = (await resultOf(session, history)) ?? (await readFires(session, run.id));
  const times = await fireTimes(session, history);
  return {
    ...run,
    fires: fires?.map((fire) => {
      const at = times.get(fire.id) ?? times.get('');
      return { ...fire, ...(at !== undefined && { at }) };
    }),
    ...(input?.retriggerOf && { origin: input.retriggerOf }),
    ...(input?.parkedBecause !== undefined && { parkedBecause: input.parkedBecause }),
    acts: await actsOf(session, history),
  };
}

async function fetchHistory(session: TemporalSession, runId: string): Promise<readonly HistoryEvent[] | undefined> {
  try {
    return (await session.client.workflow.getHandle(runId).fetchHistory()).events ?? [];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** An ended run tells by its result, which needs no worker. */
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

/** Fire id → when its last attempt ended; under '' the time of the attempt that fires made together. */
async function fireTimes(session: TemporalSession, history: readonly HistoryEvent[]): Promise<Map<string, string>> {
  const times = new Map<string, string>();
  const fireOf = new Map<string, string>();
  for (const event of history) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const ended =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes;
    if (event.markerRecordedEventAttributes && !times.has('')) times.set('', timeOf(event));
    if (scheduled?.activityType?.name === 'sluiceFireTrigger') {
      const request = await decode<FireTriggersRequest>(session, scheduled.input ?? undefined);
      fireOf.set(String(event.eventId), request?.fires[0]?.id ?? '-');
    }
    const fireId = ended ? fireOf.get(String(ended.scheduledEventId)) : undefined;
    if (fireId !== undefined) times.set(fireId, timeOf(event));
  }
  return times;
}

async function actsOf(session: TemporalSession, history: readonly HistoryEvent[]): Promise<RunAct[]> {
  const acts: RunAct[] = [];
  for (const event of history) {
    const signal = event.workflowExecutionSignaledEventAttributes;
    if (signal?.signalName !== 'retrigger' && signal?.signalName !== 'discard') continue;
    const request = await decode<Partial<RunRetriggerRequest>>(session, signal.input ?? undefined);
    const what = signal.signalName === 'discard' ? 'discarded' : 'retriggered';
    const { by = '', why = '', overrides } = request ?? {};
    acts.push({ at: timeOf(event), what, by, why, ...(overrides && { overrides }) });
  }
  return acts;
}

function timeOf({ eventTime }: HistoryEvent): string {
  return new Date(Number(eventTime?.seconds ?? 0) * 1000 + Number(eventTime?.nanos ?? 0) / 1e6).toISOString();
}

/** The first of the payloads; undefined where there is none, or none that can be read here. */
async function decode<Value>(session: TemporalSession, payloads: Payloads | undefined): Promise<Value | undefined> {
  const { payloadConverter, payloadCodecs } = session.client.options.loadedDataConverter;
  let decoded = payloads?.payloads ?? [];
  for (const codec of [...payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  const [first] = decoded;
  return first && payloadConverter.fromPayload<Value>(first);
}
