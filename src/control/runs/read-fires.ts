/** What a run says of its fires. */
import { firesQuery } from '../../contract/run-messages';
import { isSluiceError } from '../../errors/sluice-error';
import type { FireStatus } from '../../contract/fires';
import { askWorkflow, runUnknown } from '../ask-workflow';
import type { TemporalSession } from '../temporal-session';

/** Undefined when there is no worker to ask. */
export async function readFires(
  session: TemporalSession,
  runId: string,
  timeoutMs?: number,
): Promise<readonly FireStatus[] | undefined> {
  try {
    return await askWorkflow(
      session,
      runId,
      () => runUnknown(runId),
      (handle) => handle.query(firesQuery),
      timeoutMs,
    );
  } catch (error) {
    if (isSluiceError(error) && error.code === 'WORKER_MISSING') return undefined;
    throw error;
  }
}

/** Why a fire is where it is, in one line. */
export function fireReason({ failure, outcome, answer }: FireStatus): string {
  if (outcome && outcome.phase !== 'Succeeded') return `${outcome.phase}: ${outcome.message}`;
  if (failure) return `${failure.code}: ${failure.message}`;
  return outcome?.phase ?? answer ?? '';
}

/** RFC 3339: when the first of them that is parked fails, unless a person decides before. */
export function decideBy(fires: readonly FireStatus[]): string | undefined {
  return fires.flatMap(({ parked }) => parked?.until ?? []).sort()[0];
}

/** What to do about fires that failed, each advice once. */
export function fireAdvice(fires: readonly FireStatus[]): readonly string[] {
  return [...new Set(fires.flatMap(({ failure }) => failure?.fix ?? []))];
}
