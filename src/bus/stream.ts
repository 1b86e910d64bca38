/** The stream that holds the events: created if missing, otherwise changed as the manifest says. */
import {
  DiscardPolicy,
  JetStreamApiError,
  StorageType,
  jetstreamManager,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { errorProperty } from '../errors/foreign-errors';
import { SluiceError } from '../errors/sluice-error';
import type { StreamSettings } from './bus-settings';
import type { BusConnection } from './bus-connection';
import { eventSubjects, type StreamNames } from './bus-names';
import { adjustStream, configOfSettings } from './stream-settings';

/** The server's error codes; its texts change between versions. */
const STREAM_NOT_FOUND = 10059;
const NO_SUITABLE_PEERS = 10005;
const REPLICAS_NOT_SUPPORTED = 10074;
const NOT_ENABLED_FOR_ACCOUNT = 10039;
const NOT_ENABLED = 10076;

/** Returns a client for JetStream's management calls. Throws BUS_MISCONFIGURED if the server has no JetStream. */
export async function openManager(connection: BusConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection.nats, { timeout: 5_000 });
  } catch (error) {
    if (isJetStreamMissing(error)) {
      throw new SluiceError('BUS_MISCONFIGURED', {
        message: `Event bus ${connection.settings.name}: the server has no JetStream for this account`,
        fix: 'Start nats-server with -js, or enable JetStream for the account.',
        context: { bus: connection.settings.name },
        // JetStream is also missing for a moment while a server starts.
        retryable: true,
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * Throws BUS_MISCONFIGURED if the stream exists with other subjects; other differences are changed, or logged if the
 * server refuses.
 * `firstSequence`: for a stream that has to be created.
 */
export async function ensureEventStream(
  connection: BusConnection,
  manager: JetStreamManager,
  firstSequence: () => Promise<number | undefined>,
): Promise<void> {
  const { events, description, kind } = connection.names;
  const existing = await findStream(manager, events.stream);
  const wanted = eventStreamConfig(events, connection.settings.stream);
  if (!existing) {
    const first = await firstSequence();
    await createStream(connection, manager, {
      ...wanted,
      ...(kind === 'own' && { description }),
      ...(first !== undefined && { first_seq: first }),
    });
    return;
  }
  if (!existing.subjects?.includes(eventSubjects(events))) {
    throw new SluiceError('BUS_MISCONFIGURED', {
      message: `Event bus ${connection.settings.name}: stream "${events.stream}" exists with subjects ${JSON.stringify(existing.subjects)}, without ${eventSubjects(events)}`,
      fix: 'Give the event bus its own NATS account, or remove that stream.',
      context: { bus: connection.settings.name },
    });
  }
  const kept =
    connection.settings.handledMaxAgeMs === undefined ? existing : await keepUnhandled(connection, manager, existing);
  const differences = await adjustStream(connection, manager, kept);
  for (const difference of differences) {
    connection.log(
      'warn',
      `event bus ${connection.settings.name}: its stream "${events.stream}" differs from the manifest: ${difference}`,
    );
  }
}

/** Removes every limit that would drop unhandled events. The manifest asks for it, so the stream is changed. */
async function keepUnhandled(
  connection: BusConnection,
  manager: JetStreamManager,
  existing: StreamConfig,
): Promise<StreamConfig> {
  const change = { max_age: 0, discard: DiscardPolicy.New };
  const { stream } = connection.names.events;
  if (existing.max_age === change.max_age && existing.discard === change.discard) return existing;
  try {
    await manager.streams.update(stream, change);
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    throw new SluiceError('BUS_MISCONFIGURED', {
      message: `Event bus ${connection.settings.name}: sluice.io/retention is until-handled, and the server refuses to change stream "${stream}" to it: ${error.message}`,
      fix: `Run "nats stream edit ${stream} --max-age=0 --discard=new", or remove the annotation.`,
      context: { bus: connection.settings.name },
      cause: error,
    });
  }
  connection.log(
    'info',
    `event bus ${connection.settings.name}: stream "${stream}" now keeps events until they are handled`,
  );
  return { ...existing, ...change };
}

/** Returns the stream's configuration, or undefined if it does not exist. */
export async function findStream(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (isStreamMissing(error)) return undefined;
    throw error;
  }
}

/** Creates a stream with as many replicas as the server can provide, and logs if that is fewer than requested. */
export async function createStream(
  connection: BusConnection,
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.add(config);
  } catch (error) {
    if (!isReplicaShortage(error) || (config.num_replicas ?? 1) <= 1) throw error;
    connection.log(
      'info',
      `event bus ${connection.settings.name}: the server cannot keep ${config.num_replicas} replicas of stream "${config.name}"; it keeps 1`,
    );
    await manager.streams.add({ ...config, num_replicas: 1 });
  }
}

function eventStreamConfig(events: StreamNames, settings: StreamSettings): Partial<StreamConfig> & { name: string } {
  return {
    name: events.stream,
    subjects: [eventSubjects(events)],
    storage: StorageType.File,
    num_replicas: settings.replicas,
    ...configOfSettings(settings),
  };
}

export function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND;
}

/** Returns true if the user lacks the right to the request. */
export function isPermissionViolation(error: unknown): boolean {
  return (
    error instanceof errors.PermissionViolationError ||
    errorProperty(error, 'cause') instanceof errors.PermissionViolationError
  );
}

function isReplicaShortage(error: unknown): boolean {
  return error instanceof JetStreamApiError && [NO_SUITABLE_PEERS, REPLICAS_NOT_SUPPORTED].includes(error.code);
}

function isJetStreamMissing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return [NOT_ENABLED, NOT_ENABLED_FOR_ACCOUNT].includes(error.code);
  return error instanceof Error && error.name === 'JetStreamNotEnabled';
}
