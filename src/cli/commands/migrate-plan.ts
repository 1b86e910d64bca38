/** `sluice migrate plan`: the steps that move this cluster. */
import type { Command } from 'commander';
import { planMigration, type Plan, type PlanStep } from '../../migration/plan';
import { addScopeOptions, openMigration, type ScopeOptions } from '../migration-options';
import type { Output } from '../printing/output';
import { wrap } from '../printing/wrap';
import type { RegisterCommand } from '../runtime';

interface PlanCommandOptions extends ScopeOptions {
  class: string;
}

const EXAMPLES = `
Examples:
  sluice migrate plan -n argo
  sluice migrate plan -A -o json |
    jq -r '.steps[] | select(.id == "sensor/argo/water-bodies").run[]' | sh -e`;

export const registerMigratePlan: RegisterCommand = (program, cli) => {
  addScopeOptions(program.command('plan'), { severalNamespaces: true })
    .summary('the steps that move this cluster')
    .description(
      'Writes the steps that move the objects of this cluster from Argo Events to Sluice, one after the other, each with ' +
        'its commands and the way back. Changes nothing.',
    )
    .option('--class <value>', 'value of the label sluice.io/class of moved objects', 'sluice')
    .addHelpText('after', EXAMPLES)
    .action(async (options: PlanCommandOptions, command: Command) => {
      const output = cli.output(command);
      const plan = await openMigration(cli, options, ({ inventory }) =>
        Promise.resolve(planMigration(inventory, { sluiceClass: options.class })),
      );
      output.print({ data: plan, table: describe(plan, output), names: plan.steps.map(({ id }) => id) });
    });
};

function describe({ steps, cautions }: Plan, output: Output): string[] {
  return [
    ...(cautions.length === 0
      ? []
      : [cautions.map((text) => output.paint('warning', wrap(`! ${text}`, output.width, 2))).join('\n')]),
    ...steps.map((step, index) => describeStep(step, index + 1, output)),
  ];
}

/** Commands are not broken into lines, so that they can be copied. */
function describeStep({ title, why, run, back }: PlanStep, number: number, { paint, width }: Output): string {
  return [
    paint('strong', `${number}. ${title}`),
    ...[wrap(`   ${why}`, width, 3)],
    ...run.map((line) => `     $ ${line}`),
    ...(back.length === 0 ? [] : ['   Back:', ...back.map((line) => `     $ ${line}`)]),
  ].join('\n');
}
