/** `sluice migrate check`: compares what Argo Events did with what Sluice does or would do. */
import { Option, type Command } from 'commander';
import { defaultNamespace, parseObjectAddress } from '../../control/applied-kinds';
import { checkSensor, type SensorCheck } from '../../migration/check-sensor';
import { checkSource, type SourceCheck } from '../../migration/check-source';
import type { InventoryObject } from '../../migration/inventory';
import { requireObject, sensorDefinition, type Migration } from '../../migration/migration';
import { parseDuration, parsePositiveInteger } from '../arguments';
import { EXIT_CODES } from '../exit-codes';
import { addScopeOptions, openMigration, type ScopeOptions } from '../migration-options';
import { sensorCheckText, sourceCheckText } from '../printing/print-migration-check';
import type { CliRuntime, RegisterCommand } from '../runtime';

interface CheckOptions extends ScopeOptions {
  since: number;
  limit: number;
}

const EXAMPLES = `
Examples:
  sluice migrate check -n argo
  sluice migrate check sensor/water-bodies -n argo --since 6h
  # after kubectl port-forward
  SLUICE_BUS_URL=nats://127.0.0.1:4222 sluice migrate check -n argo -o json

Exit code 1: a difference or a problem was found.`;

export const registerMigrateCheck: RegisterCommand = (program, cli) => {
  addScopeOptions(program.command('check'), { severalNamespaces: false })
    .summary('compare what Argo Events created with what Sluice would')
    .description(
      'Sensors: reads the events of the bus, decides as a worker would, without acting, and compares with the objects that ' +
        'Argo Events created; shows where the consumers of both stand. Event sources: Redis consumer groups, and where ' +
        'Services lead. Before a move it is a rehearsal, after it a proof. Changes nothing.',
    )
    .argument('[object...]', 'KIND/NAME of a sensor or source (default: all of the namespace)')
    .addOption(
      new Option('--since <duration>', 'compare events of this time').argParser(parseDuration).default(3_600_000, '1h'),
    )
    .addOption(
      new Option('--limit <number>', 'compare at most so many events').argParser(parsePositiveInteger).default(1_000),
    )
    .option('--temporal-namespace <name>', 'where the workers are (default: TEMPORAL_NAMESPACE, default)')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], options: CheckOptions, command: Command) => {
      const output = cli.output(command);
      const checks = await openMigration(cli, options, async (migration, progress) => {
        const results: Array<SensorCheck | SourceCheck> = [];
        for (const object of chosenObjects(words, options, migration, cli)) {
          progress.update(`checking ${object.kind} ${object.namespace}/${object.name}`);
          results.push(await checkObject(object, options, migration, cli));
        }
        return results;
      });
      output.print({
        data: { ok: checks.every(({ problems }) => problems.length === 0), checks },
        table:
          checks.length === 0
            ? 'No Sensor or EventSource that could move.'
            : checks.flatMap((check) =>
                'argo' in check ? sensorCheckText(check, output) : sourceCheckText(check, output),
              ),
        names: checks.filter(({ problems }) => problems.length > 0).map(({ object }) => object),
      });
      if (checks.some(({ problems }) => problems.length > 0)) cli.exitWith(EXIT_CODES.problem);
    });
};

function chosenObjects(
  words: readonly string[],
  options: CheckOptions,
  { inventory }: Migration,
  { io }: CliRuntime,
): readonly InventoryObject[] {
  if (words.length === 0) {
    return inventory.objects.filter(({ kind, verdict }) => kind !== 'EventBus' && verdict !== 'stays');
  }
  const namespace = options.namespace ?? defaultNamespace(io);
  return words.map((word) => {
    const { kind, name } = parseObjectAddress(word, namespace);
    return requireObject(inventory, kind.kind, namespace, name);
  });
}

async function checkObject(
  object: InventoryObject,
  { since, limit }: CheckOptions,
  migration: Migration,
  { io }: CliRuntime,
): Promise<SensorCheck | SourceCheck> {
  const { namespace, runsIn, manifest } = object;
  const { cluster, engine, facts, inventory, secrets } = migration;
  if (manifest?.kind === 'EventSource') {
    return await checkSource(manifest.object, namespace, runsIn, facts, secrets, io.signal);
  }
  const definition = sensorDefinition(inventory, object);
  const window = { since: new Date(Date.now() - since).toISOString(), limit };
  return await migration.withBus(namespace, definition.bus.name, (bus) =>
    checkSensor(bus, definition, runsIn, window, { cluster, engine, signal: io.signal }),
  );
}
