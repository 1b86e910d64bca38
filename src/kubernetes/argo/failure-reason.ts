/** Why a Workflow failed, when its own message does not say: DAGs leave it empty. */
import { readableNodes } from './node-packing';
import { POD_NAME_FORMAT_ANNOTATION, podNameOf } from './node-names';
import type { NodeType, WorkflowStatus } from './workflow-status';

/** They fail because something inside them did. */
const GROUPS: readonly NodeType[] = ['DAG', 'TaskGroup', 'Steps', 'StepGroup', 'Retry'];
const MAX_REASONS = 3;

interface Failed {
  metadata: { name?: string; annotations?: Record<string, string> };
  status?: WorkflowStatus;
}

/** The Workflow's message, with the failed nodes where it has none or only names a child. Empty on success. */
export function failureReason({ metadata, status }: Failed): string {
  if (status?.phase !== 'Failed' && status?.phase !== 'Error') return status?.message ?? '';
  const message = status.message ?? '';
  if (message !== '' && !/^child '.*' failed$/.test(message)) return message;
  const nodes = describeFailedNodes(metadata, status);
  return nodes === '' ? message : nodes;
}

function describeFailedNodes({ name = '', annotations }: Failed['metadata'], status: WorkflowStatus): string {
  const format = annotations?.[POD_NAME_FORMAT_ANNOTATION] === 'v1' ? 'v1' : 'v2';
  const failed = Object.values(readableNodes(status)).filter(
    ({ phase, type }) => (phase === 'Failed' || phase === 'Error') && !GROUPS.includes(type),
  );
  const reasons = failed.slice(0, MAX_REASONS).map((node) => {
    const pod = node.type === 'Pod' ? ` (pod ${podNameOf(name, node, format)})` : '';
    return `${node.displayName || node.name}: ${node.message || node.phase || 'failed'}${pod}`;
  });
  const more = failed.length - reasons.length;
  return reasons.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
