/** `sluice status`: the full state of buses, sources and sensors. */
import type { Command } from 'commander';
import type { AppliedRecord } from '../../contract/lifecycle-messages';
import type { GroupStatus } from '../../contract/group-messages';
import type { HeldDependencies } from '../../contract/sensor-messages';
import { DEFAULT_PRIORITY, describePriority } from '../../contract/priority';
import { ageOf } from '../../text/ages';
import { concurrently } from '../../concurrency/concurrently';
import { defaultNamespace, parseObjectAddresses, type ObjectAddress } from '../../control/applied-kinds';
import { addressText } from '../../control/ask-workflow';
import type { ProcessEnvironment } from '../../control/process-environment';
import { describeExpiring } from '../../control/status/expiring-events';
import {
  readObjectStatus,
  type EventBusObjectStatus,
  type EventSourceObjectStatus,
  type ObjectStatus,
  type SensorObjectStatus,
} from '../../control/status/read-status';
import { describeError, SluiceError } from '../../errors/sluice-error';
import { EXIT_CODES } from '../exit-codes';
import type { Result } from '../printing/output';
import type { PendingActivity } from '../../control/pending-activities';
import type { RegisterCommand } from '../runtime';
import type { Table } from '../printing/table';
import { describeBacklog } from '../../control/status/source-backlog';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { describeRequester } from '../../text/requester-name';
import { writeYaml } from '../../yaml/write-yaml';

/** For each trigger; `-o json` has all that the sensor reports. */
const SHOWN_EVENTS = 20;

const OBJECTS_AT_ONCE = 8;

const EXAMPLES = `
Examples:
  sluice status sensor/water-bodies
  sluice status sensor/water-bodies source/stac bus/default
  sluice status sensor/water-bodies --manifest > running.yaml
  sluice status source stac -n argo -o json`;

interface StatusOptions extends TemporalOptions {
  namespace?: string;
  manifest?: boolean;
}

export const registerStatus: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('status <object...>'))
    .summary('show buses, sources or sensors in full')
    .description('Shows counts, lag, held events, reading positions and problems; exits with 1 if there are problems.')
    .option('-n, --namespace <name>', 'Kubernetes namespace (default: SLUICE_NAMESPACE, default)')
    .option('--manifest', 'print only the manifest of what runs, as YAML or with -o json')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], options: StatusOptions, command: Command) => {
      const addresses = parseObjectAddresses(words, options.namespace ?? defaultNamespace(cli.io));
      const { found, failures } = await withTemporal(options, cli.io, (session) =>
        readAll(session, addresses, cli.io, options.manifest === true),
      );
      const output = cli.output(command);
      if (found.length > 0) {
        const isOne = addresses.length === 1;
        output.print(options.manifest ? describeManifests(found, isOne) : describeAll(found, isOne));
      }
      for (const failure of failures.slice(1)) output.note(describeError(failure));
      if (failures.length > 0) throw failures[0];
      if (found.some(({ status: { problems } }) => problems.length > 0)) cli.exitWith(EXIT_CODES.problem);
    });
};

interface FoundStatus {
  readonly address: ObjectAddress;
  readonly status: ObjectStatus;
}

/** An object that is unknown or does not answer hides none of the others. */
async function readAll(
  session: TemporalSession,
  addresses: readonly ObjectAddress[],
  environment: ProcessEnvironment,
  manifestOnly: boolean,
): Promise<{ found: readonly FoundStatus[]; failures: readonly unknown[] }> {
  const failures: unknown[] = [];
  const found = await concurrently(addresses, OBJECTS_AT_ONCE, async (address) => {
    try {
      const status = await readObjectStatus(session, address, environment);
      if (manifestOnly && 'end' in status) throw manifestGone(address, status.reason);
      return [{ address, status }];
    } catch (error) {
      failures.push(error);
      return [];
    }
  });
  return { found: found.flat(), failures };
}

function describeAll(found: readonly FoundStatus[], isOne: boolean): Result {
  const data = found.map(({ status }) => status);
  return {
    data: isOne ? data[0] : { objects: data },
    table: found.flatMap(({ address, status }) => describe(address, status)),
    names: found.map(nameOf),
  };
}

