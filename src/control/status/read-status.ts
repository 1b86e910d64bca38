/** The full state of one applied object, as plain JSON: for `sluice status` and programs. */
import type { Bus } from '../../bus/bus';
import type { EventBusDefinition } from '../../contract/definitions';
import type { GroupStatus } from '../../contract/group-messages';
import { eventBusDefinitionQuery, eventBusStatusQuery } from '../../contract/event-bus-messages';
import {
  eventSourceDefinitionQuery,
  eventSourceStatusQuery,
  type EventSourceStatus,
} from '../../contract/event-source-messages';
import type { AppliedRecord, ControlStatus } from '../../contract/lifecycle-messages';
import {
  sensorDefinitionQuery,
  sensorDependenciesQuery,
  sensorStatusQuery,
  type HeldDependencies,
  type SensorStatus,
} from '../../contract/sensor-messages';
import { isSluiceError } from '../../errors/sluice-error';
import type { EventBusSpec } from '../../manifest/event-bus';
import type { ObjectAddress } from '../applied-kinds';
import { findBus, withBuses, withOpenBus } from '../explain/open-buses';
import { pendingActivitiesOf, type PendingActivity } from '../pending-activities';
import type { ProcessEnvironment } from '../process-environment';
import type { TemporalSession } from '../temporal-session';
import { appliedManifest, type AppliedManifest } from './applied-manifest';
import {
  goneCondition,
  sensorCondition,
  sourceCondition,
  streamCondition,
  withRelayReports,
  type Condition,
} from './condition';
import type { ExecutionEnd } from './execution-end';
import { expiringEvents, type ExpiringEvents } from './expiring-events';
import { findObject } from './find-object';
import { groupProblems, readGroups } from './read-groups';
import { replacedAddress } from './replaced-address';
import { sensorProblems, sourceProblems } from './object-problems';
import { withBacklogs, type EventWithFate } from './source-backlog';

export interface DescribedObject extends Condition {
  readonly namespace: string;
  readonly name: string;
  readonly workflowId: string;
  /** What is wrong, as sentences. */
  readonly problems: readonly string[];
}

/** What runs, and who asked for it. */
export interface AppliedState {
  /** Applied again, it changes nothing. */
  readonly manifest: AppliedManifest;
  /** Absent if a version without this record applied the object last. */
  readonly applied?: AppliedRecord;
}

/** Its workflow was ended by something other than `sluice delete`. */
export interface GoneObject extends DescribedObject {
  readonly kind: 'EventBus' | 'EventSource' | 'Sensor';
  readonly end: ExecutionEnd;
}

export interface EventBusObjectStatus extends DescribedObject, AppliedState {
  readonly kind: 'EventBus';
  readonly spec: EventBusSpec;
}

export interface EventSourceObjectStatus
  extends DescribedObject, AppliedState, Omit<EventSourceStatus, 'events' | 'applied'> {
  readonly kind: 'EventSource';
  /** The name of its event bus. */
  readonly bus: string;
  readonly events: readonly EventWithFate[];
  readonly activities: readonly PendingActivity[];
}

export interface SensorObjectStatus extends DescribedObject, AppliedState, Omit<SensorStatus, 'problems' | 'applied'> {
  readonly kind: 'Sensor';
  /** The name of its event bus. */
  readonly bus: string;
  readonly expiring?: ExpiringEvents;
  readonly dependencies: readonly HeldDependencies[];
  /** The concurrency groups of its triggers, with all their sensors; absent if there are none. */
  readonly concurrencyGroups?: readonly GroupStatus[];
  readonly activities: readonly PendingActivity[];
}

export type ObjectStatus = GoneObject | EventBusObjectStatus | EventSourceObjectStatus | SensorObjectStatus;

const STREAM_TIMEOUT_MS = 2_000;
const HOW_TO_CHANGE = 'sluice apply changes it, or says why not';

