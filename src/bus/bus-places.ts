/**
 * Where the events of a bus lie: on its stream, and for a while also on the one that they lay on before the bus had a
 * stream of its own. Sequences of the own stream begin far above those of the former, so that one number says where an
 * event is.
 */
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { consumerPrefix, eventSubjects, FORMER, ownEvents, type StreamNames } from './bus-names';
import type { BusConnection } from './bus-connection';
import { ensureDecisionStream, findSuccession, type DecisionRetention } from './decisions';
import { ensureEventStream, findStream, isForbidden, isStreamMissing } from './stream';

/** Workers of an earlier version may go on publishing to the former stream during an update. */
const SEQUENCES_APART = 1_000_000_000;

export interface FormerStream extends StreamNames {
  /** Its events are those below. */
  readonly before: number;
  /** Nothing but handled events may leave it, and somebody has to remove those. */
  readonly keepsUnhandled: boolean;
}

export interface BusPlaces {
  readonly events: StreamNames;
  readonly former?: FormerStream;
  /** An earlier version left decisions, held contents, rate limits and consumers under names for all tenants. */
  readonly succeeds: boolean;
}

/** Creates the streams that are missing. */
export async function ensurePlaces(
  connection: BusConnection,
  manager: JetStreamManager,
  retention: DecisionRetention,
): Promise<BusPlaces> {
  const succeeds = await ensureDecisionStream(connection, manager, retention);
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

/** The same for who only reads: creates nothing. */
export async function findPlaces(connection: BusConnection, manager: JetStreamManager): Promise<BusPlaces> {
  const { names, settings } = connection;
  const succeeds = await findSuccession(connection, manager);
  // Workers may know the server by another address than this process does, and it is theirs that decides.
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
    // The user was confined to its tenant, and has no right to anything that all tenants shared.
    connection.log(
      'info',
      `event bus ${connection.settings.name}: its NATS user may not look at stream "${FORMER.events.stream}", so what an earlier version left there, or may still publish there, is not taken over`,
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
    if (isForbidden(error)) return 'forbidden';
    throw error;
  }
}

/** Where a stream begins that takes over from another; undefined if there is nothing to take over. */
async function firstSequence(
  connection: BusConnection,
  manager: JetStreamManager,
  succeeds: boolean,
): Promise<number | undefined> {
  try {
    const { config, state } = await manager.streams.info(FORMER.events.stream);
    if (!config.subjects?.includes(eventSubjects(FORMER.events))) return undefined;
    if (!succeeds && !(await hasConsumers(connection, manager))) return undefined;
    // Rounded, so that two workers that create it together agree.
    return (Math.floor(state.last_seq / SEQUENCES_APART) + 2) * SEQUENCES_APART;
  } catch (error) {
    if (isStreamMissing(error) || isForbidden(error)) return undefined;
    throw error;
  }
}

/** Sensors of this bus listened on the stream of Argo Events, as the EventBus said before. */
async function hasConsumers({ names }: BusConnection, manager: JetStreamManager): Promise<boolean> {
  for await (const { name } of manager.consumers.list(FORMER.events.stream)) {
    if (name.startsWith(consumerPrefix(names.tenant))) return true;
  }
  return false;
}
