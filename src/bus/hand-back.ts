/** Moves the consumers of an Argo Events sensor past everything that Sluice has handled for it. */
import { jetstream, type JetStreamManager } from '@nats-io/jetstream';
import { SluiceError } from '../errors/sluice-error';
import { ARGO_STREAM, findArgoConsumers } from './argo-consumers';
import type { ArgoSubscription } from './argo-positions';
import { bucketStream } from './bus-names';
import type { BusConnection } from './bus-connection';

export interface HandedBack {
  readonly consumer: string;
  readonly trigger: string;
  readonly dependency: string;
  /** Events that Argo Events no longer receives. */
  readonly skipped: number;
  /** An event that it held for others was removed: it belongs to Sluice by now. */
  readonly heldRemoved: boolean;
}

const FETCH = 500;
const FETCH_TIMEOUT_MS = 1_000;

/** @throws SluiceError BUS_REFUSED while something reads one of the consumers */
export async function handBack(
  connection: BusConnection,
  manager: JetStreamManager,
  sensorName: string,
  subscriptions: readonly ArgoSubscription[],
  handledTo: number,
): Promise<HandedBack[]> {
  const found = await findArgoConsumers(manager, sensorName, subscriptions);
  const busy = found.find(({ info }) => (info?.num_waiting ?? 0) > 0);
  if (busy !== undefined) {
    throw new SluiceError('BUS_REFUSED', {
      message: `Consumer ${busy.name} of trigger ${busy.trigger} is being read: Argo Events runs the sensor`,
      fix: 'Scale the Deployment of Argo Events for this sensor to 0 first.',
      retryable: false,
    });
  }
  const moved = new Map<string, number>();
  const results: HandedBack[] = [];
  for (const { name, trigger, dependency, info, held } of found) {
    if (info === undefined) continue;
    const skipped = moved.get(name) ?? (await skipTo(connection, name, info.num_pending, handledTo));
    moved.set(name, skipped);
    const heldRemoved = held !== undefined && held <= handledTo;
    if (heldRemoved) {
      const subject = `$KV.${sensorName}.${trigger}/${dependency}`;
      await manager.streams.purge(bucketStream(sensorName), { filter: subject });
    }
    results.push({ consumer: name, trigger, dependency, skipped, heldRemoved });
  }
  return results;
}

/** Confirms every event up to there. Later ones that were fetched with them are returned at once. */
async function skipTo({ nats }: BusConnection, name: string, pending: number, handledTo: number): Promise<number> {
  const consumer = await jetstream(nats).consumers.get(ARGO_STREAM, name);
  let skipped = 0;
  for (let left = pending; left > 0;) {
    const messages = await consumer.fetch({ max_messages: Math.min(FETCH, left), expires: FETCH_TIMEOUT_MS });
    let [received, isPast] = [0, false];
    for await (const message of messages) {
      received += 1;
      if (message.seq <= handledTo) {
        message.ack();
        skipped += 1;
      } else {
        message.nak();
        isPast = true;
      }
    }
    await nats.flush();
    if (received === 0 || isPast) break;
    left -= received;
  }
  return skipped;
}
