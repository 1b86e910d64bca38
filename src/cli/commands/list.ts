/** `sluice list`: applied objects and their state. */
import type { Command } from 'commander';
import { ageOf } from '../../text/ages';
import { parseKind, type ObjectAddress } from '../../control/applied-kinds';
import { ALL_KINDS } from '../../control/applied-objects';
import { addressText } from '../../control/ask-workflow';
import { isAsWanted } from '../../control/status/condition';
import { listObjects, type ListedObject } from '../../control/status/list-objects';
import { CONDITION_TONES } from '../printing/condition-tones';
import { EXIT_CODES } from '../exit-codes';
import { explainNamespace } from '../../control/known-names';
import { createProgress } from '../printing/progress';
import type { RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { wrap } from '../printing/wrap';

const EXAMPLES = `
Examples:
  sluice list
  sluice list sensors -n argo -o json

Exits with 1 if a listed object does not work.`;

export const registerList: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('list').argument('[kind]', 'buses, sources, sensors or all', 'all'))
    .summary('show what is applied')
    .description('Lists buses, event sources and sensors with their observed state.')
    .option('-n, --namespace <name>', 'only this Kubernetes namespace (default: all)')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string, options: TemporalOptions & { namespace?: string }, command: Command) => {
      const kinds = word === 'all' ? ALL_KINDS : [parseKind(word)];
      const output = cli.output(command);
      const progress = createProgress(cli.io);
      const { objects, hint } = await withTemporal(options, cli.io, async (session) => {
        const found = await listObjects(session, kinds, options.namespace, (count) =>
          progress.update(`querying the state of ${count} workflows`),
        );
        return {
          objects: found,
          hint: found.length === 0 ? await explainNamespace(session, options.namespace) : undefined,
        };
      }).finally(() => progress.end());
      const faulty = objects.filter((object) => !isAsWanted(object));
      output.print({
        data: {
          objects: objects.map(
            ({ kind, namespace, name, workflowId, taskQueue, startedAt, state, reason, sensor }) => ({
              ...{ kind: kind.kind, namespace, name, state, ...(reason !== undefined && { reason }) },
              ...{ ...(sensor && { counts: sensor.counts, lag: sensor.lag }), workflowId, taskQueue },
              runningSince: startedAt.toISOString(),
            }),
          ),
        },
        table: [
          {
            columns: ['kind', 'namespace', 'name', 'state', 'consumed', 'matched', 'fired', 'failed', 'lag', 'age'],
            rows: objects.map(({ kind, namespace, name, state, sensor, startedAt }) => [
              ...[kind.word, namespace, name, { text: state, tone: CONDITION_TONES[state] }],
              ...(['consumed', 'matched', 'fired', 'failed'] as const).map((count) =>
                String(sensor?.counts[count] ?? '-'),
              ),
              ...[String(sensor?.lag ?? '-'), ageOf(startedAt)],
            ]),
            empty: 'Nothing is applied. Begin with: sluice apply -f PATH',
          },
          ...describeReasons(objects, output.width),
        ],
        names: objects.map(({ kind, name }) => `${kind.word}/${name}`),
      });
      if (hint !== undefined) output.note(hint);
      if (faulty.length > 0 || hint !== undefined) cli.exitWith(EXIT_CODES.problem);
    });
};

function describeReasons(objects: readonly ListedObject[], width: number | undefined): string[] {
  const reasons = objects.flatMap(({ state, reason, ...address }) =>
    reason === undefined ? [] : [wrap(`${addressText(address satisfies ObjectAddress)} ${state}: ${reason}`, width, 2)],
  );
  return reasons.length === 0 ? [] : [reasons.join('\n')];
}
