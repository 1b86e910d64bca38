/** `sluice list`: applied objects and their state. */
import type { Command } from 'commander';
import type { SensorStatus } from '../../contract/sensor-messages';
import { isSluiceError } from '../../errors/sluice-error';
import { ageOf } from '../../text/ages';
import { parseKind, type ObjectAddress } from '../../control/applied-kinds';
import { ALL_KINDS, inOrder, listApplied, listGone, type AppliedObject } from '../../control/applied-objects';
import { addressText } from '../../control/ask-workflow';
import { concurrently } from '../../concurrency/concurrently';
import { goneCondition, isAsWanted, type Condition } from '../../control/status/condition';
import { CONDITION_TONES } from '../printing/condition-tones';
import { readCondition } from '../../control/status/read-condition';
import { EXIT_CODES } from '../exit-codes';
import { explainNamespace } from '../../control/known-names';
import { createProgress } from '../printing/progress';
import type { RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { wrap } from '../printing/wrap';

const QUERY_TIMEOUT_MS = 3_000;
const QUERIES_AT_ONCE = 24;

type Listed = AppliedObject & Condition & { readonly sensor?: Pick<SensorStatus, 'counts' | 'lag'> };

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
        const applied = await listApplied(session, kinds, options.namespace);
        progress.update(`querying the state of ${applied.length} workflows`);
        const [present, gone] = await Promise.all([
          concurrently(applied, QUERIES_AT_ONCE, (object) => look(session, object)),
          listGone(session, kinds, options.namespace, applied),
        ]);
        const found: Listed[] = [
          ...present.filter((object) => object !== undefined),
          ...gone.map(({ end, ...object }) => ({ ...object, ...goneCondition(end) })),
        ];
        return {
          objects: inOrder(found),
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

/** Resolves with undefined if the object was deleted meanwhile. */
async function look(session: TemporalSession, object: AppliedObject): Promise<Listed | undefined> {
  try {
    return { ...object, ...(await readCondition(session, object, QUERY_TIMEOUT_MS)) };
  } catch (error) {
    if (isSluiceError(error) && error.code === 'OBJECT_UNKNOWN') return undefined;
    throw error;
  }
}

function describeReasons(objects: readonly Listed[], width: number | undefined): string[] {
  const reasons = objects.flatMap(({ state, reason, ...address }) =>
    reason === undefined ? [] : [wrap(`${addressText(address satisfies ObjectAddress)} ${state}: ${reason}`, width, 2)],
  );
  return reasons.length === 0 ? [] : [reasons.join('\n')];
}
