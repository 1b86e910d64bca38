/** `sluice schema`: JSON Schemas of the manifests. Needs no server. */
import type { Command } from 'commander';
import { parseKind } from '../../control/applied-kinds';
import { kindJsonSchema, manifestJsonSchema } from '../../validation/json-schema';
import type { RegisterCommand } from '../runtime';

const EXAMPLES = `
Examples:
  sluice schema > sluice.schema.json
  sluice schema sensor |
    jq '."$defs".Sensor.properties.spec.properties.triggers'

Then an editor checks a manifest that begins with this line:
  # yaml-language-server: $schema=sluice.schema.json`;

export const registerSchema: RegisterCommand = (program, cli) => {
  program
    .command('schema')
    .summary('print JSON Schemas of manifests, for editors')
    .description(
      'Prints the JSON Schema (2020-12) of EventBus, EventSource and Sensor, or of one of them: fields, types, descriptions ' +
        'and the sluice.io annotations. Rules across fields are checked by sluice validate only. Needs no server.',
    )
    .argument('[kind]', 'eventsource, sensor or eventbus (default: all, in one schema)')
    .addHelpText('after', EXAMPLES)
    .action((word: string | undefined, _options: object, command: Command) => {
      const kind = word === undefined ? undefined : parseKind(word).kind;
      const schema = kind === undefined ? manifestJsonSchema() : kindJsonSchema(kind);
      cli.output(command).print({
        data: schema,
        table: JSON.stringify(schema, undefined, 2),
        names: kind === undefined ? ['EventBus', 'EventSource', 'Sensor'] : [kind],
      });
    });
};
