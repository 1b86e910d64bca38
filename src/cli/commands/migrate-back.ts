/** `sluice migrate back`: gives the position of a sensor or event source back to Argo Events. */
import type { Command } from 'commander';
import { defaultNamespace, parseObjectAddress } from '../../control/applied-kinds';
import { handSensorBack } from '../../migration/hand-sensor-back';
import { giveToArgo } from '../../migration/redis-groups';
import { doesNotRunHere, requireObject, sensorDefinition } from '../../migration/migration';
import { addScopeOptions, openMigration, type ScopeOptions } from '../migration-options';
import type { RegisterCommand } from '../runtime';

const EXAMPLES = `
Examples:
  sluice pause sensor/water-bodies -n argo --why 'back to Argo Events'
  sluice migrate back sensor/water-bodies -n argo
  sluice migrate back eventsource/stac -n argo

Exit code 1: Sluice still has events in flight, or Argo Events runs the object
already.`;

export const registerMigrateBack: RegisterCommand = (program, cli) => {
  addScopeOptions(program.command('back'), { severalNamespaces: false })
    .summary('give the position of an object back to Argo Events')
    .description(
      'Sensors: moves the durable consumers of Argo Events past everything that Sluice has handled, so that Argo Events ' +
        'continues exactly there. Event sources: passes pending entries of Redis streams to the consumer of Argo Events. ' +
        'Pause the object first, and start the Deployment of Argo Events after it.',
    )
    .argument('<object>', 'KIND/NAME of a sensor or source')
    .option('--temporal-namespace <name>', 'where the workers are (default: TEMPORAL_NAMESPACE, default)')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string, options: ScopeOptions, command: Command) => {
      const output = cli.output(command);
      const namespace = options.namespace ?? defaultNamespace(cli.io);
      const { kind, name } = parseObjectAddress(word, namespace);
      const result = await openMigration(cli, options, async (migration) => {
        const object = requireObject(migration.inventory, kind.kind, namespace, name);
        if (object.manifest?.kind === 'EventSource') {
          const claimed = await giveToArgo(object.manifest.object, namespace, migration.secrets, cli.io.signal);
          return { text: [`${claimed} pending entries passed to Argo Events.`], data: { claimed } };
        }
        if (object.kind !== 'Sensor') throw doesNotRunHere(object);
        const definition = sensorDefinition(migration.inventory, object);
        const back = await migration.withBus(namespace, definition.bus.name, (bus) => handSensorBack(bus, definition));
        const text = back.consumers.map(
          ({ trigger, dependency, skipped, heldRemoved }) =>
            `Trigger ${trigger}, dependency ${dependency}: ${skipped} events skipped` +
            (heldRemoved ? '; the event that Argo Events held was removed, because it was passed to Sluice' : ''),
        );
        return { text: [...text, `Argo Events continues after position ${back.handledTo}.`], data: back };
      });
      output.print({ data: result.data, table: result.text.join('\n'), names: [`${kind.kind}/${namespace}/${name}`] });
    });
};
