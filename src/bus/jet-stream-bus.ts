/** The event bus over one connection to NATS JetStream. */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { absenceKey } from '../event/absence-event';
import { findArgoConsumers } from './argo-consumers';
import { mergeBacklogs, mergePositions } from './backlogs';
import type { Bus, SensorBacklog, SensorPosition } from './bus';
import { BUCKETS, attemptsKey, bucketName, formerBucketName } from './bus-names';
import type { BusPlaces } from './bus-places';
import type { BusConnection } from './bus-connection';
import { sensorPlaces, type SensorPlaces } from './consumer-place';
import type { DecisionJournal } from './decisions';
import { adoptConsumer, deleteConsumer, findConsumer, handledByArgo, handledTo } from './durable-consumer';
import { handBack } from './hand-back';
import { HandledEvents } from './handled-events';
import { ContentStore } from './content-store';
import { findFormerConsumer, findFormerConsumers, openListener } from './open-listener';
import { requireUnshared } from './prepared-streams';
import { EventPublisher } from './publish';
import { findState, readEvents } from './read-back';
import { readDecisions } from './read-decisions';
import { SensorLooks, WITHOUT_LISTENER } from './sensor-looks';
import { SharedValues } from './shared-values';
import { findStream } from './stream';
import { adjustStream, compareStream } from './stream-settings';
import { countWaiting } from './waiting-events';

