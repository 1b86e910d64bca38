/** Opens the event bus of an EventBus manifest: the one way for activities to get a `Bus`. */
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError, describeError, isSluiceError } from '../errors';
import type { SecretReader } from '../kubernetes/secrets';
import type { Bus, BusLog } from './bus';
import { busSettings, type EventBusObject } from './bus-settings';
import { openConnection, type BusConnection } from './connection';
import { openListener } from './consume';
import { DECISION_RETENTION, DecisionJournal, ensureDecisionStream, type DecisionRetention } from './decisions';
import { findConsumer } from './durable-consumer';
import { EventPublisher } from './publish';
import { HandledEvents } from './handled-events';
import { HeldContents } from './held-contents';
import { readEvents } from './read-back';
import { readDecisions } from './read-decisions';
import { ensureEventStream, openManager } from './stream';
import { SensorLooks, WITHOUT_LISTENER } from './sensor-looks';
import { SharedValues } from './shared-values';
import { consumerName, EVENT_STREAM } from './subjects';

const RETRY_MS = 500;
const LOG_EVERY_MS = 5_000;

export interface ConnectBusOptions {
  readonly log?: BusLog;
  /** Aborts waiting for a server that is down. Does not close an open bus. */
  readonly signal?: AbortSignal;
  /** Replaces the manifest's address; default: environment variable `SLUICE_BUS_URL`. */
  readonly url?: string;
  readonly decisionRetention?: DecisionRetention;
}

/**
 * Waits for the server, creates the stream if it is missing, and from then on reconnects for ever.
 * Throws what waiting cannot mend: BUS_MISCONFIGURED, BUS_REFUSED (credentials), SECRET_MISSING.
 */
export async function connectBus(
  bus: EventBusObject,
  secrets: SecretReader,
  options: ConnectBusOptions = {},
): Promise<Bus> {
  const log = options.log ?? (() => undefined);
  const settings = busSettings(bus, options.url ?? (process.env.SLUICE_BUS_URL || undefined));
  for (const notice of settings.notices) log('warn', notice);
  const connection = await openConnection(settings, secrets, log, options.signal);
  const ensureDecisions = async (): Promise<void> =>
    ensureDecisionStream(connection, await openManager(connection), options.decisionRetention ?? DECISION_RETENTION);
  try {
    const manager = await untilReady(connection, options.signal, async () => {
      const opened = await openManager(connection);
      await ensureEventStream(connection, opened);
      await ensureDecisions();
      return opened;
    });
    return new JetStreamBus(connection, manager, new DecisionJournal(connection, ensureDecisions));
  } catch (error) {
    await connection.nats.close();
    throw error;
  }
}

/** JetStream is ready a moment after its server answers, in a cluster several seconds after. */
async function untilReady<Result>(
  connection: BusConnection,
  signal: AbortSignal | undefined,
  step: () => Promise<Result>,
): Promise<Result> {
  let loggedAt = -Infinity;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (isSluiceError(error) && !error.retryable) throw error;
      if (signal?.aborted) throw notReady(connection, error);
      if (performance.now() - loggedAt >= LOG_EVERY_MS) {
        connection.log(
          'warn',
          `waiting for JetStream on event bus ${connection.settings.name}: ${describeError(error)}`,
        );
        loggedAt = performance.now();
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

class JetStreamBus implements Bus {
  readonly name: string;
  private readonly publisher: EventPublisher;
  private readonly shared: SharedValues;
  private readonly held: HeldContents;
  private readonly looks: SensorLooks;
  private readonly handled: HandledEvents | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly journal: DecisionJournal,
  ) {
    this.name = connection.settings.name;
    const { handledMaxAgeMs } = connection.settings;
    if (handledMaxAgeMs !== undefined) this.handled = new HandledEvents(connection, manager, handledMaxAgeMs);
    this.publisher = new EventPublisher(connection, () => this.handled?.makeRoom());
    this.shared = new SharedValues(connection);
    this.held = new HeldContents(connection, manager);
    this.looks = new SensorLooks(connection, manager, this.shared);
  }

  isConnected: Bus['isConnected'] = () => this.connection.isConnected();
  problem: Bus['problem'] = () => this.connection.problem() ?? this.publisher.problem();
  publishEvents: Bus['publishEvents'] = (events, options) => this.publisher.publishEvents(events, options);
  openListener: Bus['openListener'] = (options) => openListener(this.connection, this.manager, this.looks, options);
  readEvents: Bus['readEvents'] = (range, onRead) => readEvents(this.connection, this.manager, range, onRead);
  recordDecisions: Bus['recordDecisions'] = (records) => this.journal.record(records);
  flushDecisions: Bus['flushDecisions'] = () => this.journal.flush();
  decisionCounts: Bus['decisionCounts'] = () => this.journal.counts();
  readDecisions: Bus['readDecisions'] = (filter, onRead) =>
    readDecisions(this.connection, this.manager, filter, onRead);

  updateShared: Bus['updateShared'] = (bucket, key, change) => this.shared.update(bucket, key, change);
  storeHeld: Bus['storeHeld'] = (namespace, sensor, contents) => this.held.store(namespace, sensor, contents);
  recallHeld: Bus['recallHeld'] = (namespace, sensor, names) => this.held.recall(namespace, sensor, names);
  forgetHeld: Bus['forgetHeld'] = (namespace, sensor, names) => this.held.forget(namespace, sensor, names);

  position: Bus['position'] = async (namespace, sensorName) => {
    const info = await findConsumer(this.manager, consumerName(namespace, sensorName));
    if (info === undefined) return undefined;
    const deliveredTo = info.delivered.stream_seq;
    return {
      // The server's own floor moves with acknowledgements only, not over what the sensor did not ask for.
      handledTo: info.num_ack_pending === 0 ? deliveredTo : info.ack_floor.stream_seq,
      deliveredTo,
      waiting: info.num_pending + info.num_ack_pending,
    };
  };

  sensorBacklog: Bus['sensorBacklog'] = (namespace, sensorName, { record }) =>
    this.looks.measure(namespace, sensorName, { ...WITHOUT_LISTENER, settled: record }, record);

  forgetSensor: Bus['forgetSensor'] = async (namespace, sensorName) => {
    try {
      await this.manager.consumers.delete(EVENT_STREAM, consumerName(namespace, sensorName));
    } catch (error) {
      if (!isConsumerMissing(error)) throw error;
    }
    await this.looks.forget(namespace, sensorName);
    await this.held.forget(namespace, sensorName);
  };

  extent: Bus['extent'] = async () => {
    const { state } = await this.manager.streams.info(EVENT_STREAM);
    const { first_seq: first, last_seq: last, messages: events, first_ts: firstAt } = state;
    return { first, last, events, ...(events > 0 && { firstAt }) };
  };

  close: Bus['close'] = () => {
    this.closing ??= Promise.all([this.journal.close(), this.handled?.close()]).then(() =>
      this.connection.nats.close(),
    );
    return this.closing;
  };
}

function isConsumerMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
}
