/** `sluice crds`: the definitions of the three kinds, for clusters without Argo Events. Needs no server. */
import type { Command } from 'commander';
import { customResourceDefinitions } from '../../validation/crds';
import { writeYaml } from '../../yaml/write-yaml';
import type { RegisterCommand } from '../runtime';

const EXAMPLES = `
Examples:
  sluice crds | kubectl apply --server-side -f -
  kubectl explain sensor.spec.dependencies`;

export const registerCrds: RegisterCommand = (program, cli) => {
  program
    .command('crds')
    .summary('print CustomResourceDefinitions for clusters without Argo Events')
    .description(
      'Prints the CustomResourceDefinitions of EventBus, EventSource and Sensor: group, version and names of Argo ' +
        'Events, with types, descriptions and the columns of kubectl get. Needs no server.',
    )
    .addHelpText('after', EXAMPLES)
    .action((_options: object, command: Command) => {
      const definitions = customResourceDefinitions();
      cli.output(command).print({
        data: { apiVersion: 'v1', kind: 'List', items: definitions },
        table: [definitions.map((definition) => writeYaml(definition)).join('---\n')],
        names: definitions.map(({ metadata }) => metadata.name),
      });
    });
};
