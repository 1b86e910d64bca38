/** Reads from a run's history what the run does not report: times, operators' actions, and what fires wait for. */
import type { temporal } from '@temporalio/proto';
import type { FireTriggersRequest, PublishOutcomesRequest, SensorActivities } from '../../contract/activities';
import { missingRequester } from '../../contract/operator-request';
import type { RunRetriggerRequest } from '../../contract/run-messages';
import type { FireStatus } from '../../contract/fires';
import type { PendingActivity } from '../pending-activities';
import type { RunAct } from './facts';

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
export type Payloads = temporal.api.common.v1.IPayloads;
type Decode = <Value>(payloads: Payloads | null | undefined) => Promise<Value | undefined>;

/** One regular activity of a run, with all of its Temporal attempts. */
interface FireActivity {
  readonly activityId: string;
  readonly fireId: string;
  readonly attemptsBefore: number;
  readonly endedAt?: string;
}

interface Timer {
  readonly summary: string;
  readonly until: string;
}

export interface RunHistory {
  readonly attempts: readonly FireActivity[];
  /** When the attempt that fires share had ended. */
  readonly firedAt?: string;
  /** Ids of fires whose outcome was published. */
  readonly announced: ReadonlySet<string>;
  readonly acts: readonly RunAct[];
  /** Timers of fires that have not fired yet. */
  readonly timers: readonly Timer[];
}

const FIRE: keyof SensorActivities = 'sluiceFireTrigger';
const PUBLISH: keyof SensorActivities = 'sluicePublishOutcomes';

export async function readRunHistory(history: readonly HistoryEvent[], decode: Decode): Promise<RunHistory> {
  const endedAt = new Map<string, string>();
  const completed = new Set<string>();
  const attempts: Array<FireActivity & { readonly scheduled: string }> = [];
  const published: Array<{ readonly scheduled: string; readonly fires: readonly string[] }> = [];
  const timers = new Map<string, Timer>();
  const acts: RunAct[] = [];
  let firedAt: string | undefined;
  for (const event of history) {
    if (event.markerRecordedEventAttributes) firedAt ??= timeOf(event);
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.activityType?.name === FIRE) {
      const request = await decode<FireTriggersRequest & { attemptsBefore?: number }>(scheduled.input);
      attempts.push({
        scheduled: String(event.eventId),
        activityId: scheduled.activityId ?? '',
        fireId: request?.fires[0]?.id ?? '',
        attemptsBefore: request?.attemptsBefore ?? 0,
      });
    } else if (scheduled?.activityType?.name === PUBLISH) {
      const request = await decode<PublishOutcomesRequest>(scheduled.input);
      published.push({ scheduled: String(event.eventId), fires: request?.fires.map(({ id }) => id) ?? [] });
    }
    const done = event.activityTaskCompletedEventAttributes;
    const ended = done ?? event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (ended) endedAt.set(String(ended.scheduledEventId), timeOf(event));
    if (done) completed.add(String(done.scheduledEventId));
    const timer = await readTimer(event, decode);
    if (timer) timers.set(String(event.eventId), timer);
    const over = event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes;
    if (over) timers.delete(String(over.startedEventId));
    const act = await readAct(event, decode);
    if (act) acts.push(act);
  }
  return {
    attempts: attempts.map(({ scheduled, ...attempt }) => {
      const at = endedAt.get(scheduled);
      return { ...attempt, ...(at !== undefined && { endedAt: at }) };
    }),
    ...(firedAt !== undefined && { firedAt }),
    announced: new Set(published.filter(({ scheduled }) => completed.has(scheduled)).flatMap(({ fires }) => fires)),
    acts,
    timers: [...timers.values()],
  };
}

/** Describes the attempt or timer that an unfired fire waits for; undefined if there is none. */
export function describeWait(
  { id, trigger, state }: FireStatus,
  { attempts, timers }: RunHistory,
  pending: readonly PendingActivity[],
): string | undefined {
  if (state !== 'Firing' && state !== 'Retrying') return undefined;
  const activity = attempts.find(({ fireId, endedAt }) => fireId === id && endedAt === undefined);
  const now = pending.find((candidate) => candidate.id === activity?.activityId);
  if (activity !== undefined && now !== undefined) {
    const which = `attempt ${activity.attemptsBefore + now.attempt} ${now.state === 'started' ? 'is in flight' : 'is scheduled'}`;
    return now.lastFailure === undefined ? which : `${which}, the last one failed: ${now.lastFailure}`;
  }
  // Fires of one trigger wait separately, and timers do not name their fire: the last one is the upper bound.
  const own = timers.filter(
    ({ summary }) => summary === `rate limit of ${trigger}` || summary === `before trying ${trigger} again`,
  );
  const last = own
    .map(({ until }) => until)
    .sort()
    .at(-1);
  return last === undefined
    ? undefined
    : `${own[0]?.summary ?? ''}, until ${last}${own.length > 1 ? ' at the latest' : ''}`;
}

async function readTimer(event: HistoryEvent, decode: Decode): Promise<Timer | undefined> {
  const started = event.timerStartedEventAttributes;
  const summary = event.userMetadata?.summary;
  if (!started || !summary) return undefined;
  const text = await decode<string>({ payloads: [summary] });
  const waitMs =
    Number(started.startToFireTimeout?.seconds ?? 0) * 1_000 + Number(started.startToFireTimeout?.nanos ?? 0) / 1e6;
  return { summary: text ?? '', until: new Date(Date.parse(timeOf(event)) + waitMs).toISOString() };
}

async function readAct(event: HistoryEvent, decode: Decode): Promise<RunAct | undefined> {
  const signal = event.workflowExecutionSignaledEventAttributes;
  if (signal?.signalName !== 'retrigger' && signal?.signalName !== 'discard') return undefined;
  const request = await decode<Partial<RunRetriggerRequest>>(signal.input);
  const { by = '', why = '', fireId, trigger, overrides } = request ?? {};
  const asked = signal.signalName === 'discard' ? 'discarded' : 'retriggered';
  const missing = missingRequester({ by, why });
  return {
    ...{ at: timeOf(event), what: missing === undefined ? asked : 'refused', by, why: missing ?? why },
    ...(fireId !== undefined && { fireId }),
    ...(trigger !== undefined && { trigger }),
    ...(overrides !== undefined && { overrides }),
  };
}

function timeOf({ eventTime }: HistoryEvent): string {
  return new Date(Number(eventTime?.seconds ?? 0) * 1000 + Number(eventTime?.nanos ?? 0) / 1e6).toISOString();
}
