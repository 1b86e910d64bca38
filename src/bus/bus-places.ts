/**
 * The streams that hold the events of a bus: its own, and for a transition period also the stream that held them before
 * the bus had its own. Sequences of the own stream begin far above those of the former, so that one number identifies
 * the position of an event.
 */
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { consumerPrefix, eventSubjects, FORMER, ownEvents, type StreamNames } from './bus-names';
import type { BusConnection } from './bus-connection';
import { ensureDecisionStream, findSuccession } from './decisions';
import { ensureEventStream, findStream, isPermissionViolation, isStreamMissing } from './stream';

/** Workers of an earlier version may go on publishing to the former stream during an update. */
const SEQUENCES_APART = 1_000_000_000;

export interface FormerStream extends StreamNames {
  /** Its events have sequences below this. */
  readonly before: number;
  /** Only handled events may leave the stream, and a worker must remove them. */
  readonly keepsUnhandled: boolean;
}

export interface BusPlaces {
  readonly events: StreamNames;
  readonly former?: FormerStream;
  /** An earlier version left decisions, held contents, rate limits and consumers under names shared by all tenants. */
  readonly succeeds: boolean;
}

/** Creates the streams that are missing. */
export async function ensurePlaces(connection: BusConnection, manager: JetStreamManager): Promise<BusPlaces> {
  const succeeds = await ensureDecisionStream(connection, manager);
  await ensureEvents(connection, manager, succeeds);
  return await withFormer(connection, manager, connection.names.events, succeeds);
}

export async function ensureEvents(
  connection: BusConnection,
  manager: JetStreamManager,
  succeeds: boolean,
): Promise<void> {
  await ensureEventStream(connection, manager, () =>
    connection.names.kind === 'own' ? firstSequence(connection, manager, succeeds) : Promise.resolve(undefined),
  );
}

/** As `ensurePlaces`, for read-only callers: creates nothing. */
export async function findPlaces(connection: BusConnection, manager: JetStreamManager): Promise<BusPlaces> {
  const { names, settings } = connection;
  const succeeds = await findSuccession(connection, manager);
  // Workers may reach the server by another address than this process, and their address decides the kind of stream.
  const events = settings.isStreamKindChosen ? names.events : ownEvents(names.tenant);
  if (!(await findStream(manager, events.stream))) return { events: FORMER.events, succeeds };
  return await withFormer(connection, manager, events, succeeds);
}

async function withFormer(
  connection: BusConnection,
  manager: JetStreamManager,
  events: StreamNames,
  succeeds: boolean,
): Promise<BusPlaces> {
  const isShared = events.stream === FORMER.events.stream;
  const { first_seq: before = 0 } = (isShared ? undefined : await findStream(manager, events.stream)) ?? {};
  if (before <= 1 && !succeeds) return { events, succeeds };
  const stream = await findAllowedStream(manager, FORMER.events.stream);
  if (stream === 'forbidden') {
    // The user is restricted to its tenant, and has no rights to anything that all tenants shared.
    connection.log(
      'info',
      `event bus ${connection.settings.name}: its NATS user cannot read stream "${FORMER.events.stream}", so events that an earlier version left there, or still publishes there, are not taken over`,
    );
    return { events, succeeds: false };
  }
  if (stream === undefined || before <= 1) return { events, succeeds };
  return { events, succeeds, former: { ...FORMER.events, before, keepsUnhandled: stream.max_age === 0 } };
}

async function findAllowedStream(
  manager: JetStreamManager,
  name: string,
): Promise<StreamConfig | 'forbidden' | undefined> {
  try {
    return await findStream(manager, name);
  } catch (error) {
    if (isPermissionViolation(error)) return 'forbidden';
    throw error;
  }
}

/** Returns the first sequence of a stream that takes over from another; undefined if there is nothing to take over. */
async function firstSequence(
  connection: BusConnection,
  manager: JetStreamManager,
  succeeds: boolean,
): Promise<number | undefined> {
  try {
    const { config, state } = await manager.streams.info(FORMER.events.stream);
    if (!config.subjects?.includes(eventSubjects(FORMER.events))) return undefined;
    if (!succeeds && !(await hasConsumers(connection, manager))) return undefined;
    // Rounded, so that two workers that create the stream concurrently agree.
    return (Math.floor(state.last_seq / SEQUENCES_APART) + 2) * SEQUENCES_APART;
  } catch (error) {
    if (isStreamMissing(error) || isPermissionViolation(error)) return undefined;
    throw error;
  }
}

/** Returns true if sensors of this bus listened on the stream of Argo Events, under an earlier EventBus manifest. */
async function hasConsumers({ names }: BusConnection, manager: JetStreamManager): Promise<boolean> {
  for await (const { name } of manager.consumers.list(FORMER.events.stream)) {
    if (name.startsWith(consumerPrefix(names.tenant))) return true;
  }
  return false;
}
