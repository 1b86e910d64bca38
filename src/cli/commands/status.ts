/** `sluice status`: the full state of one bus, source or sensor. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { Command } from 'commander';
import type { EventBusDefinition } from '../../contract/definitions';
import { eventBusDefinitionQuery } from '../../contract/event-bus-messages';
import {
  eventSourceDefinitionQuery,
  eventSourceStatusQuery,
  type EventSourceStatus,
} from '../../contract/event-source-messages';
import {
  sensorDefinitionQuery,
  sensorDependenciesQuery,
  sensorStatusQuery,
  type HeldDependencies,
  type SensorStatus,
} from '../../contract/sensor-messages';
import { DEFAULT_PRIORITY, describePriority } from '../../contract/priority';
import { ageOf } from '../../text/ages';
import { defaultNamespace, parseObjectAddress, type ObjectAddress } from '../../control/applied-kinds';
import { workflowIdOf } from '../../control/applied-objects';
import { describeExpiring, expiringEvents } from '../../control/status/expiring-events';
import { addressText, askWorkflow } from '../../control/ask-workflow';
import {
  goneCondition,
  withRelayReports,
  sensorCondition,
  sourceCondition,
  type Condition,
} from '../../control/status/condition';
import { isDeleted, readEnd } from '../../control/status/execution-end';
import { findBus, withBuses } from '../../control/explain/open-buses';
import { isWorkflowNotFound } from '../../control/not-found';
import { EXIT_CODES } from '../exit-codes';
import type { CliIo } from '../io';
import { sensorProblems, sourceProblems } from '../../control/status/object-problems';
import type { Result } from '../printing/output';
import { pendingActivitiesOf, type PendingActivity } from '../../control/pending-activities';
import type { RegisterCommand } from '../runtime';
import type { Table } from '../printing/table';
import { describeBacklog, withBacklogs, type EventWithFate } from '../../control/status/source-backlog';
import { objectUnknown } from '../../control/unknown-object';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { describeRequester } from '../../text/requester-name';

/** For each trigger; `-o json` has all that the sensor reports. */
const SHOWN_EVENTS = 20;

export const registerStatus: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('status <object...>'))
    .summary('show one bus, source or sensor')
    .description('Shows counts, lag, held events, reading positions and problems; exits with 1 if there are problems.')
    .option('-n, --namespace <name>', 'Kubernetes namespace (default: SLUICE_NAMESPACE, default)')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice status sensor/water-bodies\n  sluice status source stac -n argo -o json',
    )
    .action(async (words: string[], options: TemporalOptions & { namespace?: string }, command: Command) => {
      const address = parseObjectAddress(words, options.namespace ?? defaultNamespace(cli.io));
      const { problems, ...result } = await withTemporal(options, cli.io, (session) =>
        describe(session, address, cli.io),
      );
      cli.output(command).print(result);
      if (problems.length > 0) cli.exitWith(EXIT_CODES.problem);
    });
};

/** The part that is printed first. */
interface Judged {
  readonly condition: Condition;
  readonly problems: readonly string[];
}

interface ObjectResult extends Result {
  readonly problems: readonly string[];
}

