/** Opens the listener of a sensor: on its consumer, and on its former one until that has nothing left. */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { SluiceError } from '../errors/sluice-error';
import { findArgoConsumers, positionsOf } from './argo-consumers';
import type { ArgoPosition } from './argo-positions';
import type { BusListener, ListenerOptions } from './bus';
import { ensureEvents, type BusPlaces } from './bus-places';
import type { BusConnection } from './bus-connection';
import { sensorPlaces, type ConsumerPlace, type SensorAddress, type SensorPlaces } from './consumer-place';
import { ConsumerReader, type ReaderOptions } from './consume';
import {
  ensureConsumer,
  findConsumer,
  handledBefore,
  handledByArgo,
  isConsumerOf,
  updateConsumer,
} from './durable-consumer';
import { WITHOUT_LISTENER, type SensorLooks } from './sensor-looks';
import { TakeoverListener } from './takeover-listener';
import { Wakers } from '../concurrency/wakers';

export interface FoundConsumer {
  readonly place: ConsumerPlace;
  readonly info: ConsumerInfo;
}

/** Returns the consumer that the sensor read from before its present one. */
export async function findFormerConsumer(
  manager: JetStreamManager,
  places: SensorPlaces,
  sensor: SensorAddress,
): Promise<FoundConsumer | undefined> {
  const [first] = await findFormerConsumers(manager, places, sensor);
  return first;
}

/** Returns more than one if a worker of an earlier version recreated its own after the sensor had moved on. */
export async function findFormerConsumers(
  manager: JetStreamManager,
  { former }: SensorPlaces,
  sensor: SensorAddress,
): Promise<readonly FoundConsumer[]> {
  const found = await Promise.all(former.map(async (place) => ({ place, info: await findConsumer(manager, place) })));
  return found.flatMap(({ place, info }) =>
    info !== undefined && isConsumerOf(info, sensor) ? [{ place, info }] : [],
  );
}

/**
 * Opens the sensor's durable consumer, and creates it if it is missing: reading then begins at `startFrom`. Fetches
 * nothing before the first `pull`, so that a listener without an owner takes no events; closed when its signal aborts.
 */
export async function openListener(
  connection: BusConnection,
  manager: JetStreamManager,
  looks: SensorLooks,
  places: BusPlaces,
  options: ListenerOptions,
  takeoverGraceMs: number,
): Promise<BusListener> {
  const { current, former } = sensorPlaces(connection.names, places, options);
  const found = await findFormerConsumer(manager, { current, former }, options);
  // Before any delivery, and before the subjects change: at this point, missing events are certainly unhandled.
  const lossesAt = async (place: ConsumerPlace) =>
    (await looks.measure(place, WITHOUT_LISTENER, true).catch(() => undefined))?.expired ?? [];
  const lost = await lossesAt(current);
  const lostBefore = found === undefined ? [] : await lossesAt(found.place);
  // A sensor that listened before has handled no event of a new stream.
  const known: ListenerOptions = found === undefined ? options : { ...options, startFrom: { kind: 'all' } };
  const handsOver = found !== undefined && found.place.stream === current.stream;
  const taken = found === undefined ? await takeArgoPositions(connection, manager, current, options) : undefined;
  const beginning = { ...(handsOver && { former: found.info }), ...(taken && { handledByArgo: taken }) };
  await ensureConsumer(manager, current, known, beginning);
  if (handsOver) await looks.forget(found.place);

  const info = await findConsumer(manager, current);
  const wakers = new Wakers();
  const shared = {
    ...{ wakers, sensor: `${options.namespace}/${options.sensorName}`, maxBatch: options.maxBatch },
    ...(options.signal && { signal: options.signal }),
  };
  const read = (reader: Omit<ReaderOptions, keyof typeof shared>): ConsumerReader =>
    new ConsumerReader(connection, manager, looks, { ...shared, ...reader });
  const reader = read({
    place: current,
    handledBefore: info === undefined ? 0 : handledBefore(info),
    handledByArgo: info === undefined ? [] : handledByArgo(info),
    unreported: handsOver ? [...lostBefore, ...lost] : lost,
    recreate: async (resumeAt) => {
      await ensureEvents(connection, manager, places.succeeds);
      return await ensureConsumer(manager, current, known, {
        ...(taken && { handledByArgo: taken }),
        ...(resumeAt !== undefined && { resumeAt }),
      });
    },
  });
  if (found === undefined || handsOver) return reader;
  await updateConsumer(manager, found.place, found.info, options.paths);
  const formerReader = read({
    ...{ place: found.place, handledBefore: 0, unreported: lostBefore },
    handledByArgo: handledByArgo(found.info),
  });
  return new TakeoverListener(connection, manager, {
    ...{ reader, formerReader, wakers, former: found.place, current, sensor: shared.sensor },
    graceMs: takeoverGraceMs,
  });
}

/** Returns the positions at which a new sensor begins if Argo Events has any, and undefined otherwise. */
async function takeArgoPositions(
  { names, settings, log }: BusConnection,
  manager: JetStreamManager,
  current: ConsumerPlace,
  { startFrom, namespace, sensorName }: ListenerOptions,
): Promise<readonly ArgoPosition[] | undefined> {
  if (startFrom.kind !== 'argo-events' || (await findConsumer(manager, current)) !== undefined) return undefined;
  if (names.kind !== 'argo-events') {
    throw new SluiceError('BUS_MISCONFIGURED', {
      message: `Sensor ${namespace}/${sensorName} starts where Argo Events stands, but event bus ${settings.name} has a stream of its own`,
      fix: 'Annotate the EventBus with sluice.io/stream: argo-events, or remove sluice.io/start-from from the Sensor.',
      context: { bus: settings.name },
    });
  }
  const consumers = await findArgoConsumers(manager, sensorName, startFrom.subscriptions);
  const positions = positionsOf(consumers, startFrom.otherwise);
  const start = positions === undefined ? 'as a new one' : 'where they stand';
  const found = positions === undefined ? 'no consumers' : 'consumers';
  log('info', `Argo Events has ${found} of sensor ${namespace}/${sensorName}: it starts ${start}`);
  return positions;
}