/** Throws OBJECT_UNKNOWN for an object that is not applied, and WORKER_MISSING. */
export async function readObjectStatus(
  session: TemporalSession,
  address: ObjectAddress,
  environment: ProcessEnvironment,
): Promise<ObjectStatus> {
  const { workflowId, execution, end, ask } = await findObject(session, address);
  const { namespace, name } = address;
  const identity = { namespace, name, workflowId };
  if (end !== undefined) {
    const condition = goneCondition(end);
    return { kind: address.kind.kind, ...identity, ...condition, end, problems: [condition.reason ?? ''] };
  }
  const activities = await pendingActivitiesOf(session, execution);
  switch (address.kind.kind) {
    case 'EventBus': {
      const [definition, { applied, refusals }] = await Promise.all([
        ask((handle) => handle.query(eventBusDefinitionQuery)),
        ask((handle) => handle.query(eventBusStatusQuery)).catch(noStatusInEarlierVersions),
      ]);
      const manifest = appliedManifest({ kind: 'EventBus', definition }, applied);
      const [stream, replaced] = await Promise.all([
        readStream(session, environment, definition),
        replacedAddress(session, execution.taskQueue, () => Promise.resolve(definition.spec)),
      ]);
      const problems = stream.reason === undefined ? [] : [stream.reason];
      // No problem: whoever deploys the workers wants it so.
      const reasons = replaced === undefined ? problems : [...problems, replaced];
      const condition = { ...stream, ...(reasons.length > 0 && { reason: reasons.join('. ') }) };
      const state = { kind: 'EventBus', ...identity, ...condition, spec: definition.spec, problems } as const;
      return { ...state, manifest, ...(applied && { applied }), ...(refusals && { refusals }) };
    }
    case 'EventSource': {
      const [status, definition] = await Promise.all([
        ask((handle) => handle.query(eventSourceStatusQuery)),
        ask((handle) => handle.query(eventSourceDefinitionQuery)),
      ]);
      const observed = withRelayReports(status.events, activities, Date.now());
      const condition = sourceCondition(status, observed);
      const now = { ...status, events: withBacklogs(observed, activities) };
      const problems = sourceProblems(status, activities, condition);
      const manifest = appliedManifest({ kind: 'EventSource', definition }, status.applied);
      const bus = definition.bus.name;
      return { kind: 'EventSource', ...identity, ...condition, bus, ...now, problems, activities, manifest };
    }
    case 'Sensor': {
      const [status, definition, dependencies] = await Promise.all([
        ask((handle) => handle.query(sensorStatusQuery)),
        ask((handle) => handle.query(sensorDefinitionQuery)),
        ask((handle) => handle.query(sensorDependenciesQuery)),
      ]);
      const { bus, options } = definition;
      // A paused sensor has no listener to count events, so the count comes from its bus.
      const backlog = status.paused && (await readBacklog(session, environment, address, bus));
      const now = backlog === undefined ? status : { ...status, lag: backlog, countedAt: new Date().toISOString() };
      const expiring = expiringEvents(activities);
      const condition = sensorCondition(status, options.listeners, activities, Date.now());
      const names = (status.groups ?? []).map(({ name }) => name);
      const groups = await readGroups(session, address.namespace, names);
      const problems = [...sensorProblems(status, activities, condition), ...groupProblems(groups)];
      const manifest = appliedManifest({ kind: 'Sensor', definition }, status.applied);
      return {
        ...{ kind: 'Sensor', ...identity, ...condition, bus: bus.name, ...now, problems },
        ...{ ...(expiring && { expiring }), dependencies, activities, manifest },
        ...(groups.length > 0 && { concurrencyGroups: groups }),
      };
    }
  }
}

/** Workers of earlier versions reject this query, and have no more to say. */
function noStatusInEarlierVersions(error: unknown): ControlStatus {
  if (isSluiceError(error)) throw error;
  return {};
}

/** A bus that cannot be reached from here is as good as its sources and sensors report. */
async function readStream(
  session: TemporalSession,
  environment: ProcessEnvironment,
  definition: EventBusDefinition,
): Promise<Condition> {
  const options = { temporalNamespace: session.namespace, readOnly: true };
  const read = async (bus: Bus) =>
    streamCondition((await bus.streamDifferences({ change: false })).map((text) => `${text}; ${HOW_TO_CHANGE}`));
  return await withOpenBus(definition, options, environment, read, STREAM_TIMEOUT_MS).catch(() => ({ state: 'Ready' }));
}

/** Resolves with undefined if the bus cannot be reached from here. */
async function readBacklog(
  session: TemporalSession,
  environment: ProcessEnvironment,
  { namespace, name }: ObjectAddress,
  wanted: EventBusDefinition,
): Promise<number | undefined> {
  return await withBuses(session, environment, namespace, async ({ buses }) => {
    const found = findBus(buses, wanted);
    return found && ((await found.bus.position(namespace, name))?.waiting ?? 0);
  });
}
