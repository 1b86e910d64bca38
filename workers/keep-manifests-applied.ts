/**
 * Applies a folder of manifests, and again whenever its files change: for clusters where manifests come as a mounted
 * ConfigMap, and no command is run. Does what `sluice apply -f <folder>` does.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { applyManifests, describeApplied } from '../src/control/apply/apply-manifests';
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

const NOTHING = Readable.from([]);

/**
 * Resolves once `signal` aborts. Manifests that cannot be applied are logged and retried: the worker of the other task
 * queue, the cluster or a Secret may not be ready yet. An object whose file vanishes runs until `sluice delete`.
 */
export async function keepManifestsApplied(
  folder: string,
  { log, metrics }: { readonly log: Logger; readonly metrics: Pick<Metrics, 'set'> },
  signal: AbortSignal,
): Promise<void> {
  let applied: string | undefined;
  let complaint: string | undefined;
  while (!signal.aborted) {
    const found = await fingerprint(folder);
    if (found !== applied) {
      const problem = await apply(folder, log).catch(describeError);
      if (problem === undefined) applied = found;
      else if (problem !== complaint) log.warn({ folder }, `manifests are not applied yet: ${problem}`);
      complaint = problem;
      metrics.set('sluice_manifests_applied', {}, problem === undefined ? 1 : 0);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Returns the reason why the manifests cannot be applied; undefined once they are. */
async function apply(folder: string, log: Logger): Promise<string | undefined> {
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
      },
      environment,
      { progress: () => undefined, note: (text) => log.warn(text) },
    ),
  );
  if (outcome.kind === 'refused') return describeProblems(outcome.problems);
  const [unfinished] = outcome.unfinished;
  if (unfinished !== undefined) return `${addressText(unfinished.address)}: ${unfinished.reason}`;
  log.info({ result: describeApplied(outcome, false) }, 'manifests are applied');
  return undefined;
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
