/** The durable consumer of an event source: its position in a stream of JetStream, which outlives every worker. */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { JsonObject } from '../event/json';
import { shortHash } from '../event/short-id';
import type { StreamStart } from '../manifest/annotations';
import type { EventOptions } from '../manifest/event-source';
import type { SourceBacklog, SourceContext } from './source';

/** A message of a worker that died is delivered again after this time; that of a living one is kept on and on. */
const ACK_WAIT_MS = 30_000;
/** Messages that are in flight to the bus, of all events of a worker; the relay has a limit of its own. */
const MAX_ACK_PENDING = 10_000;
const HASH_LENGTH = 8;
const ALL_SUBJECTS: readonly string[] = ['>'];

export interface StreamConsumer {
  readonly stream: string;
  readonly consumer: string;
  /** Undefined: all of the stream, or what the consumer was created with. */
  readonly subjects?: readonly string[];
  readonly description: string;
}

/** Where the consumer stood when it was last seen; of this stream only. */
export interface ConsumerMark {
  readonly streamCreated: string;
  /** All messages up to this one are on the bus. */
  readonly handledTo: number;
}

/** Thrown for a consumer that Sluice cannot read. */
export class ConsumerUnfit extends Error {}

export function placeOf(
  { stream, consumer, subjects }: EventOptions<'natsJetStream'>,
  { namespace, eventSourceName, eventName }: Pick<SourceContext, 'namespace' | 'eventSourceName' | 'eventName'>,
): StreamConsumer {
  const own = ['sluice', namespace, eventSourceName, eventName].map(consumerPart).join('_');
  return {
    stream,
    consumer: consumer ?? own,
    ...(subjects && subjects.length > 0 && { subjects }),
    description: `Sluice event source ${namespace}/${eventSourceName}, event ${eventName}`,
  };
}

/** Names of objects have dots but no underscores; those of events have any characters. */
function consumerPart(name: string): string {
  const legal = name.replaceAll(/[^\dA-Za-z-]/g, '-');
  return legal === name ? name : `${legal}-${shortHash(name, HASH_LENGTH)}`;
}

/** Creates the consumer where it should begin, or gives it the subjects of the manifest, which keeps its position. */
export async function ensureStreamConsumer(
  manager: JetStreamManager,
  place: StreamConsumer,
  startFrom: StreamStart,
  mark: ConsumerMark | undefined,
): Promise<{ readonly info: ConsumerInfo; readonly isNew: boolean }> {
  const { stream, consumer, subjects, description } = place;
  const existing = await findStreamConsumer(manager, place);
  if (existing !== undefined) {
    requireReadable(existing);
    if (subjects === undefined || isSame(subjectsOf(existing.config), subjects))
      return { info: existing, isNew: false };
    const info = await manager.consumers.update(stream, consumer, { filter_subjects: [...subjects] });
    return { info, isNew: false };
  }
  const info = await manager.consumers.add(stream, {
    durable_name: consumer,
    description,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: MAX_ACK_PENDING,
    max_deliver: -1,
    ...(subjects && { filter_subjects: [...subjects] }),
    ...beginning(await manager.streams.info(stream), startFrom, mark),
  });
  return { info, isNew: true };
}

/** Returns undefined if there is no such consumer. Throws if there is no such stream. */
export async function findStreamConsumer(
  manager: JetStreamManager,
  { stream, consumer }: StreamConsumer,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, consumer);
  } catch (error) {
    if (hasApiCode(error, JetStreamApiCodes.ConsumerNotFound)) return undefined;
    throw error;
  }
}

/** Counts what the consumer has not acknowledged; before it exists, what it will begin with. */
export async function countBacklog(
  manager: JetStreamManager,
  place: StreamConsumer,
  startFrom: StreamStart,
): Promise<SourceBacklog> {
  const info = await findStreamConsumer(manager, place);
  if (info !== undefined) {
    return { entries: info.num_pending + info.num_ack_pending, pending: info.num_ack_pending };
  }
  if (startFrom.kind === 'new') return { entries: 0, pending: 0 };
  let entries = 0;
  for (const subjects_filter of place.subjects ?? ALL_SUBJECTS) {
    const { state } = await manager.streams.info(place.stream, { subjects_filter });
    for (const count of Object.values(state.subjects ?? {})) entries += count;
  }
  if (startFrom.kind === 'all') return { entries, pending: 0 };
  const { state } = await manager.streams.info(place.stream);
  return { entries: Math.min(entries, Math.max(0, state.last_seq + 1 - sequenceOf(startFrom.id))), pending: 0 };
}

/** Returns undefined if the stream was made anew, or is gone. */
export async function markOf(manager: JetStreamManager, place: StreamConsumer): Promise<ConsumerMark | undefined> {
  const info = await findStreamConsumer(manager, place);
  if (info === undefined) return undefined;
  const { created } = await manager.streams.info(place.stream);
  const { num_ack_pending: unconfirmed, delivered, ack_floor: floor } = info;
  // The server's own floor does not move past messages of other subjects.
  return { streamCreated: created, handledTo: unconfirmed === 0 ? delivered.stream_seq : floor.stream_seq };
}

export function readMark(position: JsonObject | undefined): ConsumerMark | undefined {
  const { streamCreated, handledTo } = position ?? {};
  return typeof streamCreated === 'string' && typeof handledTo === 'number' ? { streamCreated, handledTo } : undefined;
}

export function hasApiCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

function beginning(
  { created, state, config }: StreamInfo,
  startFrom: StreamStart,
  mark: ConsumerMark | undefined,
): Partial<ConsumerConfig> {
  // The server lets no consumer of a work queue skip messages.
  if (config.retention === RetentionPolicy.Workqueue) return { deliver_policy: DeliverPolicy.All };
  if (mark !== undefined) {
    // All of a stream that was made anew is new.
    if (mark.streamCreated !== created || mark.handledTo > state.last_seq) return { deliver_policy: DeliverPolicy.All };
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: mark.handledTo + 1 };
  }
  switch (startFrom.kind) {
    case 'all':
      return { deliver_policy: DeliverPolicy.All };
    case 'new':
      return { deliver_policy: DeliverPolicy.New };
    case 'id':
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, sequenceOf(startFrom.id)) };
  }
}

function sequenceOf(id: string): number {
  return Number.parseInt(id, 10);
}

function requireReadable({ name, config }: ConsumerInfo): void {
  if (config.deliver_subject) throw new ConsumerUnfit(`the consumer "${name}" pushes its messages`);
  if (config.ack_policy !== AckPolicy.Explicit) {
    throw new ConsumerUnfit(`the consumer "${name}" has the ack policy ${config.ack_policy}`);
  }
}

function subjectsOf({ filter_subjects, filter_subject }: ConsumerConfig): readonly string[] {
  return filter_subjects ?? (filter_subject ? [filter_subject] : []);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return [...one].sort().join(' ') === [...other].sort().join(' ');
}
