/** The relay as an activity: heartbeats carry the read position; cancellation closes the source. */
import { CancelledFailure, Context } from '@temporalio/activity';
import type { Bus, BusLog } from '../../src/bus/bus';
import { describeError } from '../../src/errors/sluice-error';
import { isJsonObject } from '../../src/event/json';
import type { ObjectDocument } from '../../src/event/json-text';
import { BacklogMeter } from './backlog-meter';
import type { EventSourceActivities, RelayEventsRequest } from '../../src/contract/activities';
import { stopReasonOf } from '../worker/stop-reason';
import { readEventId } from './event-id-from';
import { EventRelay } from './event-relay';
import { toApplicationFailure } from '../worker/failures';
import { notConnected, startHeartbeat, WAITS_FOR_BUS, type Heartbeat } from '../worker/heartbeat';
import { openSource } from './open-source';
import { RelayTelemetry } from './relay-telemetry';
import { createSourceFilter } from './relay-filter';
import { TemporalOutages } from './temporal-outages';
import type { WorkerDependencies } from '../worker/worker-dependencies';

export function createRelayActivities(
  dependencies: WorkerDependencies,
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
  dependencies: WorkerDependencies,
  heartbeat: Heartbeat,
): Promise<void> {
  const { definition, eventName } = request;
  const { namespace, name } = definition;
  const { engine, metrics } = dependencies;
  const { source, spec, write } = openSource(request, signal, dependencies, readMarks(info.heartbeatDetails));
  const filter = createSourceFilter(spec, engine);
  const { idFrom } = definition.options;
  const relayed = { namespace, eventSourceName: name, eventName };
  const telemetry = new RelayTelemetry(metrics, relayed);
  const eventRelay = new EventRelay({
    ...relayed,
    cloudEventType: request.kind,
    source,
    bus,
    log: write,
    maxInFlight: definition.options.maxInFlight,
    ...(filter && { filter }),
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
    telemetry.close(stopReasonOf(problem));
  }
}

function readMarks(heartbeat: unknown): unknown {
  return isJsonObject(heartbeat) ? heartbeat.marks : undefined;
}