async function describe(session: TemporalSession, address: ObjectAddress, io: CliIo): Promise<ObjectResult> {
  const workflowId = workflowIdOf(address);
  const unknown = () => objectUnknown(session, address);
  const ask: <T>(question: Parameters<typeof askWorkflow<T>>[3]) => Promise<T> = (question) =>
    askWorkflow(session, workflowId, unknown, question);
  const identity = { kind: address.kind.kind, namespace: address.namespace, name: address.name, workflowId };
  const names = [`${address.kind.word}/${address.name}`];
  const execution = await describeExecution(session, address);
  const end = await readEnd(session, execution);
  if (end !== undefined) {
    if (isDeleted(end)) throw await unknown();
    const condition = goneCondition(end);
    const problems = [condition.reason ?? ''];
    return {
      data: { ...identity, ...condition, end, problems },
      table: `${addressText(address)}: ${condition.state}\n${condition.reason ?? ''}`,
      names,
      problems,
    };
  }
  const activities = await pendingActivitiesOf(session, execution);
  switch (address.kind.kind) {
    case 'EventBus': {
      const definition = await ask((handle) => handle.query(eventBusDefinitionQuery));
      const data = { ...identity, spec: definition.spec };
      return { data, table: describeBus(address, definition), names, problems: [] };
    }
    case 'EventSource': {
      const [status, { bus }] = await Promise.all([
        ask((handle) => handle.query(eventSourceStatusQuery)),
        ask((handle) => handle.query(eventSourceDefinitionQuery)),
      ]);
      const observed = withRelayReports(status.events, activities, Date.now());
      const condition = sourceCondition(status, observed);
      const now = { ...status, events: withBacklogs(observed, activities) };
      const problems = sourceProblems(status, activities, condition);
      return {
        data: { ...identity, ...condition, bus: bus.name, ...now, problems, activities },
        table: describeSource(address, bus, now, activities, { condition, problems }),
        names,
        problems,
      };
    }
    case 'Sensor': {
      const [status, { bus, options }, dependencies] = await Promise.all([
        ask((handle) => handle.query(sensorStatusQuery)),
        ask((handle) => handle.query(sensorDefinitionQuery)),
        ask((handle) => handle.query(sensorDependenciesQuery)),
      ]);
      // A paused sensor has no listener to count events, so the count comes from its bus.
      const backlog = status.paused && (await readBacklog(session, io, address, bus));
      const now = backlog === undefined ? status : { ...status, lag: backlog, countedAt: new Date().toISOString() };
      const expiring = expiringEvents(activities);
      const condition = sensorCondition(status, options.listeners, activities, Date.now());
      const problems = sensorProblems(status, activities, condition);
      const data = { ...identity, ...condition, bus: bus.name, ...now, problems, expiring, dependencies, activities };
      const judged = { condition, problems };
      return { data, table: describeSensor(address, bus, now, dependencies, activities, judged), names, problems };
    }
  }
}

async function describeExecution(
  session: TemporalSession,
  address: ObjectAddress,
): Promise<WorkflowExecutionDescription> {
  try {
    return await session.client.workflow.getHandle(workflowIdOf(address)).describe();
  } catch (error) {
    throw isWorkflowNotFound(error) ? await objectUnknown(session, address) : error;
  }
}

/** Resolves with undefined if the bus cannot be reached from here. */
async function readBacklog(
  session: TemporalSession,
  io: CliIo,
  { namespace, name }: ObjectAddress,
  wanted: EventBusDefinition,
): Promise<number | undefined> {
  return await withBuses(session, io, namespace, async ({ buses }) => {
    const found = findBus(buses, wanted);
    return found && ((await found.bus.position(namespace, name))?.waiting ?? 0);
  });
}

function describeBus(address: ObjectAddress, { spec }: EventBusDefinition): string {
  return `${addressText(address)}\n${JSON.stringify(spec, null, 2)}`;
}

function describeSource(
  address: ObjectAddress,
  bus: EventBusDefinition,
  status: Omit<EventSourceStatus, 'events'> & { readonly events: readonly EventWithFate[] },
  activities: readonly PendingActivity[],
  judged: Judged,
): Result['table'] {
  return [
    heading(address, bus, status, judged),
    {
      columns: ['event', 'kind', 'state', 'backlog', 'problem'],
      rows: status.events.map((event) => [
        ...[event.name, event.kind],
        { text: event.state, tone: event.state === 'Reading' ? ('good' as const) : ('warning' as const) },
        ...[describeBacklog(event), event.problem ?? ''],
      ]),
      empty: 'No events are declared.',
    },
    activityTable(activities),
  ];
}

