/** `sluice setup`: prepares a Temporal namespace. */
import type { Command } from 'commander';
import { EXIT_CODES } from '../exit-codes';
import type { RegisterCommand } from '../runtime';
import { readSearchAttributes, registerSearchAttributes, wrongTypes } from '../../control/search-attribute-setup';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

const EXAMPLES = `
Examples:
  sluice setup
  sluice setup --check && echo ready`;

export const registerSetup: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('setup'))
    .summary('prepare a Temporal namespace')
    .description('Registers the search attributes by which the Temporal UI and the other commands find runs.')
    .option('--check', 'change nothing; exit code 1 when something is missing')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TemporalOptions & { check?: boolean }, command: Command) => {
      const output = cli.output(command);
      const { states, refusal } = await withTemporal(options, cli.io, async (session) => {
        const before = await readSearchAttributes(session);
        const added = options.check ? [] : await registerSearchAttributes(session, before);
        return {
          states: before.map((state) => ({ ...state, state: added.includes(state.name) ? 'added' : state.state })),
          refusal: wrongTypes(session, before),
        };
      });
      output.print({
        data: { searchAttributes: states },
        table: {
          columns: ['search attribute', 'type', 'state'],
          rows: states.map(({ name, type, state }) => [
            name,
            type,
            { text: state, tone: state === 'registered' || state === 'added' ? 'good' : 'bad' },
          ]),
        },
        names: states.map(({ name }) => name),
      });
      if (refusal !== undefined) throw refusal;
      if (states.some(({ state }) => state === 'missing')) {
        output.note('Register what is missing: sluice setup');
        cli.exitWith(EXIT_CODES.problem);
      }
    });
};
