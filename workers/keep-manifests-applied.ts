/**
 * Applies a folder of manifests, and again whenever its files change: for clusters where manifests come as a mounted
 * ConfigMap, and no command is run. Does what `sluice apply -f <folder>` does.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { FolderOwner } from '../src/contract/definitions';
import { applyManifests, describeApplied } from '../src/control/apply/apply-manifests';
import { pruneFolder } from '../src/control/apply/prune-folder';
import { readCheckedManifests } from '../src/control/apply/read-checked-manifests';
import { defaultNamespace, taskQueuesOf } from '../src/control/applied-kinds';
import { addressText } from '../src/control/ask-workflow';
import { loggedEnvironment } from '../src/control/process-environment';
import { withTemporal } from '../src/control/temporal-session';
import { describeError } from '../src/errors/sluice-error';
import { formatProblem, type Problem } from '../src/manifest/problem';
import type { Metrics } from '../src/metrics/metrics';
import { findManifestFiles } from '../src/validation/manifest-files';
import { reportManifests } from '../src/validation/manifest-report';

/** A ConfigMap takes about a minute to reach its pods; polling more often would show nothing sooner. */
const LOOK_EVERY_MS = 5_000;

/**
 * Nothing is pruned until the folder has stayed as it is for this long: the kubelet brings a changed ConfigMap to each pod in
 * its own time, and a pod that starts may be given the former one.
 */
const PRUNE_AFTER_MS = 180_000;

const NOTHING = Readable.from([]);

export interface KeptFolder {
  readonly path: string;
  /** Its name, if objects that are removed from it are to be deleted; default: they run until `sluice delete`. */
  readonly prunedAs?: string;
  readonly pruneAfterMs?: number;
}

/**
 * Resolves once `signal` aborts. Manifests that cannot be applied are logged and retried: the worker of the other task
 * queue, the cluster or a Secret may not be ready yet.
 */
export async function keepManifestsApplied(
  { path, prunedAs, pruneAfterMs = PRUNE_AFTER_MS }: KeptFolder,
  { log, metrics }: { readonly log: Logger; readonly metrics: Pick<Metrics, 'set'> },
  signal: AbortSignal,
): Promise<void> {
  const owner = prunedAs === undefined ? undefined : (`folder/${prunedAs}` as const);
  let applied: { readonly fingerprint: string; readonly kept: ReadonlySet<string>; readonly at: number } | undefined;
  let isPruned = owner === undefined;
  let complaint: string | undefined;
  const complain = (problem: string | undefined, what: string): void => {
    if (problem !== undefined && problem !== complaint) log.warn({ folder: path }, `${what}: ${problem}`);
    complaint = problem;
  };
  while (!signal.aborted) {
    const found = await fingerprint(path);
    if (found !== applied?.fingerprint) {
      const outcome = await apply(path, owner, log).catch(describeError);
      if (typeof outcome !== 'string') applied = { fingerprint: found, kept: outcome, at: Date.now() };
      isPruned = owner === undefined;
      complain(typeof outcome === 'string' ? outcome : undefined, 'manifests are not applied yet');
      metrics.set('sluice_manifests_applied', {}, typeof outcome === 'string' ? 0 : 1);
    } else if (!isPruned && owner !== undefined && Date.now() - applied.at >= pruneAfterMs) {
      const problem = await prune(owner, applied.kept, log, signal).catch(describeError);
      isPruned = problem === undefined;
      applied = { ...applied, at: Date.now() };
      complain(problem, 'objects that were removed are not all deleted yet');
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Returns what is not deleted yet; undefined once all is. */
async function prune(
  owner: FolderOwner,
  kept: ReadonlySet<string>,
  log: Logger,
  signal: AbortSignal,
): Promise<string | undefined> {
  // A folder that was not mounted looks like one that was emptied.
  if (kept.size === 0) return 'the folder has no manifests, so nothing is deleted; use `sluice delete`';
  const environment = loggedEnvironment((text) => log.warn(text));
  const { deleted, unfinished } = await withTemporal({}, environment, (session) =>
    pruneFolder(session, owner, kept, signal),
  );
  if (deleted.length > 0) log.info({ deleted }, 'objects that were removed from the folder are deleted');
  return unfinished.length === 0 ? undefined : unfinished.join('; ');
}

/** Resolves with the workflow ids of its objects, or the reason why the manifests cannot be applied. */
async function apply(
  folder: string,
  owner: FolderOwner | undefined,
  log: Logger,
): Promise<ReadonlySet<string> | string> {
  const environment = loggedEnvironment((text) => log.warn(text));
  const manifests = await readCheckedManifests([folder], NOTHING);
  const { valid, problems } = reportManifests(manifests, ['error', 'unsupported']);
  if (!valid) return describeProblems(problems);
  for (const problem of problems) log.warn({ folder }, formatProblem(problem));
  const outcome = await withTemporal({}, environment, (session) =>
    applyManifests(
      manifests.documents,
      session,
      {
        namespaces: { fallback: defaultNamespace(environment) },
        taskQueues: taskQueuesOf({}, environment),
        requestedBy: { by: 'worker', why: 'its folder SLUICE_MANIFESTS is new or has changed' },
        ...(owner !== undefined && { appliedBy: owner }),
      },
      environment,
      { progress: () => undefined, note: (text) => log.warn(text) },
    ),
  );
  if (outcome.kind === 'refused') return describeProblems(outcome.problems);
  const [unfinished] = outcome.unfinished;
  if (unfinished !== undefined) return `${addressText(unfinished.address)}: ${unfinished.reason}`;
  const result = describeApplied(outcome, false);
  log.info({ result }, 'manifests are applied');
  return new Set(result.objects.map(({ workflowId }) => workflowId));
}

function describeProblems(problems: readonly Problem[]): string {
  return problems
    .filter(({ severity }) => severity !== 'warning')
    .map(formatProblem)
    .join('\n');
}

async function fingerprint(folder: string): Promise<string> {
  const { files, problems } = await findManifestFiles([folder], NOTHING);
  return createHash('sha256')
    .update(JSON.stringify([files, problems]))
    .digest('hex');
}