type Heading = Pick<SensorStatus, 'paused' | 'appliedAt' | 'refusals' | 'holdingBack'>;

function describeSensor(
  address: ObjectAddress,
  bus: EventBusDefinition,
  status: SensorStatus,
  dependencies: readonly HeldDependencies[],
  activities: readonly PendingActivity[],
  judged: Judged,
): Result['table'] {
  const { counts, parked, lag, countedAt } = status;
  const held: Table = {
    columns: ['trigger', 'held', 'waiting for'],
    rows: dependencies.map((entry) => [entry.trigger, listHeld(entry), entry.waitingFor.join(', ') || '-']),
  };
  const expiring = expiringEvents(activities);
  return [
    [heading(address, bus, status, judged), ...(expiring ? describeExpiring(expiring) : [])].join('\n'),
    {
      columns: ['consumed', 'matched', 'unmatched', 'fired', 'failed', 'parked', 'lag', 'counted'],
      rows: [
        [
          ...[
            counts.consumed,
            counts.matched,
            counts.unmatched,
            counts.fired,
            counts.failed,
            parked ?? '-',
            lag ?? '-',
          ].map(String),
          countedAt === undefined ? '-' : `${ageOf(countedAt)} ago`,
        ],
      ],
    },
    {
      columns: ['trigger', 'condition', 'joined', 'priority'],
      rows: status.triggers.map(({ name, condition, joined, priority = { priority: DEFAULT_PRIORITY } }) => [
        ...[name, condition, joined ? 'yes' : 'no', describePriority(priority)],
      ]),
    },
    ...(dependencies.length > 0 ? [held] : []),
    activityTable(activities),
  ];
}

/** Lists events that wait for others, then those that wait to be fired. */
function listHeld({ held, more = 0, collected, waiting, running }: HeldDependencies): string {
  const shown = held.slice(0, SHOWN_EVENTS).map(({ dependency, eventKey }) => `${dependency}=${eventKey}`);
  const others = held.length - shown.length + more;
  if (others > 0) shown.push(`… ${others} more`);
  if (collected !== undefined) shown.push(`${collected} collected`);
  if (waiting !== undefined) shown.push(`${waiting} waiting for their turn`);
  if (running !== undefined) shown.push(`${running} in flight`);
  return shown.join(', ') || '-';
}

function heading(
  address: ObjectAddress,
  bus: EventBusDefinition,
  { paused, appliedAt, refusals = [], holdingBack }: Heading,
  { condition, problems }: Judged,
): string {
  const lines = [`${addressText(address)} on bus ${bus.name}, applied ${ageOf(appliedAt)} ago: ${condition.state}`];
  if (paused) lines.push(`Paused for ${ageOf(paused.since)} by ${describeRequester(paused.by)}: ${paused.why}`);
  if (holdingBack) {
    lines.push(`Holding back: ${holdingBack.waiting} events wait for their turn; further events stay on the bus`);
  }
  lines.push(...refusals.map((refusal) => `Refused ${refusal}`), ...problems.map((problem) => `Problem: ${problem}`));
  return lines.join('\n');
}

function activityTable(activities: readonly PendingActivity[]): Table {
  return {
    columns: ['activity', 'state', 'heartbeat', 'details', 'failure'],
    rows: activities.map(({ type, state, attempt, heartbeat, lastHeartbeatAt, lastFailure }) => [
      type,
      { text: attempt > 1 ? `${state}, attempt ${attempt}` : state, tone: state === 'started' ? 'good' : 'warning' },
      lastHeartbeatAt === undefined ? '-' : `${ageOf(lastHeartbeatAt)} ago`,
      heartbeat === undefined ? '-' : describeHeartbeat(heartbeat),
      lastFailure ?? '',
    ]),
    empty: 'No activity is running.',
  };
}

function describeHeartbeat(details: unknown): string {
  if (typeof details !== 'object' || details === null) return String(details);
  return Object.entries(details)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}
