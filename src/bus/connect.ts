/** Opens the event bus of an EventBus manifest: the only way for activities to get a `Bus`. */
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError, describeError, isSluiceError } from '../errors/sluice-error';
import { Pace } from '../concurrency/pace';
import type { SecretReader } from '../kubernetes/secrets';
import type { Bus, BusLog } from './bus';
import { busNames } from './bus-names';
import { ensurePlaces, findPlaces } from './bus-places';
import { busSettings, type EventBusObject } from './bus-settings';
import { openConnection, type BusConnection } from './bus-connection';
import { DecisionJournal, ensureDecisionStream } from './decisions';
import { JetStreamBus } from './jet-stream-bus';
import { openManager } from './stream';

const RETRY_MS = 500;
const LOG_EVERY_MS = 5_000;
/** Workers of an earlier version are replaced within a day. */
const TAKEOVER_GRACE_MS = 24 * 3_600_000;

export interface ConnectBusOptions {
  /** Temporal namespace of the workflows that use the bus: part of all names on it. */
  readonly temporalNamespace: string;
  /** Creates no stream, for read-only callers. */
  readonly readOnly?: boolean;
  /** How long a sensor keeps listening on its former stream although no events arrive there. */
  readonly takeoverGraceMs?: number;
  readonly log?: BusLog;
  /** Aborts waiting for a server that is down. Does not close an open bus. */
  readonly signal?: AbortSignal;
  /** Replaces the manifest's address; default: environment variable `SLUICE_BUS_URL`. */
  readonly url?: string;
}

/**
 * Waits for the server, creates the stream if it is missing, and from then on reconnects indefinitely. Throws what
 * waiting cannot fix: BUS_MISCONFIGURED, BUS_REFUSED (credentials), SECRET_MISSING.
 */
export async function connectBus(bus: EventBusObject, secrets: SecretReader, options: ConnectBusOptions): Promise<Bus> {
  const log = options.log ?? (() => undefined);
  const settings = busSettings(bus, options.url ?? (process.env.SLUICE_BUS_URL || undefined));
  for (const notice of settings.notices) log('warn', notice);
  const { namespace, name } = bus;
  const names = busNames({ temporalNamespace: options.temporalNamespace, namespace, bus: name }, settings.streamKind);
  const connection = await openConnection(settings, names, secrets, log, options.signal);
  const ensureDecisions = async (): Promise<boolean> => ensureDecisionStream(connection, await openManager(connection));
  try {
    const { manager, places } = await untilReady(connection, options.signal, async () => {
      const opened = await openManager(connection);
      const find = options.readOnly === true ? findPlaces(connection, opened) : ensurePlaces(connection, opened);
      return { manager: opened, places: await find };
    });
    const journal = new DecisionJournal(connection, ensureDecisions);
    return new JetStreamBus(connection, manager, places, journal, options.takeoverGraceMs ?? TAKEOVER_GRACE_MS);
  } catch (error) {
    await connection.nats.close();
    throw error;
  }
}

/** JetStream is ready a moment after its server responds, in a cluster several seconds after. */
async function untilReady<Result>(
  connection: BusConnection,
  signal: AbortSignal | undefined,
  step: () => Promise<Result>,
): Promise<Result> {
  const logPace = new Pace(LOG_EVERY_MS);
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (isSluiceError(error) && !error.retryable) throw error;
      if (signal?.aborted) throw notReady(connection, error);
      if (logPace.isDue()) {
        connection.log(
          'warn',
          `waiting for JetStream on event bus ${connection.settings.name}: ${describeError(error)}`,
        );
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function notReady(connection: BusConnection, cause: unknown): SluiceError {
  return new SluiceError('BUS_UNREACHABLE', {
    message: `Event bus ${connection.settings.name} has no working JetStream yet`,
    context: { bus: connection.settings.name },
    cause,
  });
}
