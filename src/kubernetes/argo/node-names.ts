/** How Argo's controller derives ids and pod names from node names. Needed wherever nodes are rebuilt or explained. */
import type { WorkflowNode } from './workflow-status';

/** FNV-1a, 32 bit, over the UTF-8 bytes. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The entry node has the Workflow's own name as its id; all others `<workflow>-<hash of the node's name>`. */
export function nodeIdOf(workflowName: string, nodeName: string): string {
  return nodeName === workflowName ? workflowName : `${workflowName}-${fnv1a32(nodeName)}`;
}

/** Value of the annotation `workflows.argoproj.io/pod-name-format`; anything but `v1` means v2. */
export type PodNameFormat = 'v1' | 'v2';

export const POD_NAME_FORMAT_ANNOTATION = 'workflows.argoproj.io/pod-name-format';

/** v2 names are cut so that the hash always fits into the 253 characters of a pod name. */
const MAX_PREFIX_LENGTH = 242;

export function podNameOf(
  workflowName: string,
  node: Pick<WorkflowNode, 'id' | 'name' | 'templateName' | 'templateRef'>,
  format: PodNameFormat = 'v2',
): string {
  if (format === 'v1') return node.id;
  if (node.name === workflowName) return workflowName;
  const template = node.templateRef?.template ?? node.templateName;
  const prefix = template ? `${workflowName}-${template}` : workflowName;
  return `${prefix.slice(0, MAX_PREFIX_LENGTH)}-${fnv1a32(node.name)}`;
}
