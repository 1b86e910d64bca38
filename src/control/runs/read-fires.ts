/** Reads what a run reports about its fires. */
import { firesQuery } from '../../contract/run-messages';
import { isSluiceError } from '../../errors/sluice-error';
import type { FireStatus } from '../../contract/fires';
import { askWorkflow, runUnknown } from '../ask-workflow';
import type { TemporalSession } from '../temporal-session';

/** Resolves with undefined if there is no worker to query. */
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

/** Returns the reason for a fire's state, in one line. */
export function fireReason({ failure, outcome, answer }: FireStatus): string {
  if (outcome && outcome.phase !== 'Succeeded') return `${outcome.phase}: ${outcome.message}`;
  if (failure) return `${failure.code}: ${failure.message}`;
  return outcome?.phase ?? answer ?? '';
}

/** RFC 3339: when the first parked fire fails unless an operator decides before. */
export function decideBy(fires: readonly FireStatus[]): string | undefined {
  return fires.flatMap(({ parked }) => parked?.until ?? []).sort()[0];
}

/** Returns the advice on failed fires, each once. */
export function fireAdvice(fires: readonly FireStatus[]): readonly string[] {
  return [...new Set(fires.flatMap(({ failure }) => failure?.fix ?? []))];
}
