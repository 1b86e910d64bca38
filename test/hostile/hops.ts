/** Where B's events waited: the time of each hop of an event, from what Temporal and the bus recorded about it. */
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { isJsonObject } from '../../src/event/json';
import { TENANT_B } from './hostile-manifests';

/**
 * In the order that an event passes them: taken in by the webhook, its run started (bus, expressions, Temporal), its
 * activity scheduled (the run's first workflow task), begun by a worker, its request at the receiver.
 */
export const HOPS = ['taken in', 'run started', 'run planned', 'activity begun', 'fired'] as const;
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
      for (const [n, { takenInAt, begunAt }] of run.events) {
        const event = byNumber.get(n);
        if (event === undefined) continue;
        const { sentAt, firedAt } = event;
        measured.push(differences([sentAt, takenInAt, run.startedAt, run.plannedAt, begunAt, firedAt]));
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

interface RunTimes {
  readonly startedAt: number;
  readonly plannedAt: number;
  /** By the number of the event. */
  readonly events: ReadonlyMap<number, { readonly takenInAt: number; readonly begunAt: number }>;
}

function readRun(history: readonly HistoryEvent[]): RunTimes {
  const scheduled = history.filter(({ activityTaskScheduledEventAttributes: found }) => found);
  const begunAt = new Map(
    history.flatMap((event) => {
      const begun = event.activityTaskStartedEventAttributes;
      return begun ? [[String(begun.scheduledEventId), timeOf(event)]] : [];
    }),
  );
  const events = scheduled.flatMap(({ activityTaskScheduledEventAttributes: attributes, eventId }) => {
    const [input] = attributes?.input?.payloads ?? [];
    const request = input ? defaultPayloadConverter.fromPayload<Pick<SensorRunInput, 'events'>>(input) : undefined;
    return (request?.events ?? []).map(({ data, time = '' }) => {
      const body = isJsonObject(data) && isJsonObject(data.body) ? data.body : {};
      const times = { takenInAt: Date.parse(time), begunAt: begunAt.get(String(eventId)) ?? NaN };
      return [Number(body.n), times] as const;
    });
  });
  return { startedAt: timeOf(history[0]), plannedAt: timeOf(scheduled[0]), events: new Map(events) };
}

function timeOf(event: HistoryEvent | undefined): number {
  const time = event?.eventTime;
  return time ? Number(time.seconds) * 1_000 + Number(time.nanos) / 1e6 : NaN;
}
