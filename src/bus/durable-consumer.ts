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
import { firstUnhandled, readPositions, writePositions, type ArgoPosition } from './argo-positions';
import type { ListenerOptions, StartFrom } from './bus';
import { eventSubject } from './bus-names';
import type { ConsumerPlace, SensorAddress } from './consumer-place';
import { isStreamMissing } from './stream';

/**
 * How long an in-flight event of a killed worker waits before redelivery. Handlers extend the wait with `working`, so
 * that this need not be as long as the slowest filter.
 */
export const ACK_WAIT_MS = 10_000;
/** Events in flight over all listeners of a sensor. A stuck batch must not starve the ones behind it. */
const MAX_IN_HAND = 2_000;
const CONSUMER_NOT_FOUND = 10014;
/**
 * Settings that delivery depends on. `nats consumer edit` may have changed them: an event must not be dropped after
 * some deliveries, arrive without its content, or be refused to listeners that request many.
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

/** Metadata key of a consumer that took over from another: events up to here may already have been handled. */
const HANDLED_UP_TO = 'sluice.io/handled-up-to';

/** Metadata key of a consumer that began where Argo Events stood. */
const HANDLED_BY_ARGO = 'sluice.io/handled-by-argo-events';

export type ConsumerOptions = Pick<ListenerOptions, 'namespace' | 'sensorName' | 'paths' | 'startFrom'>;

/** Where a consumer that has to be created begins; if omitted, at `startFrom`. */
export interface Beginning {
  /** A consumer of the same stream under a former name: passes on its position and is removed. */
  readonly former?: ConsumerInfo;
  /** Positions of Argo Events. */
  readonly handledByArgo?: readonly ArgoPosition[];
  /** Where to continue if a consumer that this process had read from was deleted. */
  readonly resumeAt?: number;
}

/** Creates the consumer, or updates its subjects and delivery settings, which keeps the position. */
export async function ensureConsumer(
  manager: JetStreamManager,
  place: ConsumerPlace,
  options: ConsumerOptions,
  beginning: Beginning = {},
): Promise<'created' | 'updated' | 'unchanged'> {
  const { former } = beginning;
  const change = await ensureAt(manager, place, options, beginning);
  if (former !== undefined) await deleteConsumer(manager, former.stream_name, former.name);
  return change;
}

async function ensureAt(
  manager: JetStreamManager,
  place: ConsumerPlace,
  options: ConsumerOptions,
  { former, handledByArgo, resumeAt }: Beginning,
): Promise<'created' | 'updated' | 'unchanged'> {
  const existing = await findConsumer(manager, place);
  if (existing) return await updateConsumer(manager, place, existing, options.paths);
  const { config, state } = await manager.streams.info(place.stream);
  const isWorkQueue = config.retention === RetentionPolicy.Workqueue;
  // Work queue consumers must not share a subject; events that the former left unhandled stay on the stream.
  if (former !== undefined && isWorkQueue) await deleteConsumer(manager, former.stream_name, former.name);
  const taken = handledByArgo && firstUnhandled(handledByArgo);
  const from = former === undefined ? (resumeAt ?? taken) : handledTo(former) + 1;
  await manager.consumers.add(place.stream, {
    durable_name: place.name,
    description: describeSensor(options),
    ack_policy: AckPolicy.Explicit,
    ...DELIVERY,
    filter_subjects: subjectsAt(place, options.paths),
    // On a work queue, the server rejects the deliver policy "new": no consumer may skip.
    ...(isWorkQueue ? { deliver_policy: DeliverPolicy.All } : startPosition(state.last_seq, options.startFrom, from)),
    ...((former ?? handledByArgo) && {
      metadata: {
        ...(former && { [HANDLED_UP_TO]: String(former.delivered.stream_seq) }),
        ...(handledByArgo && { [HANDLED_BY_ARGO]: writePositions(handledByArgo) }),
      },
    }),
  });
  return 'created';
}

/** Sets the subjects of a consumer, and the delivery settings that it must have. */
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

/** Gives a sensor that listened at `former` a position on another stream, where it has not handled any event yet. */
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

/** Returns the sequence up to which everything was handled or was not for this sensor. */
export function handledTo({ num_ack_pending: unconfirmed, delivered, ack_floor: floor }: ConsumerInfo): number {
  // The server's own floor moves only with acknowledgements, not past messages that the sensor did not subscribe to.
  return unconfirmed === 0 ? delivered.stream_seq : floor.stream_seq;
}

/** Events up to here may have been handled before, although this consumer delivers them for the first time; 0: none. */
export function handledBefore({ config }: ConsumerInfo): number {
  return Number(config.metadata?.[HANDLED_UP_TO] ?? 0);
}

export function handledByArgo({ config }: ConsumerInfo): readonly ArgoPosition[] {
  return readPositions(config.metadata?.[HANDLED_BY_ARGO]);
}

/** Names of earlier versions are the same for `a` / `b-c` and `a-b` / `c`: only the description distinguishes them. */
export function isConsumerOf({ config }: ConsumerInfo, sensor: SensorAddress): boolean {
  return config.description === undefined || config.description === describeSensor(sensor);
}

/** No error if it does not exist. */
export async function deleteConsumer(manager: JetStreamManager, stream: string, name: string): Promise<void> {
  try {
    await manager.consumers.delete(stream, name);
  } catch (error) {
    if (!isStreamMissing(error) && !isConsumerMissing(error)) throw error;
  }
}

/** Leaves the subjects alone: another worker may have a newer manifest. Returns the settings that had been changed. */
export async function restoreDelivery(
  manager: JetStreamManager,
  { stream_name: stream, name, config }: ConsumerInfo,
): Promise<string[]> {
  const changed = changedDelivery(config);
  if (changed.length > 0) await manager.consumers.update(stream, name, DELIVERY);
  return changed;
}

/** The server omits values that are zero or false. */
function changedDelivery(config: ConsumerConfig): string[] {
  return Object.entries(DELIVERY).flatMap(([key, wanted]) => {
    const found = Object.entries(config).find(([name]) => name === key)?.[1] as unknown;
    const isSame = wanted === 0 || wanted === false ? !found || found === wanted : found === wanted;
    return isSame ? [] : [`${key} was ${String(found)}`];
  });
}

/** Returns the consumer, or undefined if there is none. */
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
    // A recreated stream restarts its sequence at 1.
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
    case 'argo-events':
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: startFrom.otherwise };
  }
}

function sameSubjects(config: ConsumerConfig, subjects: readonly string[]): boolean {
  const existing = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
  return (
    existing.length === subjects.length && [...existing].sort().every((subject, index) => subject === subjects[index])
  );
}
