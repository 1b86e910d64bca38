/** Applies one object of the cluster as `sluice apply` would apply its manifest. */
import { applyManifests, type ApplyOutcome } from '../control/apply/apply-manifests';
import type { TaskQueues } from '../control/applied-kinds';
import { addressText } from '../control/ask-workflow';
import type { ProcessEnvironment } from '../control/process-environment';
import type { TemporalSession } from '../control/temporal-session';
import { describeError, isSluiceError } from '../errors/sluice-error';
import { classifyTemporalFailure } from '../errors/temporal-failures';
import type { Problem } from '../manifest/problem';
import type { CheckManifest } from '../validation/manifest-checker';
import type { ApplyResult } from './object-conditions';

export interface ApplyTools {
  readonly session: TemporalSession;
  readonly check: CheckManifest;
  readonly taskQueues: TaskQueues;
  readonly environment: ProcessEnvironment;
}

export interface AppliedClusterObject {
  readonly result: ApplyResult;
  /** Present if it was applied. */
  readonly action?: Extract<ApplyOutcome, { kind: 'applied' }>['rows'][number]['action'];
  /** What works, but perhaps not as the author expects. */
  readonly warnings: readonly Problem[];
  readonly notes: readonly string[];
}

/** @param keepStopped for an object that has not changed; see `ApplyOptions` */
export async function applyClusterObject(
  manifest: string,
  namespace: string,
  keepStopped: boolean,
  { session, check, taskQueues, environment }: ApplyTools,
): Promise<AppliedClusterObject> {
  const notes: string[] = [];
  const { documents, problems } = await check(manifest);
  const errors = problems.filter(({ severity }) => severity !== 'warning');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  if (errors.length > 0) return { result: { kind: 'faulty', problems: errors }, warnings, notes };
  try {
    const outcome = await applyManifests(
      documents,
      session,
      {
        namespaces: { fallback: namespace },
        taskQueues,
        appliedBy: 'controller',
        requestedBy: { by: 'controller', why: 'an object of the cluster is new or has changed' },
        keepStopped,
        // The workers that use them report the missing ones; the controller has no right to read them.
        skipSecretCheck: true,
        waitMs: 0,
      },
      environment,
      { progress: () => undefined, note: (text) => notes.push(text) },
    );
    if (outcome.kind === 'refused') return { result: { kind: 'waiting', problems: outcome.problems }, warnings, notes };
    // An error is tried again; the bus itself is applied by then.
    const [unfinished] = outcome.unfinished;
    if (unfinished !== undefined) {
      const message = `${addressText(unfinished.address)} does not have the new event bus yet: ${unfinished.reason}`;
      return { result: { kind: 'failed', message }, warnings, notes };
    }
    const { silent, rows } = outcome;
    const result: ApplyResult = { kind: 'applied', ...(silent.length > 0 && { silent }) };
    return { result, action: rows[0]?.action, warnings, notes };
  } catch (error) {
    const message = describeError(error);
    return { result: isOfManifest(error) ? ofManifest(message) : { kind: 'failed', message }, warnings, notes };
  }
}

/** Temporal or the workflow would reject the same manifest again. */
function isOfManifest(error: unknown): boolean {
  if (isSluiceError(error)) return error.code === 'USAGE' || error.code === 'MANIFEST_INVALID';
  return classifyTemporalFailure(error).kind === 'permanent';
}

function ofManifest(message: string): ApplyResult {
  return { kind: 'faulty', problems: [{ severity: 'error', file: '', object: '', path: '', message }] };
}
