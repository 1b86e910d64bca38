/** The durable consumer of a sensor: its position on the bus, which outlives every worker. */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  RetentionPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { ListenerOptions, StartFrom } from './bus';
import { EVENT_STREAM, consumerName } from './subjects';

/**
 * How long an event that a killed worker had in hand waits for another one. Whoever handles an event keeps it with
 * `working` meanwhile, so that this need not be as long as the slowest filter.
 */
export const ACK_WAIT_MS = 10_000;
/** Events in hand over all listeners of a sensor. A stuck batch must not starve the ones behind it. */
const MAX_IN_HAND = 2_000;
const CONSUMER_NOT_FOUND = 10014;
/**
 * What delivery depends on. `nats consumer edit` may have changed it: an event must not be given up after some
 * deliveries, come without its content, or be refused to those who ask for many.
 */
const DELIVERY = {
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: MAX_IN_HAND,
  max_deliver: -1,
  max_batch: 0,
  max_bytes: 0,
  max_expires: 0,
  headers_only: false,
} as const satisfies Partial<ConsumerConfig>;

/**
 * Creates the consumer, or updates its subjects and what delivery depends on, which keeps the position.
 * `resumeAt` is where to go on when a consumer that this process had read from was deleted.
 */
export async function ensureConsumer(
  manager: JetStreamManager,
  options: ListenerOptions,
  resumeAt?: number,
): Promise<'created' | 'updated' | 'unchanged'> {
  const name = consumerName(options.namespace, options.sensorName);
  const subjects = [...new Set(options.subjects)].sort();
  const existing = await findConsumer(manager, name);
  if (!existing) {
    await manager.consumers.add(EVENT_STREAM, {
      durable_name: name,
      description: `Sluice sensor ${options.namespace}/${options.sensorName}`,
      ack_policy: AckPolicy.Explicit,
      ...DELIVERY,
      filter_subjects: subjects,
      ...(await startPosition(manager, options.startFrom, resumeAt)),
    });
    return 'created';
  }
  if (sameSubjects(existing.config, subjects) && changedDelivery(existing.config).length === 0) return 'unchanged';
  await manager.consumers.update(EVENT_STREAM, name, { filter_subjects: subjects, ...DELIVERY });
  return 'updated';
}

/** Leaves the subjects alone: another worker may have a newer manifest. Returns what had been changed. */
export async function restoreDelivery(manager: JetStreamManager, { name, config }: ConsumerInfo): Promise<string[]> {
  const changed = changedDelivery(config);
  if (changed.length > 0) await manager.consumers.update(EVENT_STREAM, name, DELIVERY);
  return changed;
}

/** The server leaves out what is zero or false. */
function changedDelivery(config: ConsumerConfig): string[] {
  return Object.entries(DELIVERY).flatMap(([key, wanted]) => {
    const found = Object.entries(config).find(([name]) => name === key)?.[1] as unknown;
    const isSame = wanted === 0 || wanted === false ? !found || found === wanted : found === wanted;
    return isSame ? [] : [`${key} was ${String(found)}`];
  });
}

/** The consumer as it is, or undefined where there is none. */
export async function findConsumer(manager: JetStreamManager, name: string): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(EVENT_STREAM, name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

async function startPosition(
  manager: JetStreamManager,
  startFrom: StartFrom,
  resumeAt: number | undefined,
): Promise<Partial<ConsumerConfig>> {
  const stream = await manager.streams.info(EVENT_STREAM);
  // A work queue has no consumers that skip: asking for "new" there is an error of the server.
  if (stream.config.retention === RetentionPolicy.Workqueue) return { deliver_policy: DeliverPolicy.All };
  if (resumeAt !== undefined) {
    // A stream that was made anew counts from 1 again.
    if (resumeAt > stream.state.last_seq + 1) return { deliver_policy: DeliverPolicy.All };
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: resumeAt };
  }
  switch (startFrom.kind) {
    case 'all':
      return { deliver_policy: DeliverPolicy.All };
    case 'new':
      return { deliver_policy: DeliverPolicy.New };
    case 'time':
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: startFrom.time };
  }
}

function sameSubjects(config: ConsumerConfig, subjects: readonly string[]): boolean {
  const existing = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
  return (
    existing.length === subjects.length && [...existing].sort().every((subject, index) => subject === subjects[index])
  );
}
