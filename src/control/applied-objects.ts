/** The applied objects as Temporal knows them: one running workflow each. */
import { concurrently } from '../concurrency/concurrently';
import { APPLIED_KINDS, LIST_ORDER, type AppliedKind, type ObjectAddress } from './applied-kinds';
import { findExecution } from './find-execution';
import { isDeleted, readEnd, type ExecutionEnd } from './status/execution-end';
import type { TemporalSession } from './temporal-session';

export interface AppliedObject extends ObjectAddress {
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly startedAt: Date;
}

const ENDED_FROM_OUTSIDE = ['Terminated', 'Failed', 'TimedOut', 'Canceled'];
/** Each needs a request of its own for how it ended. */
const MOST_GONE = 500;
const QUESTIONS_AT_ONCE = 8;

/** Lists in the order bus, source, sensor, then by name. An undefined namespace means all of them. */
export async function listApplied(
  session: TemporalSession,
  kinds: readonly AppliedKind[],
  namespace?: string,
): Promise<AppliedObject[]> {
  return inOrder(await listByStatus(session, kinds, namespace, ['Running']));
}

/** Lists newest first. */
async function listByStatus(
  session: TemporalSession,
  kinds: readonly AppliedKind[],
  namespace: string | undefined,
  statuses: readonly string[],
): Promise<AppliedObject[]> {
  const quoted = (words: readonly string[]): string => words.map((word) => `"${word}"`).join(', ');
  const types = quoted(kinds.map(({ workflowType }) => workflowType));
  const found: AppliedObject[] = [];
  for await (const info of session.client.workflow.list({
    query: `WorkflowType IN (${types}) AND ExecutionStatus IN (${quoted(statuses)})`,
  })) {
    const [, itsNamespace = '', name = ''] = info.workflowId.split('/');
    const kind = kinds.find((candidate) => candidate.workflowType === info.type);
    if (!kind || info.workflowId !== kind.workflowId(itsNamespace, name)) continue;
    if (namespace !== undefined && namespace !== itsNamespace) continue;
    const { workflowId, taskQueue, startTime } = info;
    found.push({ kind, namespace: itsNamespace, name, workflowId, taskQueue, startedAt: startTime });
  }
  return found;
}

export function inOrder<Listed extends ObjectAddress>(objects: readonly Listed[]): Listed[] {
  const rank = ({ kind, namespace, name }: ObjectAddress): string =>
    `${LIST_ORDER.indexOf(kind.kind)} ${namespace}/${name}`;
  return [...objects].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/**
 * Lists objects whose workflow was ended by anything but `sluice delete`, as long as Temporal retains them.
 *
 * @param running the objects that are applied now
 */
export async function listGone(
  session: TemporalSession,
  kinds: readonly AppliedKind[],
  namespace: string | undefined,
  running: readonly AppliedObject[],
): Promise<Array<AppliedObject & { readonly end: ExecutionEnd }>> {
  const known = new Set(running.map(({ workflowId }) => workflowId));
  const ended: AppliedObject[] = [];
  for (const object of await listByStatus(session, kinds, namespace, ENDED_FROM_OUTSIDE)) {
    if (known.has(object.workflowId)) continue;
    known.add(object.workflowId);
    if (ended.push(object) >= MOST_GONE) break;
  }
  const found = await concurrently(ended, QUESTIONS_AT_ONCE, async (object) => {
    // The latest execution decides: an object that was applied again and then deleted is not gone.
    const latest = await findExecution(session, object.workflowId);
    const end = latest && (await readEnd(session, latest));
    return end === undefined || isDeleted(end) ? undefined : { ...object, end };
  });
  return found.filter((object) => object !== undefined);
}

export const ALL_KINDS: readonly AppliedKind[] = LIST_ORDER.map((kind) => APPLIED_KINDS[kind]);

export function workflowIdOf({ kind, namespace, name }: ObjectAddress): string {
  return kind.workflowId(namespace, name);
}
