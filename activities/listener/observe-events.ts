/** Signals observations to the sensor workflow. One that Temporal rejects does not hold up the others. */
import type { WorkflowClient } from '@temporalio/client';
import { describeError, type ErrorCode } from '../../src/errors/sluice-error';
import { jsonBytes } from '../../src/text/json-bytes';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';
import { observeSignal, type Observation } from '../../src/contract/sensor-messages';
import { cutObservations } from './observation-batches';

/** Temporal accepts 2 MB (2,097,152 bytes) in one signal. */
const MAX_OBSERVATION_BYTES = 1_900_000;

export type ObservationDelivery =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string }
  | { readonly kind: 'postponed'; readonly isOutage: boolean; readonly error: unknown };

const DELIVERED: ObservationDelivery = { kind: 'delivered' };

/** Repeated signals are harmless: the sensor deduplicates events. */
export async function observeEvents(
  client: WorkflowClient,
  { namespace, name }: ObjectName,
  observations: readonly Observation[],
): Promise<ReadonlyMap<Observation, ObservationDelivery>> {
  const handle = client.getHandle(sensorWorkflowId(namespace, name));
  const deliveries = new Map<Observation, ObservationDelivery>();
  const send = async (portion: readonly Observation[]): Promise<void> => {
    const delivery = await attempt(() => handle.signal(observeSignal, { observations: portion }));
    if (delivery.kind === 'refused' && portion.length > 1) {
      for (const observation of portion) await send([observation]);
    } else for (const observation of portion) deliveries.set(observation, delivery);
    if (delivery.kind === 'postponed') postponed = delivery;
  };
  let postponed: ObservationDelivery | undefined;
  for (const portion of cutObservations(observations)) {
    // After one portion was postponed, the next ones are postponed without sending them.
    if (postponed !== undefined) for (const observation of portion) deliveries.set(observation, postponed);
    else if (isTooLarge(portion)) for (const observation of portion) deliveries.set(observation, refuseTooLarge());
    else await send(portion);
  }
  return deliveries;
}

async function attempt(signal: () => Promise<void>): Promise<ObservationDelivery> {
  try {
    await signal();
    return DELIVERED;
  } catch (error) {
    const failure = classifyTemporalFailure(error);
    switch (failure.kind) {
      case 'permanent':
        return failure.isTooLarge
          ? refuseTooLarge()
          : { kind: 'refused', code: 'RUN_REFUSED', reason: describeError(error) };
      case 'configuration':
        return { kind: 'postponed', isOutage: true, error: failure.error };
      case 'transient':
        return { kind: 'postponed', isOutage: failure.isOutage, error };
    }
  }
}

/** Portions are cut far below the limit; only a single observation can exceed it. */
function isTooLarge([only, ...others]: readonly Observation[]): boolean {
  return only !== undefined && others.length === 0 && jsonBytes(only) > MAX_OBSERVATION_BYTES;
}

function refuseTooLarge(): ObservationDelivery {
  const reason = `with the dependency's transform, the event is larger than ${MAX_OBSERVATION_BYTES} bytes, more than the sensor can hold`;
  return { kind: 'refused', code: 'BUS_EVENT_TOO_LARGE', reason };
}
