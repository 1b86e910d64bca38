/** `sluice apply`: makes what manifests describe run on Temporal. */
import type { Command } from 'commander';
import { applyToKubernetes, type KubernetesApplied, type OtherDocument } from '../../control/apply/apply-kubernetes';
import { addressOf, applyObject, compareObject, findAppliedBus, type Applied } from '../../control/apply/apply-object';
import { awaitReady, type Readiness } from '../../control/apply/await-ready';
import { findBusDependents, withBus } from '../../control/apply/bus-dependents';
import { foreseeableLosses } from '../../control/apply/foreseeable-losses';
import { checkSecrets } from '../../control/apply/check-secrets';
import { resolveDesired, type Desired } from '../../control/apply/desired-objects';
import { APPLIED_KINDS, defaultNamespace, LIST_ORDER, taskQueuesOf } from '../../control/applied-kinds';
import { workflowIdOf } from '../../control/applied-objects';
import { collect, parseDuration } from '../arguments';
import { isAsWanted } from '../../control/status/condition';
import { CONDITION_TONES } from '../printing/condition-tones';
import { concurrently } from '../../concurrency/concurrently';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import type { CliIo } from '../io';
import { problemText, refuseManifests, reportManifests } from '../printing/manifest-report';
import { identityOf } from '../../validation/manifest-document';
import type { Output } from '../printing/output';
import { createProgress, type Progress } from '../printing/progress';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';
import { readSearchAttributes, registerSearchAttributes, wrongTypes } from '../../control/search-attribute-setup';
import { isForbidden, withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

export interface ApplyOptions extends TemporalOptions {
  filename: string[];
  namespace?: string;
  dryRun?: boolean;
  wait?: number;
  skipSecretCheck?: boolean;
  kubernetes?: boolean;
  eventSourceTaskQueue?: string;
  sensorTaskQueue?: string;
}

interface AppliedRow {
  readonly desired: Desired;
  readonly action: Applied;
  readonly readiness?: Readiness;
}

/** Long enough to see a connection come up, short enough not to be felt. */
const SHORT_WAIT_MS = 3_000;

/** A sensor that does not listen by then keeps no source waiting: it may be its bus that is away. */
const LISTENERS_WAIT_MS = 5_000;
const QUESTIONS_AT_ONCE = 8;

const NOTHING_APPLIED = 'Nothing was applied';

const EXAMPLES = `
Examples:
  sluice apply -f examples/water-bodies --kubernetes
  sluice apply -f sensor.yaml -n argo --dry-run
  sluice apply -f . --wait 30s

Everything is checked before anything is applied; with an error nothing is. Buses are applied first, then sensors,
then sources, so that a sensor misses nothing of what its source reads first. The first apply needs no worker; to change what runs, a worker must be there to take the change over.`;

export const registerApply: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('apply'))
    .summary('run what manifests describe')
    .description(
      'Applies EventBus, EventSource and Sensor manifests: starts their workflows, or changes those that run.',
    )
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option(
      '-n, --namespace <name>',
      'Kubernetes namespace of manifests that name none (default: SLUICE_NAMESPACE, default)',
    )
    .option('--dry-run', 'show what would change')
    .option('--wait <duration>', 'wait for sources and sensors to be ready, and fail if they are not', parseDuration)
    .option('--kubernetes', 'apply all other objects in the files to Kubernetes')
    .option('--skip-secret-check', 'do not look whether the Secrets that are named exist')
    .option('--event-source-task-queue <name>', 'task queue for new sources (SLUICE_EVENT_SOURCE_TASK_QUEUE)')
    .option('--sensor-task-queue <name>', 'task queue for new sensors and buses (SLUICE_SENSOR_TASK_QUEUE)')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ApplyOptions, command: Command) => {
      cli.exitWith(await apply(options, cli.output(command), cli.io));
    });
};

/** Throws MANIFEST_INVALID before anything is applied; problems are noted on `output`. */
export async function apply(options: ApplyOptions, output: Output, io: CliIo): Promise<ExitCode> {
  const progress = createProgress(io);
  progress.update('checking the manifests');
  try {
    const manifests = await readManifests(options.filename, io);
    const report = reportManifests(manifests, ['error', 'unsupported']);
    if (!report.valid) throw refuseManifests(report.problems, NOTHING_APPLIED, output);
    if (report.problems.length > 0) output.note(problemText(report.problems, output.paint));

    const others = manifests.documents.filter((document): document is OtherDocument => document.kind === 'other');
    const namespaces = { required: options.namespace, fallback: defaultNamespace(io) };
    return await withTemporal(options, io, async (session) => {
      progress.update('looking at what is applied');
      const { desired, problems } = await resolveDesired(manifests.documents, namespaces, (name) =>
        findAppliedBus(session, name),
      );
      const namespace = namespaces.required ?? namespaces.fallback;
      const secrets = options.skipSecretCheck
        ? { problems: [] }
        : await checkSecrets(desired, options.kubernetes ? others : [], namespace, io);
      const inTheWay = [...problems, ...secrets.problems];
      if (inTheWay.length > 0) throw refuseManifests(inTheWay, NOTHING_APPLIED, output);
      if (secrets.unchecked !== undefined) output.note(`Secrets were not all checked: ${secrets.unchecked}`);

      if (desired.length > 0) await prepareNamespace(session, options, output);
      const foreign = options.kubernetes ? await applyToKubernetes(others, namespace, options.dryRun ?? false, io) : [];
      const rows = options.dryRun
        ? await compareAll(session, desired)
        : await applyAll(session, desired, options, io, progress);
      progress.end();
      print(rows, foreign, options, output);
      for (const warning of foreseeableLosses(rows)) output.note(warning);
      if (others.length > 0 && !options.kubernetes) output.note(hintAt(others));
      const refused = foreign.flatMap(({ problem }) => problem ?? []);
      if (refused.length > 0) output.note(problemText(refused, output.paint));
      const waitedInVain = options.wait !== undefined && rows.some(isNotReady);
      return waitedInVain || refused.length > 0 ? EXIT_CODES.problem : EXIT_CODES.ok;
    });
  } finally {
    progress.end();
  }
}

