/** The relay as an activity: heartbeats carry the read position; cancellation closes the source. */
import { CancelledFailure, Context } from '@temporalio/activity';
import type { Bus, BusLog } from '../../src/bus/bus';
import { describeError } from '../../src/errors/sluice-error';
import { isJsonObject } from '../../src/event/json';
import type { ObjectDocument } from '../../src/event/json-text';
import { BacklogMeter } from './backlog-meter';
import type { EventSourceDefinition } from '../../src/contract/definitions';
import { LinkedItems } from '../../src/stac/linked-items';
import type { EventSourceActivities, RelayEventsRequest } from '../../src/contract/activities';
import { stopReasonOf } from '../worker/stop-reason';
import { readEventId } from './event-id-from';
import { EventRelay } from './event-relay';
import { toApplicationFailure } from '../worker/failures';
import { notConnected, startHeartbeat, WAITS_FOR_BUS, type Heartbeat } from '../worker/heartbeat';
import { openSource, type RelayDependencies } from './open-source';
import { ItemHydration } from './item-hydration';
import { RelayTelemetry } from './relay-telemetry';
import { createSourceFilter } from './relay-filter';
import { splitCloudEvents } from './split-cloud-events';
import { splitStacItems } from './split-stac-items';
import { TemporalOutages } from './temporal-outages';

const SPLITS = { 'stac-items': splitStacItems, cloudevents: splitCloudEvents } as const;

export function createRelayActivities(
  dependencies: RelayDependencies,
): Pick<EventSourceActivities, 'sluiceRelayEvents'> {
  const outages = new TemporalOutages();
  return {
    async sluiceRelayEvents(request) {
      const context = Context.current();
      const { definition, eventName } = request;
      const name = `event source ${definition.namespace}/${definition.name}, event ${eventName}`;
      const log: BusLog = (level, message) => dependencies.log[level](message);
      outages.begun(name, log);
      const heartbeat = startHeartbeat(notConnected({ event: request.eventName, ...WAITS_FOR_BUS }));
      try {
        await dependencies.buses.use(request.definition.bus, context.cancellationSignal, (bus) =>
          relay(request, context, bus, dependencies, heartbeat),
        );
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        if (!context.cancellationSignal.aborted) throw toApplicationFailure(error);
      } finally {
        heartbeat.stop();
        outages.ended(name, context.cancellationDetails, log);
      }
      // Reports to Temporal why it ended: cancelled, paused, or a worker that shuts down and hands over.
      await context.cancelled;
    },
  };
}

async function relay(
  request: RelayEventsRequest,
  { cancellationSignal: signal, info }: Context,
  bus: Bus,
  dependencies: RelayDependencies,
  heartbeat: Heartbeat,
): Promise<void> {
  const { definition, eventName } = request;
  const { namespace, name } = definition;
  const { engine, metrics } = dependencies;
  const { source, spec, type, write } = openSource(request, signal, dependencies, readMarks(info.heartbeatDetails));
  const filter = createSourceFilter(spec, engine);
  const quota = dependencies.eventQuotas.of(namespace);
  const { idFrom, split, hydrate, hydrateForMs } = definition.options;
  const relayed = { namespace, eventSourceName: name, eventName };
  const telemetry = new RelayTelemetry(metrics, relayed);
  const items = openLinkedItems(definition, dependencies.secrets);
  const eventRelay = new EventRelay({
    ...relayed,
    cloudEventType: type,
    source,
    bus,
    log: write,
    maxInFlight: definition.options.maxInFlight,
    ...(filter && { filter }),
    ...(quota && { quota }),
    ...(split && { split: SPLITS[split] }),
    ...(hydrate !== undefined && {
      hydration: new ItemHydration({
        place: hydrate,
        forMs: hydrateForMs,
        read: (link, aborted) => items.read(link, aborted),
      }),
    }),
    ...(idFrom !== undefined && { idOf: (payload: ObjectDocument) => readEventId(payload, idFrom) }),
    telemetry,
  });
  const meter = new BacklogMeter(source, metrics, relayed, true);
  const over = new AbortController();
  let problem: unknown;
  let measuring: Promise<void> | undefined;
  try {
    telemetry.open();
    // Before any reading: a failure up to here leaves nothing open.
    heartbeat.report(() => {
      const counts = eventRelay.counts();
      telemetry.observe(counts);
      const busProblem = bus.problem();
      return {
        event: eventName,
        ...counts,
        backlog: meter.latest(),
        marks: source.marks?.(),
        ...(busProblem !== undefined && { busProblem }),
      };
    });
    measuring = meter
      .run(AbortSignal.any([signal, over.signal]))
      .catch((error: unknown) =>
        write('warn', `the backlog of event ${eventName} is not known: ${describeError(error)}`),
      );
    await eventRelay.run(signal);
  } catch (error) {
    problem = error;
    throw error;
  } finally {
    over.abort();
    await measuring;
    await items.close();
    telemetry.close(stopReasonOf(problem));
  }
}

/** Opens no connection before the first link. */
function openLinkedItems(
  { namespace, options }: EventSourceDefinition,
  secrets: RelayDependencies['secrets'],
): LinkedItems {
  const { hydrateFrom = [], hydrateToken } = options;
  return new LinkedItems({
    origins: hydrateFrom,
    ...(hydrateToken && { token: () => secrets.secret(namespace, hydrateToken) }),
  });
}

function readMarks(heartbeat: unknown): unknown {
  return isJsonObject(heartbeat) ? heartbeat.marks : undefined;
}
