/** `sluice apply`: applies manifests to Temporal. */
import type { Command } from 'commander';
import type { KubernetesApplied, OtherDocument } from '../../control/apply/apply-kubernetes';
import {
  applyManifests,
  describeApplied,
  type AppliedRow,
  type ApplyOutcome,
} from '../../control/apply/apply-manifests';
import type { Applied } from '../../control/apply/apply-object';
import { APPLIED_KINDS, defaultNamespace, taskQueuesOf } from '../../control/applied-kinds';
import { addressText } from '../../control/ask-workflow';
import { isAsWanted } from '../../control/status/condition';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { identityOf } from '../../validation/manifest-document';
import { reportManifests } from '../../validation/manifest-report';
import { collect, parseDuration } from '../arguments';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import type { CliIo } from '../io';
import { CONDITION_TONES } from '../printing/condition-tones';
import { problemText, refuseManifests } from '../printing/print-problems';
import type { Output } from '../printing/output';
import { createProgress } from '../printing/progress';
import { printable, type Paint, type Tone } from '../printing/style';
import { readManifests } from '../read-manifests';
import { addOptionalRequestedByOptions, requestedBy, type RequestedByOptions } from '../requested-by';
import type { RegisterCommand } from '../runtime';
import { addTemporalOptions } from '../temporal-options';

export interface ApplyCommandOptions extends TemporalOptions, RequestedByOptions {
  filename: string[];
  namespace?: string;
  dryRun?: boolean;
  wait?: number;
  skipSecretCheck?: boolean;
  kubernetes?: boolean;
  eventSourceTaskQueue?: string;
  sensorTaskQueue?: string;
}

const NOTHING_APPLIED = 'Nothing was applied';
const DEFAULT_REASON = 'sluice apply';

const EXAMPLES = `
Examples:
  sluice apply -f examples/water-bodies --kubernetes
  sluice apply -f sensor.yaml -n argo --dry-run
  sluice apply -f . --wait 30s

All manifests are checked first; if one has an error, none is applied. Buses are
applied first, then sensors, then sources, so that a sensor misses none of the
first events of its source. The first apply needs no worker; changing a running
object does.`;

export const registerApply: RegisterCommand = (program, cli) => {
  addOptionalRequestedByOptions(addTemporalOptions(program.command('apply')), DEFAULT_REASON)
    .summary('start or update the objects in manifests')
    .description('Applies EventBus, EventSource and Sensor manifests: starts their workflows, or updates running ones.')
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option(
      '-n, --namespace <name>',
      'Kubernetes namespace of manifests that name none (default: SLUICE_NAMESPACE, default)',
    )
    .option('--dry-run', 'show what would change, as a diff')
    .option('--wait <duration>', 'wait for sources and sensors to be ready, and fail if they are not', parseDuration)
    .option('--kubernetes', 'apply all other objects in the files to Kubernetes')
    .option('--skip-secret-check', 'do not check that the referenced Secrets exist')
    .option('--event-source-task-queue <name>', 'task queue for new sources (SLUICE_EVENT_SOURCE_TASK_QUEUE)')
    .option('--sensor-task-queue <name>', 'task queue for new sensors and buses (SLUICE_SENSOR_TASK_QUEUE)')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ApplyCommandOptions, command: Command) => {
      cli.exitWith(await apply(options, cli.output(command), cli.io));
    });
};