export class JetStreamBus implements Bus {
  readonly name: string;
  private readonly publisher: EventPublisher;
  private readonly shared: SharedValues;
  private readonly held: ContentStore;
  private readonly looks: SensorLooks;
  private readonly handled: readonly HandledEvents[];
  private closing: Promise<void> | undefined;

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly places: BusPlaces,
    private readonly journal: DecisionJournal,
    private readonly takeoverGraceMs: number,
  ) {
    this.name = connection.settings.name;
    const { handledMaxAgeMs } = connection.settings;
    const { events, former } = places;
    const streams = handledMaxAgeMs === undefined ? [] : [events, ...(former?.keepsUnhandled === true ? [former] : [])];
    this.handled = streams.map(({ stream }) => new HandledEvents(connection, manager, stream, handledMaxAgeMs ?? 0));
    this.publisher = new EventPublisher(connection, () => this.handled.forEach((handled) => handled.makeRoom()));
    this.shared = new SharedValues(connection);
    this.held = new ContentStore(connection, manager, places.succeeds);
    this.looks = new SensorLooks(connection, manager, this.shared);
  }

  isConnected: Bus['isConnected'] = () => this.connection.isConnected();
  problem: Bus['problem'] = () => this.connection.problem() ?? this.publisher.problem();
  publishEvents: Bus['publishEvents'] = (events, options) => this.publisher.publishEvents(events, options);
  openListener: Bus['openListener'] = (options) =>
    openListener(this.connection, this.manager, this.looks, this.places, options, this.takeoverGraceMs);
  readEvents: Bus['readEvents'] = (range, onRead) =>
    readEvents(this.connection, this.manager, this.places, range, onRead);
  recordDecisions: Bus['recordDecisions'] = (records) => this.journal.record(records);
  flushDecisions: Bus['flushDecisions'] = () => this.journal.flush();
  decisionCounts: Bus['decisionCounts'] = () => this.journal.counts();
  readDecisions: Bus['readDecisions'] = (filter, onRead) =>
    readDecisions(this.connection, this.manager, this.places.succeeds, filter, onRead);

  readShared: Bus['readShared'] = (purpose, key) => this.shared.read(bucketName(this.connection.names, purpose), key);
  updateShared: Bus['updateShared'] = (purpose, key, change, options) =>
    this.shared.update(bucketName(this.connection.names, purpose), key, change, {
      ...options,
      ...(this.places.succeeds && { former: formerBucketName(purpose) }),
    });
  storeHeld: Bus['storeHeld'] = (namespace, sensor, contents) => this.held.store(namespace, sensor, contents);
  recallHeld: Bus['recallHeld'] = (namespace, sensor, names) => this.held.recall(namespace, sensor, names);
  forgetHeld: Bus['forgetHeld'] = (namespace, sensor, names) => this.held.forget(namespace, sensor, names);

  position: Bus['position'] = async (namespace, sensorName) => {
    const places = this.placesOf(namespace, sensorName);
    const former = await findFormerConsumer(this.manager, places, { namespace, sensorName });
    const info = await findConsumer(this.manager, places.current);
    if (former === undefined) return info && positionOf(info);
    return info === undefined ? positionOf(former.info) : mergePositions(positionOf(former.info), positionOf(info));
  };

  argoConsumers: Bus['argoConsumers'] = (sensorName, subscriptions) =>
    findArgoConsumers(this.manager, sensorName, subscriptions);

  movedFromArgo: Bus['movedFromArgo'] = async (namespace, sensorName) => {
    const info = await findConsumer(this.manager, this.placesOf(namespace, sensorName).current);
    return info === undefined ? [] : handledByArgo(info);
  };

  handBackToArgo: Bus['handBackToArgo'] = (sensorName, subscriptions, sequence) =>
    handBack(this.connection, this.manager, sensorName, subscriptions, sequence);

  sensorBacklog: Bus['sensorBacklog'] = async (namespace, sensorName, { record }) => {
    const measured: SensorBacklog[] = [];
    const places = this.placesOf(namespace, sensorName);
    const former = await findFormerConsumer(this.manager, places, { namespace, sensorName });
    // Events on the new stream must stay there until the sensor takes them, even while it is paused.
    if (record && former !== undefined && former.place.stream !== places.current.stream) {
      await adoptConsumer(this.manager, places.current, former.place, former.info);
    }
    for (const place of [...(former ? [former.place] : []), places.current]) {
      const backlog = await this.looks.measure(place, { ...WITHOUT_LISTENER, settled: record }, record);
      if (backlog !== undefined) measured.push(backlog);
    }
    const [first, second] = measured;
    return first && second ? mergeBacklogs(first, second) : first;
  };

  waitingEvents: Bus['waitingEvents'] = (path) => countWaiting(this.manager, this.connection.names, this.places, path);

  forgetSensor: Bus['forgetSensor'] = async (namespace, sensorName) => {
    const places = this.placesOf(namespace, sensorName);
    const former = await findFormerConsumers(this.manager, places, { namespace, sensorName });
    for (const place of [places.current, ...former.map((found) => found.place)]) {
      await deleteConsumer(this.manager, place.stream, place.name);
      await this.looks.forget(place);
    }
    await this.held.forget(namespace, sensorName);
    const positions = bucketName(this.connection.names, 'positions');
    for (const key of [absenceKey(namespace, sensorName), attemptsKey(namespace, sensorName)]) {
      await this.shared.delete(positions, key);
    }
  };

  extent: Bus['extent'] = async () => {
    const { events, former } = this.places;
    const state = await findState(this.manager, events.stream);
    const before = former && (await findState(this.manager, former.stream));
    const { first_seq: first = 0, last_seq: last = 0, messages = 0, first_ts: firstAt } = state ?? {};
    const isBefore = before !== undefined && before.messages > 0;
    const earliest = isBefore ? before.first_ts : firstAt;
    const count = messages + (before?.messages ?? 0);
    return {
      ...{ first: isBefore ? before.first_seq : first, last, events: count },
      ...(count > 0 && earliest !== undefined && { firstAt: earliest }),
    };
  };

  streamDifferences: Bus['streamDifferences'] = async ({ change }) => {
    const existing = await findStream(this.manager, this.places.events.stream);
    if (existing === undefined) return [];
    return change
      ? await adjustStream(this.connection, this.manager, existing)
      : compareStream(existing, this.connection.settings).map(({ text }) => text);
  };

  prepare: Bus['prepare'] = async () => {
    await this.held.ensureStream();
    for (const purpose of BUCKETS) await this.shared.ensure(bucketName(this.connection.names, purpose));
    await requireUnshared(this.connection, this.manager);
  };

  close: Bus['close'] = () => {
    this.closing ??= Promise.all([this.journal.close(), ...this.handled.map((handled) => handled.close())]).then(() =>
      this.connection.nats.close(),
    );
    return this.closing;
  };

  private placesOf(namespace: string, sensorName: string): SensorPlaces {
    return sensorPlaces(this.connection.names, this.places, { namespace, sensorName });
  }
}

function positionOf(info: ConsumerInfo): SensorPosition {
  return {
    handledTo: handledTo(info),
    deliveredTo: info.delivered.stream_seq,
    waiting: info.num_pending + info.num_ack_pending,
  };
}
