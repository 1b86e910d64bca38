/** A bus on a real NATS server, and events to put on it. */
import type { RunningNats } from '../../dev/servers';
import type { Bus, BusMessage, BusListener } from '../../src/bus/bus';
import { connectBus, type ConnectBusOptions } from '../../src/bus/connect';
import { busNames, type BusNames } from '../../src/bus/bus-names';
import type { EventBusOptions } from '../../src/manifest/annotations';
import type { CloudEvent } from '../../src/event/cloud-event';
import { secretsFrom } from '../setup/secrets';
import { cloudEvent } from '../setup/cloud-event';

export interface TestBusOptions extends Partial<ConnectBusOptions> {
  readonly namespace?: string;
  readonly streamConfig?: string;
  readonly bus?: EventBusOptions;
}

export function connectTestBus(
  nats: Pick<RunningNats, 'url'>,
  { namespace = 'argo', streamConfig = 'replicas: 1', bus = {}, ...options }: TestBusOptions = {},
): Promise<Bus> {
  const spec = { jetstreamExotic: { url: nats.url, streamConfig } };
  const definition = { namespace, name: 'default', spec, options: bus };
  return connectBus(definition, secretsFrom(), { temporalNamespace: 'default', ...options });
}

/** The names of that bus, where it shares the stream of Argo Events. */
export function testNames(namespace = 'argo'): BusNames {
  return busNames({ temporalNamespace: 'default', namespace, bus: 'default' }, 'argo-events');
}

export function sampleEvent(id: string, overrides: Partial<CloudEvent> = {}): CloudEvent {
  const data = { stream: 'stac-events', values: { href: `https://stac.example/${id}` } };
  return cloudEvent({ id, data, ...overrides });
}

export function sampleEvents(count: number, prefix = 'e'): CloudEvent[] {
  return Array.from({ length: count }, (_, index) => sampleEvent(`${prefix}${index}`));
}

/** Pulls until `count` messages came, acknowledging them unless told otherwise. */
export async function take(listener: BusListener, count: number, { ack = true } = {}): Promise<BusMessage[]> {
  const taken: BusMessage[] = [];
  while (taken.length < count) {
    const batch = await listener.pull(count - taken.length);
    if (batch.length === 0) throw new Error('the listener was closed');
    taken.push(...batch);
    if (ack) for (const message of batch) message.ack();
  }
  return taken;
}

export function idsOf(messages: ReadonlyArray<{ readonly event: CloudEvent | undefined }>): Array<string | undefined> {
  return messages.map((message) => message.event?.id);
}
