/** The relay as an activity: heartbeats tell how far it has read; cancellation lets go of the outside system. */
import { CancelledFailure, Context } from '@temporalio/activity';
import { SluiceError } from '../src/errors';
import type { JsonObject } from '../src/event/json';
import type { PluginActivities } from '../src/plugin/sluice-plugin';
import { lookUpPlainPath } from '../src/sensor/plain-path';
import { findSource } from '../src/sources/registry';
import type { EventSourceActivities, RelayEventsRequest } from './contracts';
import { EventRelay } from './event-relay';
import { toApplicationFailure } from './failures';
import { keepBeating, unlessCancelled, type Beating } from './keep-beating';
import { RelayTelemetry } from './relay-telemetry';
import { createSourceFilter } from './source-filter';
import type { WorkerDependencies } from './worker-dependencies';

export function createRelayActivities(dependencies: WorkerDependencies): PluginActivities {
  const activities: EventSourceActivities = {
    async sluiceRelayEvents(request) {
      const context = Context.current();
      const beating = keepBeating();
      try {
        await relay(request, context, dependencies, beating);
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        if (!context.cancellationSignal.aborted) throw toApplicationFailure(error);
      } finally {
        beating.stop();
      }
      // Tells Temporal why it ended: cancelled, paused, or a worker that shuts down and hands over.
      await context.cancelled;
    },
  };
  return { activities, close: () => Promise.resolve() };
}

async function relay(
  { definition, kind, eventName }: RelayEventsRequest,
  { cancellationSignal: signal }: Context,
  { buses, secrets, engine, metrics, log }: WorkerDependencies,
  beating: Beating,
): Promise<void> {
  const { namespace, name } = definition;
  const factory = findSource(kind);
  const spec = readSpec(definition.spec, kind, eventName);
  if (factory === undefined || spec === undefined) {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `event source ${namespace}/${name} has no event ${eventName} of a kind that is read: ${kind}`,
      fix: 'Apply the event source again with a worker of the same version as the command',
    });
  }
  const where = { eventSource: name, event: eventName };
  const write = (level: 'info' | 'warn', message: string): void => log[level](where, message);
  const bus = await unlessCancelled(buses.get(definition.bus));
  const source = factory.create(spec, {
    namespace,
    eventSourceName: name,
    eventName,
    secrets,
    signal,
    startFrom: definition.options.startFrom,
    log: write,
  });
  const filter = createSourceFilter(spec, engine);
  const { idFrom } = definition.options;
  const telemetry = new RelayTelemetry(metrics, { namespace, eventSourceName: name, eventName });
  const eventRelay = new EventRelay({
    namespace,
    eventSourceName: name,
    eventName,
    cloudEventType: factory.cloudEventType,
    source,
    bus,
    log: write,
    maxInFlight: definition.options.maxInFlight,
    ...(filter && { filter }),
    ...(idFrom !== undefined && { idOf: (payload: JsonObject) => readEventId(payload, idFrom) }),
    telemetry,
  });
  telemetry.open();
  beating.tell(() => {
    const counts = eventRelay.counts();
    telemetry.observe(counts);
    return counts;
  });
  try {
    await eventRelay.run(signal);
  } finally {
    telemetry.close();
  }
}

/** Annotation `sluice.io/id-from`; an event without a value there gets the derived id. */
function readEventId(payload: JsonObject, path: string): string | undefined {
  const found = lookUpPlainPath(payload, path);
  if (found?.exists !== true) return undefined;
  return typeof found.value === 'string' || typeof found.value === 'number' ? String(found.value) : undefined;
}

/** `spec.<kind>.<eventName>`, as its schema left it. */
function readSpec(spec: object, kind: string, eventName: string): object | undefined {
  const events: unknown = Object.entries(spec).find(([key]) => key === kind)?.[1];
  if (typeof events !== 'object' || events === null) return undefined;
  const found: unknown = Object.entries(events).find(([key]) => key === eventName)?.[1];
  return typeof found === 'object' && found !== null ? found : undefined;
}
