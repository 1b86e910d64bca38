/** What is applied, as Temporal knows it: one running workflow each. */
import { APPLIED_KINDS, APPLY_ORDER, type AppliedKind, type ObjectAddress } from './applied-kinds';
import type { TemporalSession } from './temporal';

export interface AppliedObject extends ObjectAddress {
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly startedAt: Date;
}

/** In the order bus, source, sensor, then by name. An undefined namespace means all of them. */
export async function listApplied(
  session: TemporalSession,
  kinds: readonly AppliedKind[],
  namespace?: string,
): Promise<AppliedObject[]> {
  const types = kinds.map((kind) => `"${kind.workflowType}"`).join(', ');
  const found: AppliedObject[] = [];
  for await (const info of session.client.workflow.list({
    query: `WorkflowType IN (${types}) AND ExecutionStatus = "Running"`,
  })) {
    const [, itsNamespace = '', name = ''] = info.workflowId.split('/');
    const kind = kinds.find((candidate) => candidate.workflowType === info.type);
    if (!kind || info.workflowId !== kind.workflowId(itsNamespace, name)) continue;
    if (namespace !== undefined && namespace !== itsNamespace) continue;
    const { workflowId, taskQueue, startTime } = info;
    found.push({ kind, namespace: itsNamespace, name, workflowId, taskQueue, startedAt: startTime });
  }
  const rank = (object: AppliedObject): string =>
    `${APPLY_ORDER.indexOf(object.kind.kind)} ${object.namespace}/${object.name}`;
  return found.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

export const ALL_KINDS: readonly AppliedKind[] = APPLY_ORDER.map((kind) => APPLIED_KINDS[kind]);

export function workflowIdOf({ kind, namespace, name }: ObjectAddress): string {
  return kind.workflowId(namespace, name);
}
