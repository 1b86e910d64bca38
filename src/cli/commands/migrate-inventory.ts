/** `sluice migrate inventory`: which objects of a cluster with Argo Events run here. */
import type { Command } from 'commander';
import type { Inventory, MoveVerdict, RunsIn } from '../../migration/inventory';
import { EXIT_CODES } from '../exit-codes';
import { addScopeOptions, openMigration, type ScopeOptions } from '../migration-options';
import type { Output } from '../printing/output';
import { problemText } from '../printing/print-problems';
import type { Tone } from '../printing/style';
import type { Table } from '../printing/table';
import { wrap } from '../printing/wrap';
import type { RegisterCommand } from '../runtime';

const EXAMPLES = `
Examples:
  sluice migrate inventory -n argo
  sluice migrate inventory -A -o json

Exit code 1: an object stays with Argo Events.`;

const VERDICTS: Record<MoveVerdict, { readonly text: string; readonly tone: Tone }> = {
  same: { text: 'as it is', tone: 'good' },
  differs: { text: 'differs', tone: 'warning' },
  stays: { text: 'stays', tone: 'bad' },
};

const PLACES: Record<RunsIn, string> = {
  'argo-events': 'Argo Events',
  sluice: 'Sluice',
  both: 'both',
  neither: '-',
};

export const registerMigrateInventory: RegisterCommand = (program, cli) => {
  addScopeOptions(program.command('inventory'), { severalNamespaces: true })
    .summary('which objects of a cluster run here')
    .description(
      'Reads the EventBuses, EventSources and Sensors of the cluster, and shows which run here as they are, which differ ' +
        'and how, and which stay with Argo Events; who keeps NATS running; and which Services lead to pods of Argo Events. ' +
        'Changes nothing.',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: ScopeOptions, command: Command) => {
      const output = cli.output(command);
      const inventory = await openMigration(cli, options, (migration) => Promise.resolve(migration.inventory));
      const { objects } = inventory;
      output.print({
        data: { ...inventory, objects: objects.map(({ manifest: _, ...object }) => object) },
        table: describe(inventory, output),
        names: objects.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`),
      });
      if (objects.some(({ verdict }) => verdict === 'stays')) cli.exitWith(EXIT_CODES.problem);
    });
};

function describe(inventory: Inventory, output: Output): Array<Table | string> {
  const { objects, buses, services, controllers, unreadable } = inventory;
  const problems = objects.flatMap((object) =>
    object.problems.map((problem) => ({ ...problem, object: `${object.kind}/${object.namespace}/${object.name}` })),
  );
  const lines = [
    ...buses.map(({ namespace, name, explanation }) => `EventBus ${namespace}/${name}: ${explanation}`),
    ...services.map(
      ({ namespace, name, eventSource, isTakenOver }) =>
        `Service ${namespace}/${name}: leads to EventSource ${eventSource} in Argo Events, ` +
        (isTakenOver ? 'and moves with it' : 'and is not taken over: change its selector when that moves'),
    ),
    ...controllers.map(
      ({ namespace, name, replicas, managedNamespace = 'all namespaces' }) =>
        `Controller of Argo Events ${namespace}/${name}: ${replicas === 0 ? 'stopped' : `runs, for ${managedNamespace}`}`,
    ),
    ...(controllers.length === 0 ? ['No controller of Argo Events was found.'] : []),
    ...unreadable.map((text) => `Not read: ${text}`),
  ];
  return [
    {
      columns: ['object', 'namespace', 'runs in', 'here'],
      rows: objects.map(({ kind, namespace, name, runsIn, verdict }) => [
        `${kind}/${name}`,
        namespace,
        PLACES[runsIn],
        VERDICTS[verdict],
      ]),
      empty: 'No EventBus, EventSource or Sensor.',
    },
    ...(problems.length > 0 ? [problemText(problems, output.paint)] : []),
    lines.map((line) => wrap(line, output.width, 2)).join('\n'),
  ];
}
