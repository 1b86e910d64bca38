/** Where the consumer of a sensor is, or was: an earlier version or EventBus setting may have left one elsewhere. */
import {
  bucketName,
  consumerName,
  FORMER,
  formerBucketName,
  formerConsumerName,
  type BusNames,
  type StreamNames,
} from './bus-names';
import type { BusPlaces } from './bus-places';

export interface SensorAddress {
  readonly namespace: string;
  readonly sensorName: string;
}

export interface ConsumerPlace {
  readonly name: string;
  readonly stream: string;
  /** Prefix of the subjects there. */
  readonly prefix: string;
  /** Where its measurements are kept. */
  readonly looks: { readonly bucket: string; readonly key: string };
}

export interface SensorPlaces {
  readonly current: ConsumerPlace;
  /** Usually at most one of these exists. */
  readonly former: readonly ConsumerPlace[];
}

export function sensorPlaces(names: BusNames, places: BusPlaces, sensor: SensorAddress): SensorPlaces {
  const { events, former, succeeds } = places;
  const named = (on: StreamNames): ConsumerPlace => {
    const name = consumerName(names, sensor.sensorName);
    return { name, ...on, looks: { bucket: bucketName(names, 'positions'), key: `${on.stream}.${name}` } };
  };
  const formerName = formerConsumerName(sensor.namespace, sensor.sensorName);
  const unnamed: ConsumerPlace = {
    name: formerName,
    ...FORMER.events,
    looks: { bucket: formerBucketName('positions'), key: formerName },
  };
  return {
    current: named(events),
    former: [...(former ? [named(former)] : []), ...(succeeds ? [unnamed] : [])],
  };
}
