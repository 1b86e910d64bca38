/** Gives the position of a sensor back to Argo Events. */
import type { Bus } from '../bus/bus';
import type { HandedBack } from '../bus/hand-back';
import type { SensorDefinition } from '../contract/definitions';
import { SluiceError } from '../errors/sluice-error';
import { subscriptionsOf } from './check-sensor';

export interface SensorHandedBack {
  readonly handledTo: number;
  readonly consumers: readonly HandedBack[];
}

/** @throws SluiceError BUS_REFUSED while events are in flight on either side, OBJECT_UNKNOWN if it never listened here */
export async function handSensorBack(bus: Bus, definition: SensorDefinition): Promise<SensorHandedBack> {
  const { namespace, name } = definition;
  const position = await bus.position(namespace, name);
  if (position === undefined) {
    throw new SluiceError('OBJECT_UNKNOWN', {
      message: `Sensor ${namespace}/${name} has no position of Sluice on the bus`,
      fix: 'It never listened here, or was deleted: Argo Events continues where it stopped',
    });
  }
  const { handledTo, deliveredTo } = position;
  if (handledTo < deliveredTo) {
    throw new SluiceError('BUS_REFUSED', {
      message: `Sensor ${namespace}/${name} has events in flight between positions ${handledTo} and ${deliveredTo}`,
      fix: 'Pause it and try again in a moment; sluice status shows what is in flight',
      retryable: false,
    });
  }
  const consumers = await bus.handBackToArgo(name, subscriptionsOf(definition), handledTo);
  return { handledTo, consumers };
}