/** Throws MANIFEST_INVALID before anything is applied; problems are printed to `output`. */
export async function apply(options: ApplyCommandOptions, output: Output, io: CliIo): Promise<ExitCode> {
  const progress = createProgress(io);
  progress.update('checking the manifests');
  try {
    const manifests = await readManifests(options.filename, io);
    const report = reportManifests(manifests, ['error', 'unsupported']);
    if (!report.valid) throw refuseManifests(report.problems, NOTHING_APPLIED, output);
    if (report.problems.length > 0) output.note(problemText(report.problems, output.paint));
    const { namespace, dryRun, kubernetes, skipSecretCheck, wait } = options;
    const outcome = await withTemporal(options, io, (session) =>
      applyManifests(
        manifests.documents,
        session,
        {
          namespaces: { required: namespace, fallback: defaultNamespace(io) },
          taskQueues: taskQueuesOf(options, io),
          requestedBy: requestedBy(options, io),
          ...{ dryRun, kubernetes, skipSecretCheck, waitMs: wait },
        },
        io,
        { progress: (what) => progress.update(what), note: (text) => output.note(text) },
      ),
    );
    progress.end();
    if (outcome.kind === 'refused') throw refuseManifests(outcome.problems, NOTHING_APPLIED, output);
    print(outcome, options, output);
    if (outcome.leftAlone.length > 0) output.note(hintAt(outcome.leftAlone));
    const refused = outcome.kubernetes.flatMap(({ problem }) => problem ?? []);
    if (refused.length > 0) output.note(problemText(refused, output.paint));
    for (const { address, reason } of outcome.unfinished) {
      output.note(`Not finished: ${addressText(address)}: ${reason}. Apply again once a worker runs.`);
    }
    if (outcome.unfinished.length > 0) return EXIT_CODES.unreachable;
    const waitedInVain = wait !== undefined && outcome.rows.some(isNotReady);
    return waitedInVain || refused.length > 0 ? EXIT_CODES.problem : EXIT_CODES.ok;
  } finally {
    progress.end();
  }
}

function print(
  outcome: Extract<ApplyOutcome, { kind: 'applied' }>,
  { dryRun = false }: ApplyCommandOptions,
  output: Output,
): void {
  const { rows, kubernetes } = outcome;
  const textOf = (action: Applied | KubernetesApplied['action']): string =>
    dryRun && action !== 'unchanged' && action !== 'failed' ? `would be ${action}` : action;
  output.print({
    data: describeApplied(outcome, dryRun),
    table: [
      {
        columns: ['object', 'namespace', 'action', ...(dryRun ? [] : ['state', ''])],
        rows: [
          ...kubernetes.map(({ kind, name, namespace, action }) => [
            `${kind}/${name}`,
            namespace ?? '-',
            textOf(action),
          ]),
          ...rows.map(({ desired: { kind, definition }, action, readiness }) => [
            `${kind}/${definition.name}`,
            definition.namespace,
            { text: textOf(action), tone: action === 'unchanged' ? ('quiet' as const) : ('good' as const) },
            ...(readiness
              ? [{ text: readiness.state, tone: CONDITION_TONES[readiness.state] }, readiness.reason ?? '']
              : []),
          ]),
        ],
        empty: 'Nothing to apply: no EventBus, EventSource or Sensor in these files.',
      },
      ...rows.flatMap(({ diff }) => (diff === undefined ? [] : [paintDiff(diff, output.paint)])),
    ],
    names: rows.map(({ desired }) => `${APPLIED_KINDS[desired.kind].word}/${desired.definition.name}`),
  });
}

function paintDiff(diff: string, paint: Paint): string {
  const tone = (line: string): Tone | undefined => {
    if (/^(---|\+\+\+|@@)/.test(line)) return 'quiet';
    return line.startsWith('+') ? 'good' : line.startsWith('-') ? 'bad' : undefined;
  };
  const lines = diff.trimEnd().split('\n');
  return lines.map((line) => paint(tone(line), printable(line))).join('\n');
}

function isNotReady({ readiness }: AppliedRow): boolean {
  return readiness !== undefined && !isAsWanted(readiness);
}

function hintAt(others: readonly OtherDocument[]): string {
  const names = others.map(identityOf).map(({ kind, name }) => `${kind}/${name}`);
  return `Not applied: ${names.join(', ')}. Apply them with kubectl, or with --kubernetes.`;
}
