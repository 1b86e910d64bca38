/** `sluice delete`: deletes buses, sources and sensors, and what they leave on the bus. */
import { Option, type Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error';
import { addOptionalRequestedByOptions, requestedBy, type RequestedByOptions } from '../requested-by';
import {
  APPLIED_KINDS,
  DELETE_ORDER,
  defaultNamespace,
  parseObjectAddresses,
  type ObjectAddress,
} from '../../control/applied-kinds';
import { workflowIdOf } from '../../control/applied-objects';
import { collect, parseDuration } from '../arguments';
import { addressText } from '../../control/ask-workflow';
import { deleteObject, requireUnused, type Deletion } from '../../control/delete-object';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import type { CliIo } from '../io';
import { refuseManifests } from '../printing/print-problems';
import { reportManifests } from '../../validation/manifest-report';
import type { Output } from '../printing/output';
import { createProgress } from '../printing/progress';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';
import type { Tone } from '../printing/style';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { objectUnknown } from '../../control/unknown-object';

interface DeleteOptions extends TemporalOptions, RequestedByOptions {
  filename?: string[];
  namespace?: string;
  ignoreNotFound?: boolean;
  force?: boolean;
  wait: number;
}

const TONES: Record<Deletion['action'], Tone> = { deleted: 'good', deleting: 'warning', 'not found': 'quiet' };

const EXAMPLES = `
Examples:
  sluice delete sensor/water-bodies
  sluice delete sensor/water-bodies source/stac
  sluice delete -f examples/water-bodies --ignore-not-found

A deleted sensor gives up its position on the bus; runs in flight continue to
their end. A bus is not deleted while sources or sensors use it. The stream and
its events stay on the NATS server.`;

export const registerDelete: RegisterCommand = (program, cli) => {
  addOptionalRequestedByOptions(addTemporalOptions(program.command('delete [object...]')), 'sluice delete')
    .summary('delete buses, sources and sensors')
    .description('Ends the workflows of the objects in manifests, or of named objects.')
    .option('-f, --filename <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option('-n, --namespace <name>', 'Kubernetes namespace (default: the manifest, SLUICE_NAMESPACE, default)')
    .option('--ignore-not-found', 'ignore objects that are not applied')
    .addOption(
      new Option('--wait <duration>', 'how long to wait for each to end')
        .argParser(parseDuration)
        .default(15_000, '15s'),
    )
    .option('--force', 'end it without a worker; a sensor then leaves its consumer on the bus')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], options: DeleteOptions, command: Command) => {
      cli.exitWith(await deleteObjects(words, options, cli.output(command), cli.io));
    });
};

async function deleteObjects(
  words: readonly string[],
  options: DeleteOptions,
  output: Output,
  io: CliIo,
): Promise<ExitCode> {
  const addresses = await addressesOf(words, options, output, io);
  const { force, wait: waitMs } = options;
  const how = { force, waitMs, requestedBy: requestedBy(options, io) };
  const progress = createProgress(io);
  const results = await withTemporal(options, io, async (session) => {
    const deleted = new Set(addresses.map(workflowIdOf));
    for (const address of addresses) await requireUnused(session, address, deleted);
    const done: Array<Deletion & { address: ObjectAddress }> = [];
    for (const address of addresses) {
      progress.update(`ending ${addressText(address)}`);
      done.push({ address, ...(await deleteObject(session, address, how)) });
    }
    const [first, ...others] = done;
    const isNamed = options.filename === undefined && others.length === 0;
    if (isNamed && first?.action === 'not found' && !options.ignoreNotFound) {
      throw await objectUnknown(session, first.address);
    }
    return done;
  }).finally(() => progress.end());

  output.print({
    data: {
      objects: results.map(({ address: { kind, namespace, name }, action, keepsPosition }) => ({
        ...{ kind: kind.kind, namespace, name, action },
        ...(kind.kind === 'Sensor' && action !== 'not found' && { keepsPosition }),
      })),
    },
    table: {
      columns: ['object', 'namespace', 'action'],
      rows: results.map(({ address: { kind, namespace, name }, action }) => [
        ...[`${kind.kind}/${name}`, namespace],
        { text: action, tone: TONES[action] },
      ]),
      empty: 'Nothing to delete: no EventBus, EventSource or Sensor in these files.',
    },
    names: results.map(({ address: { kind, name } }) => `${kind.word}/${name}`),
  });
  if (results.some(({ action }) => action === 'deleting')) {
    output.note('Objects in state "deleting" end once a worker has cleaned up; --force does not wait.');
  }
  const sensors = results.filter(({ address, action }) => address.kind.kind === 'Sensor' && action !== 'not found');
  const named = (keeps: boolean): string[] =>
    sensors.filter(({ keepsPosition }) => keepsPosition === keeps).map(({ address }) => addressText(address));
  if (named(false).length > 0) output.note(describeLostPosition(named(false), new Date()));
  if (named(true).length > 0) output.note(describeKeptPosition(named(true)));
  const missed = !options.ignoreNotFound && results.some(({ action }) => action === 'not found');
  return missed ? EXIT_CODES.problem : EXIT_CODES.ok;
}

/** Describes the consequence: a sensor that is applied again starts as a new one. */
function describeLostPosition(sensors: readonly string[], now: Date): string {
  return (
    `Events that ${sensors.join(', ')} had not handled or held for a partner, and those published before it is applied ` +
    `again, will not fire. To fire events published from now on, apply it with the annotation sluice.io/start-from: ` +
    `"${now.toISOString()}"; for older events give an earlier time or "all". Runs that Temporal still keeps are not ` +
    'fired again.'
  );
}

/** Describes sensors whose workflow ended without deleting the consumer. */
function describeKeptPosition(sensors: readonly string[]): string {
  return (
    `The position of ${sensors.join(', ')} stays on the bus: applied again under this name, it continues there and ` +
    'fires the events that it had not handled and those published meanwhile, as long as the bus keeps them. Events that ' +
    'it held for a partner are lost.'
  );
}

/** Returns sensors first, buses last. */
async function addressesOf(
  words: readonly string[],
  options: DeleteOptions,
  output: Output,
  io: CliIo,
): Promise<ObjectAddress[]> {
  const namespace = options.namespace ?? defaultNamespace(io);
  if ((options.filename === undefined) === (words.length === 0)) {
    throw new SluiceError('USAGE', { message: 'No object is named', fix: 'Give -f PATH, or KIND/NAME, not both' });
  }
  if (options.filename === undefined) {
    const named = parseObjectAddresses(words, namespace);
    return DELETE_ORDER.flatMap((kind) => named.filter((address) => address.kind.kind === kind));
  }
  const manifests = await readManifests(options.filename, io);
  const report = reportManifests(manifests);
  if (!report.valid) throw refuseManifests(report.problems, 'Nothing was deleted', output);
  return DELETE_ORDER.flatMap((kind) =>
    manifests.documents.flatMap((document) => {
      if (document.kind !== kind) return [];
      const { name, namespace: own } = document.object.metadata;
      return [{ kind: APPLIED_KINDS[kind], namespace: own ?? namespace, name }];
    }),
  );
}
