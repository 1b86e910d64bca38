/** `sluice list`: what is applied and how it is. */
import type { Command } from 'commander';
import { eventSourceStatusQuery, sensorStatusQuery, type SensorStatus } from '../../../workflows/messages';
import { isSluiceError } from '../../errors';
import { ageOf } from '../ages';
import { parseKind } from '../applied-kinds';
import { ALL_KINDS, listApplied, type AppliedObject } from '../applied-objects';
import { askWorkflow, hasWorker, notApplied } from '../ask-workflow';
import { concurrently } from '../concurrently';
import { createProgress } from '../progress';
import type { RegisterCommand } from '../runtime';
import type { Tone } from '../style';
import { addTemporalOptions, withTemporal, type TemporalOptions, type TemporalSession } from '../temporal';

const QUERY_TIMEOUT_MS = 3_000;
const QUERIES_AT_ONCE = 8;

interface ObjectState {
  readonly state: 'Ready' | 'Paused' | 'Failed' | 'NoWorker';
  readonly sensor?: Pick<SensorStatus, 'counts' | 'lag'>;
}

const TONES: Record<ObjectState['state'], Tone> = { Ready: 'good', Paused: 'warning', Failed: 'bad', NoWorker: 'bad' };

export const registerList: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('list').argument('[kind]', 'buses, sources, sensors or all', 'all'))
    .summary('show what is applied')
    .description('Lists buses, event sources and sensors with their state.')
    .option('-n, --namespace <name>', 'only this Kubernetes namespace (default: all)')
    .addHelpText('after', '\nExamples:\n  sluice list\n  sluice list sensors -n argo -o json')
    .action(async (word: string, options: TemporalOptions & { namespace?: string }, command: Command) => {
      const kinds = word === 'all' ? ALL_KINDS : [parseKind(word)];
      const progress = createProgress(cli.io);
      const objects = await withTemporal(options, cli.io, async (session) => {
        const applied = await listApplied(session, kinds, options.namespace);
        progress.update(`asking ${applied.length} workflows for their state`);
        const served = await findServedQueues(session, applied);
        return concurrently(applied, QUERIES_AT_ONCE, async (object) => ({
          ...object,
          ...(served.has(object.taskQueue) ? await stateOf(session, object) : { state: 'NoWorker' as const }),
        }));
      }).finally(() => progress.end());
      cli.output(command).print({
        data: {
          objects: objects.map(({ kind, namespace, name, workflowId, taskQueue, startedAt, state, sensor }) => ({
            ...{ kind: kind.kind, namespace, name, state, ...sensor, workflowId, taskQueue },
            runningSince: startedAt.toISOString(),
          })),
        },
        table: {
          columns: ['kind', 'namespace', 'name', 'state', 'consumed', 'matched', 'fired', 'failed', 'lag', 'age'],
          rows: objects.map(({ kind, namespace, name, state, sensor, startedAt }) => [
            ...[kind.word, namespace, name, { text: state, tone: TONES[state] }],
            ...(['consumed', 'matched', 'fired', 'failed'] as const).map((count) =>
              String(sensor?.counts[count] ?? '-'),
            ),
            ...[String(sensor?.lag ?? '-'), ageOf(startedAt)],
          ]),
          empty: 'Nothing is applied. Begin with: sluice apply -f PATH',
        },
        names: objects.map(({ kind, name }) => `${kind.word}/${name}`),
      });
    });
};

/** Asking an unserved queue only ends when time is up: look first. */
async function findServedQueues(
  session: TemporalSession,
  objects: readonly AppliedObject[],
): Promise<ReadonlySet<string>> {
  const queues = [...new Set(objects.map(({ taskQueue }) => taskQueue))];
  const served = await Promise.all(queues.map((queue) => hasWorker(session, queue)));
  return new Set(queues.filter((_, index) => served[index]));
}

async function stateOf(session: TemporalSession, object: AppliedObject): Promise<ObjectState> {
  const unknown = () => notApplied(object);
  try {
    switch (object.kind.kind) {
      case 'EventBus':
        return { state: 'Ready' };
      case 'EventSource': {
        const status = await askWorkflow(
          session,
          object.workflowId,
          unknown,
          (handle) => handle.query(eventSourceStatusQuery),
          QUERY_TIMEOUT_MS,
        );
        if (status.events.some(({ state }) => state === 'Failed')) return { state: 'Failed' };
        return { state: status.paused ? 'Paused' : 'Ready' };
      }
      case 'Sensor': {
        const { paused, stopped, counts, lag } = await askWorkflow(
          session,
          object.workflowId,
          unknown,
          (handle) => handle.query(sensorStatusQuery),
          QUERY_TIMEOUT_MS,
        );
        return { state: stopped ? 'Failed' : paused ? 'Paused' : 'Ready', sensor: { counts, lag } };
      }
    }
  } catch (error) {
    // A list must show the objects that nobody serves too: they are what one looks for.
    if (isSluiceError(error) && error.code === 'WORKER_MISSING') return { state: 'NoWorker' };
    throw error;
  }
}
