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
import { eventSubject } from './bus-names';
import type { ConsumerPlace, SensorAddress } from './consumer-place';
import { isStreamMissing } from './stream';

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

/** On a consumer that took over from another: events up to here may have been handled already. */
const HANDLED_UP_TO = 'sluice.io/handled-up-to';

export type ConsumerOptions = Pick<ListenerOptions, 'namespace' | 'sensorName' | 'paths' | 'startFrom'>;

/**
 * Creates the consumer, or updates its subjects and what delivery depends on, which keeps the position. A consumer of
 * the same stream under a former name hands over its position and is removed.
 * `resumeAt` is where to go on when a consumer that this process had read from was deleted.
 */
export async function ensureConsumer(
  manager: JetStreamManager,
  place: ConsumerPlace,
  options: ConsumerOptions,
  { former, resumeAt }: { readonly former?: ConsumerInfo; readonly resumeAt?: number } = {},
): Promise<'created' | 'updated' | 'unchanged'> {
  const change = await ensureAt(manager, place, options, former, resumeAt);
  if (former !== undefined) await deleteConsumer(manager, former.stream_name, former.name);
  return change;
}

async function ensureAt(
  manager: JetStreamManager,
  place: ConsumerPlace,
  options: ConsumerOptions,
  former: ConsumerInfo | undefined,
  resumeAt: number | undefined,
): Promise<'created' | 'updated' | 'unchanged'> {
  const existing = await findConsumer(manager, place);
  if (existing) return await updateConsumer(manager, place, existing, options.paths);
  const { config, state } = await manager.streams.info(place.stream);
  const isWorkQueue = config.retention === RetentionPolicy.Workqueue;
  // There, two consumers may not ask for one subject; what the former had not handled is still on the stream.
  if (former !== undefined && isWorkQueue) await deleteConsumer(manager, former.stream_name, former.name);
  const from = former === undefined ? resumeAt : handledTo(former) + 1;
  await manager.consumers.add(place.stream, {
    durable_name: place.name,
    description: describeSensor(options),
    ack_policy: AckPolicy.Explicit,
    ...DELIVERY,
    filter_subjects: subjectsAt(place, options.paths),
    // Asking for "new" on a work queue is an error of the server: no consumer may skip.
    ...(isWorkQueue ? { deliver_policy: DeliverPolicy.All } : startPosition(state.last_seq, options.startFrom, from)),
    ...(former && { metadata: { [HANDLED_UP_TO]: String(former.delivered.stream_seq) } }),
  });
  return 'created';
}

/** Makes a consumer ask for these events, and deliver as it must. */
export async function updateConsumer(
  manager: JetStreamManager,
  place: ConsumerPlace,
  existing: ConsumerInfo,
  paths: readonly string[],
): Promise<'updated' | 'unchanged'> {
  const subjects = subjectsAt(place, paths);
  if (sameSubjects(existing.config, subjects) && changedDelivery(existing.config).length === 0) return 'unchanged';
  await manager.consumers.update(place.stream, place.name, { filter_subjects: subjects, ...DELIVERY });
  return 'updated';
}

/** Gives a sensor that listened at `former` its place on another stream, all of which is yet to be handled. */
export async function adoptConsumer(
  manager: JetStreamManager,
  place: ConsumerPlace,
  former: ConsumerPlace,
  { config }: ConsumerInfo,
): Promise<void> {
  if ((await findConsumer(manager, place)) !== undefined) return;
  const paths = (config.filter_subjects ?? []).map((subject) => subject.slice(former.prefix.length + 1));
  await manager.consumers.add(place.stream, {
    durable_name: place.name,
    ...(config.description !== undefined && { description: config.description }),
    ack_policy: AckPolicy.Explicit,
    ...DELIVERY,
    filter_subjects: subjectsAt(place, paths),
    deliver_policy: DeliverPolicy.All,
  });
}

/** Up to here, everything was handled or was not for this sensor. */
export function handledTo({ num_ack_pending: unconfirmed, delivered, ack_floor: floor }: ConsumerInfo): number {
  // The server's own floor moves with acknowledgements only, not over what the sensor did not ask for.
  return unconfirmed === 0 ? delivered.stream_seq : floor.stream_seq;
}

/** Events up to here come a second time although this consumer delivers them first; 0: none. */
export function handledBefore({ config }: ConsumerInfo): number {
  return Number(config.metadata?.[HANDLED_UP_TO] ?? 0);
}

/** Names of earlier versions are the same for `a` / `b-c` and `a-b` / `c`: only the description tells them apart. */
export function isConsumerOf({ config }: ConsumerInfo, sensor: SensorAddress): boolean {
  return config.description === undefined || config.description === describeSensor(sensor);
}

/** No error if there is none. */
export async function deleteConsumer(manager: JetStreamManager, stream: string, name: string): Promise<void> {
  try {
    await manager.consumers.delete(stream, name);
  } catch (error) {
    if (!isStreamMissing(error) && !isConsumerMissing(error)) throw error;
  }
}

/** Leaves the subjects alone: another worker may have a newer manifest. Returns what had been changed. */
export async function restoreDelivery(
  manager: JetStreamManager,
  { stream_name: stream, name, config }: ConsumerInfo,
): Promise<string[]> {
  const changed = changedDelivery(config);
  if (changed.length > 0) await manager.consumers.update(stream, name, DELIVERY);
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
export async function findConsumer(
  manager: JetStreamManager,
  { stream, name }: Pick<ConsumerPlace, 'stream' | 'name'>,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, name);
  } catch (error) {
    if (isConsumerMissing(error) || isStreamMissing(error)) return undefined;
    throw error;
  }
}

function isConsumerMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND;
}

function describeSensor({ namespace, sensorName }: SensorAddress): string {
  return `Sluice sensor ${namespace}/${sensorName}`;
}

function subjectsAt(place: ConsumerPlace, paths: readonly string[]): string[] {
  return [...new Set(paths)].map((path) => eventSubject(place, path)).sort();
}

function startPosition(
  lastSequence: number,
  startFrom: StartFrom,
  resumeAt: number | undefined,
): Partial<ConsumerConfig> {
  if (resumeAt !== undefined) {
    // A stream that was made anew counts from its beginning again.
    if (resumeAt > lastSequence + 1) return { deliver_policy: DeliverPolicy.All };
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