async function prepareNamespace(session: TemporalSession, options: ApplyOptions, output: Output): Promise<void> {
  const states = await readSearchAttributes(session).catch((error: unknown) => {
    if (!isForbidden(error)) throw error;
    output.note('This client may not look whether the search attributes are registered; see `sluice setup`');
    return [];
  });
  const refusal = wrongTypes(session, states);
  if (refusal !== undefined) throw refusal;
  const missing = states.filter(({ state }) => state === 'missing').map(({ name }) => name);
  if (missing.length === 0) return;
  if (options.dryRun) {
    output.note(`These search attributes would be registered: ${missing.join(', ')}`);
    return;
  }
  await registerSearchAttributes(session, states);
  output.note(`Registered the search attributes ${missing.join(', ')} in namespace "${session.namespace}"`);
}

async function compareAll(session: TemporalSession, desired: readonly Desired[]): Promise<AppliedRow[]> {
  const rows = await concurrently(desired, 4, async (object) => ({
    desired: object,
    action: await compareObject(session, object),
  }));
  return inListOrder(rows);
}

async function applyAll(
  session: TemporalSession,
  desired: readonly Desired[],
  options: ApplyOptions,
  io: CliIo,
  progress: Progress,
): Promise<AppliedRow[]> {
  const queues = taskQueuesOf(options, io);
  const rows: AppliedRow[] = [];
  const named = new Set(desired.map((object) => workflowIdOf(addressOf(object))));
  const followers: Desired[] = [];
  for (const [index, object] of desired.entries()) {
    if (object.kind === 'EventSource' && desired[index - 1]?.kind === 'Sensor') {
      progress.update('waiting for sensors to listen');
      await awaitListeners(session, rows);
    }
    progress.update(`applying ${object.kind} ${object.definition.name}`);
    const action = await applyObject(session, object, queues);
    rows.push({ desired: object, action });
    if (object.kind !== 'EventBus' || action !== 'configured') continue;
    const dependents = await findBusDependents(session, object.definition);
    followers.push(
      ...dependents
        .filter((dependent) => !named.has(workflowIdOf(addressOf(dependent))))
        .map((dependent) => withBus(dependent, object.definition)),
    );
  }
  for (const follower of followers) {
    rows.push({ desired: follower, action: await applyObject(session, follower, queues) });
  }
  const deadline = Date.now() + (options.wait ?? SHORT_WAIT_MS);
  progress.update('waiting for sources and sensors to be ready');
  return await concurrently(inListOrder(rows), rows.length, async (row) => ({
    ...row,
    readiness: await awaitReady(session, row.desired, Math.max(0, deadline - Date.now())),
  }));
}

/**
 * What a source reads at once may be a backlog. A new sensor takes what came since it was started; one that asks for
 * other events than before takes them from when its consumer asks for them. So consumers are there before sources are.
 */
async function awaitListeners(session: TemporalSession, rows: readonly AppliedRow[]): Promise<void> {
  const changed = rows.filter(({ desired, action }) => desired.kind === 'Sensor' && action !== 'unchanged');
  await concurrently(changed, QUESTIONS_AT_ONCE, ({ desired }) =>
    awaitReady(session, desired, LISTENERS_WAIT_MS, ({ state }) => state !== 'NoWorker'),
  );
}

/** They are applied in another order than that in which people read them. */
function inListOrder(rows: readonly AppliedRow[]): AppliedRow[] {
  return [...rows].sort((a, b) => LIST_ORDER.indexOf(a.desired.kind) - LIST_ORDER.indexOf(b.desired.kind));
}

function print(
  rows: readonly AppliedRow[],
  foreign: readonly KubernetesApplied[],
  options: ApplyOptions,
  output: Output,
): void {
  const textOf = (action: Applied | 'failed'): string =>
    options.dryRun && action !== 'unchanged' && action !== 'failed' ? `would be ${action}` : action;
  output.print({
    data: {
      dryRun: options.dryRun ?? false,
      objects: rows.map(({ desired, action, readiness }) => ({
        kind: desired.kind,
        namespace: desired.definition.namespace,
        name: desired.definition.name,
        action,
        workflowId: workflowIdOf(addressOf(desired)),
        ...readiness,
      })),
      kubernetes: foreign,
    },
    table: {
      columns: ['object', 'namespace', 'action', ...(options.dryRun ? [] : ['state', ''])],
      rows: [
        ...foreign.map(({ kind, name, namespace, action }) => [`${kind}/${name}`, namespace ?? '-', textOf(action)]),
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
    names: rows.map(({ desired }) => `${APPLIED_KINDS[desired.kind].word}/${desired.definition.name}`),
  });
}

function isNotReady({ readiness }: AppliedRow): boolean {
  return readiness !== undefined && !isAsWanted(readiness);
}

function hintAt(others: readonly OtherDocument[]): string {
  const names = others.map(identityOf).map(({ kind, name }) => `${kind}/${name}`);
  return `Left alone: ${names.join(', ')}. Apply them with kubectl, or with --kubernetes.`;
}
