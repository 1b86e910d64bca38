/** Finds sensors whose events may stay pending for longer than the bus keeps them, even without a failure. Pure. */
import { busSettings } from '../../bus/bus-settings';
import { isSluiceError } from '../../errors/sluice-error';
import type { SensorOptions } from '../../manifest/annotations';
import type { EventBusDefinition } from '../../contract/definitions';
import { ageOf } from '../../text/ages';
import type { Readiness } from './await-ready';
import type { Desired } from './desired-objects';

interface AppliedObject {
  readonly desired: Desired;
  readonly readiness?: Readiness;
}

/** Returns one sentence for each sensor that needs a warning. */
export function foreseeableLosses(objects: readonly AppliedObject[]): string[] {
  return objects.flatMap(({ desired, readiness }) => {
    if (desired.kind !== 'Sensor') return [];
    const { namespace, name, options, bus } = desired.definition;
    const why = reasonToWait(options, readiness);
    const maxAgeMs = why === undefined ? 0 : maxAgeOf(bus);
    if (why === undefined || maxAgeMs === 0) return [];
    return [
      `Sensor ${namespace}/${name} ${why}, and event bus ${bus.namespace}/${bus.name} removes events after ${ageOf(new Date(0), maxAgeMs)}, ` +
        'handled or not. If events may wait longer, annotate the EventBus with sluice.io/retention: until-handled.',
    ];
  });
}

function reasonToWait({ flow, triggerFlows }: SensorOptions, readiness: Readiness | undefined): string | undefined {
  if (readiness?.state === 'Paused') return 'is paused';
  const limits = [flow, ...Object.values(triggerFlows)].flatMap(({ concurrency }) => concurrency ?? []);
  return limits.length === 0 ? undefined : `runs ${Math.min(...limits)} fires at a time`;
}

/** 0: events do not expire. */
function maxAgeOf(bus: EventBusDefinition): number {
  try {
    return busSettings(bus).stream.maxAgeMs;
  } catch (error) {
    if (isSluiceError(error)) return 0;
    throw error;
  }
}
