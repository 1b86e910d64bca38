/** Where B's events waited: the time of each hop of an event, from what Temporal and the bus recorded about it. */
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { isJsonObject } from '../../src/event/json';
import { TENANT_B } from './hostile-manifests';

/**
 * In the order that an event passes them: taken in by the webhook; called by the listener, or by an activity of the run
 * (bus, expressions, and Temporal in the latter case); its request at the receiver.
 */
export const HOPS = ['taken in', 'called', 'fired'] as const;
export type Hop = (typeof HOPS)[number];

export interface SentAndFired {
  readonly n: number;
  readonly sentAt: number;
  readonly firedAt: number;
}

/** For each event the milliseconds of every hop. */
export async function measureHops(
  environment: Readonly<Record<string, string>>,
  events: readonly SentAndFired[],
): Promise<ReadonlyArray<Readonly<Record<Hop, number>>>> {
  const connection = await Connection.connect({ address: environment.TEMPORAL_ADDRESS ?? '' });
  try {
    const client = new Client({ connection });
    const byNumber = new Map(events.map((event) => [event.n, event]));
    const measured: Array<Readonly<Record<Hop, number>>> = [];
    const since = new Date(Math.min(...events.map(({ sentAt }) => sentAt)) - 1_000).toISOString();
    const query = `WorkflowType = "sensorRun" AND SluiceSensor = "${TENANT_B}/orders" AND StartTime >= "${since}"`;
    for await (const { workflowId } of client.workflow.list({ query })) {
      const run = readRun((await client.workflow.getHandle(workflowId).fetchHistory()).events ?? []);
      for (const [n, { takenInAt, calledAt }] of run) {
        const event = byNumber.get(n);
        // Runs of the last second before, such as those of the round that warms up, have events of the same numbers.
        if (event === undefined || takenInAt < event.sentAt) continue;
        const { sentAt, firedAt } = event;
        measured.push(differences([sentAt, takenInAt, calledAt, firedAt]));
      }
    }
    return measured;
  } finally {
    await connection.close();
  }
}

function differences(times: readonly number[]): Readonly<Record<Hop, number>> {
  const hop = (index: number): number => (times[index + 1] ?? NaN) - (times[index] ?? NaN);
  return Object.fromEntries(HOPS.map((name, index) => [name, hop(index)])) as Record<Hop, number>;
}

type HistoryEvent = NonNullable<
  Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']
>[number];

interface EventTimes {
  readonly takenInAt: number;
  readonly calledAt: number;
}

/** By the number of the event. */
function readRun(history: readonly HistoryEvent[]): ReadonlyMap<number, EventTimes> {
  const byListener = new Map<string, number>();
  for (const event of history) {
    const input = readInput(event.workflowExecutionStartedEventAttributes);
    const { attempts = [], underWay = [] } = input?.listenerAttempts ?? {};
    for (const attempt of [...attempts, ...underWay]) {
      if ('at' in attempt) byListener.set(attempt.fireId, Date.parse(attempt.at));
    }
  }
  const begunAt = new Map(
    history.flatMap((event) => {
      const begun = event.activityTaskStartedEventAttributes;
      return begun ? [[String(begun.scheduledEventId), timeOf(event)]] : [];
    }),
  );
  const times = new Map<number, EventTimes>();
  for (const event of history) {
    const carried = readInput(
      event.workflowExecutionStartedEventAttributes ?? event.activityTaskScheduledEventAttributes,
    );
    for (const { id, dependencies } of carried?.fires ?? []) {
      const calledAt = byListener.get(id) ?? begunAt.get(String(event.eventId));
      if (calledAt === undefined) continue;
      for (const index of Object.values(dependencies).flat()) {
        const { data, time = '' } = carried?.events[index] ?? {};
        const body = isJsonObject(data) && isJsonObject(data.body) ? data.body : {};
        times.set(Number(body.n), { takenInAt: Date.parse(time), calledAt });
      }
    }
  }
  return times;
}

type RunInput = Pick<SensorRunInput, 'events' | 'fires' | 'listenerAttempts'>;

/** Of a run, or of an activity that carries some of its fires. */
function readInput(
  attributes: HistoryEvent['activityTaskScheduledEventAttributes' | 'workflowExecutionStartedEventAttributes'],
): RunInput | undefined {
  const [input] = attributes?.input?.payloads ?? [];
  return input ? defaultPayloadConverter.fromPayload<RunInput>(input) : undefined;
}

function timeOf(event: HistoryEvent | undefined): number {
  const time = event?.eventTime;
  return time ? Number(time.seconds) * 1_000 + Number(time.nanos) / 1e6 : NaN;
}