/** Several are a List, as kubectl prints them: it can be applied again. */
function describeManifests(found: readonly FoundStatus[], isOne: boolean): Result {
  const manifests = found.flatMap(({ status }) => ('end' in status ? [] : status.manifest));
  return {
    data: isOne ? manifests[0] : { apiVersion: 'v1', kind: 'List', items: manifests },
    table: manifests.map((manifest) => writeYaml(manifest).trimEnd()).join('\n---\n'),
    names: found.map(nameOf),
  };
}

function nameOf({ address: { kind, name } }: FoundStatus): string {
  return `${kind.word}/${name}`;
}

function manifestGone(address: ObjectAddress, reason = ''): SluiceError {
  return new SluiceError('OBJECT_UNKNOWN', {
    message: `${addressText(address)} has no manifest any more: ${reason}`,
    fix: 'Apply the manifest that you keep',
  });
}

function describe(address: ObjectAddress, status: ObjectStatus): Result['table'] {
  if ('end' in status) return `${addressText(address)}: ${status.state}\n${status.reason ?? ''}`;
  switch (status.kind) {
    case 'EventBus':
      return describeBus(address, status);
    case 'EventSource':
      return describeSource(address, status);
    case 'Sensor':
      return describeSensor(address, status);
  }
}

function describeBus(address: ObjectAddress, { state, reason, spec, applied }: EventBusObjectStatus): string {
  const condition = reason === undefined ? state : `${state}: ${reason}`;
  const heading = `${addressText(address)}: ${condition}`;
  return [heading, ...describeApplied(applied), JSON.stringify(spec, null, 2)].join('\n');
}

function describeApplied(applied: AppliedRecord | undefined): string[] {
  if (applied === undefined) return [];
  return [`Last changed ${ageOf(applied.at)} ago by ${describeRequester(applied.by)}: ${applied.why}`];
}

function describeSource(address: ObjectAddress, status: EventSourceObjectStatus): Result['table'] {
  return [
    heading(address, status),
    {
      columns: ['event', 'kind', 'state', 'backlog', 'problem'],
      rows: status.events.map((event) => [
        ...[event.name, event.kind],
        { text: event.state, tone: event.state === 'Reading' ? ('good' as const) : ('warning' as const) },
        ...[describeBacklog(event), event.problem ?? ''],
      ]),
      empty: 'No events are declared.',
    },
    activityTable(status.activities),
  ];
}

function describeSensor(address: ObjectAddress, status: SensorObjectStatus): Result['table'] {
  const { dependencies, expiring, activities } = status;
  const { counts, parked, lag, countedAt } = status;
  const held: Table = {
    columns: ['trigger', 'held', 'waiting for'],
    rows: dependencies.map((entry) => [entry.trigger, listHeld(entry), entry.waitingFor.join(', ') || '-']),
  };
  return [
    [heading(address, status), ...(expiring ? describeExpiring(expiring) : [])].join('\n'),
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
    ...(status.concurrencyGroups ?? []).map(groupTable),
    activityTable(activities),
  ];
}

/** Who has the places of a concurrency group, and who waits. */
function groupTable({ name, limit, used, sensors, leftBehind }: GroupStatus): Table {
  const rows = sensors.map(({ sensor, holding, waiting, limit: stated }) => [
    ...[sensor, `${holding}`, `${waiting}`],
    stated === undefined ? 'has left' : `${stated}`,
  ]);
  if (leftBehind.length > 0) rows.push(['(deleted sensors)', `${leftBehind.length}`, '0', '-']);
  return { columns: [`group ${name}: ${used} of ${limit} in use`, 'in flight', 'waiting', 'limit'], rows };
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

type Heading = Pick<
  EventSourceObjectStatus & Partial<Pick<SensorObjectStatus, 'holdingBack'>>,
  'bus' | 'state' | 'paused' | 'applied' | 'appliedAt' | 'refusals' | 'problems' | 'holdingBack'
>;

function heading(
  address: ObjectAddress,
  { bus, state, paused, applied, appliedAt, refusals = [], problems, holdingBack }: Heading,
): string {
  const lines = [`${addressText(address)} on bus ${bus}, applied ${ageOf(appliedAt)} ago: ${state}`];
  lines.push(...describeApplied(applied));
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
