/** `sluice validate`: every check of manifests that needs no server. */
import type { Command } from 'commander';
import { collect } from '../arguments';
import { EXIT_CODES } from '../exit-codes';
import { countText, objectTable, problemText } from '../printing/print-problems';
import { reportManifests } from '../../validation/manifest-report';
import { createProgress } from '../printing/progress';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';

interface ValidateOptions {
  filename: string[];
  strict?: boolean;
  namespace?: string;
}

const EXAMPLES = `
Examples:
  sluice validate -f examples/water-bodies
  kubectl get sensors,eventsources,eventbus -o yaml |
    sluice validate -f - -o json`;

export const registerValidate: RegisterCommand = (program, cli) => {
  program
    .command('validate')
    .summary('check manifests, offline')
    .description(
      'Checks EventBus, EventSource and Sensor manifests: fields, references, conditions, and the syntax of every ' +
        'expression. Other objects are listed and left alone. Needs no server.',
    )
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option('-n, --namespace <name>', 'namespace for objects that have none, as for apply')
    .option('--strict', 'treat warnings and unsupported features as errors')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ValidateOptions, command: Command) => {
      const output = cli.output(command);
      const progress = createProgress(cli.io);
      progress.update('checking');
      const manifests = await readManifests(options.filename, cli.io).finally(() => progress.end());
      const found = reportManifests(manifests, options.strict ? ['error', 'warning', 'unsupported'] : ['error']);
      const objects = found.objects.map((object) => ({ ...object, namespace: object.namespace ?? options.namespace }));
      const report = { ...found, objects };
      if (!manifests.expressionsChecked) {
        output.note('Expressions were not checked: this installation lacks the expression module.');
      }
      output.print({
        data: { ...report, expressionsChecked: manifests.expressionsChecked },
        table: [
          objectTable(report.objects),
          ...(report.problems.length > 0 ? [problemText(report.problems, output.paint)] : []),
          countText(report),
        ],
        names: report.objects.filter(({ valid }) => valid).map(({ kind, name }) => `${kind}/${name}`),
      });
      if (!report.valid) cli.exitWith(EXIT_CODES.problem);
    });
};
