/** Nodes that are changed and written back. With minimal resource definitions they may have any shape. Pure. */
import { isRecord } from '../kubernetes-object';
import type { WorkflowNode, WorkflowNodes } from './workflow-status';

/** Returns undefined if any entry is not a node: data that is written back must not be lost or misread. */
export function allNodes(nodes: Record<string, unknown>): WorkflowNodes | undefined {
  const entries = Object.entries(nodes);
  return entries.every(isNamedNode) ? Object.fromEntries(entries.filter(isNamedNode)) : undefined;
}

function isNamedNode(entry: [string, unknown]): entry is [string, WorkflowNode] {
  return isNode(entry[1]);
}

/** Checks the fields that Sluice relies on. */
function isNode(node: unknown): node is WorkflowNode {
  if (!isRecord(node)) return false;
  const { id, name, type, outputs, children, outboundNodes } = node;
  return (
    [id, name, type].every((text) => typeof text === 'string') &&
    ['displayName', 'message', 'phase', 'templateName', 'boundaryID'].every((field) =>
      isAbsentOr(isText, node[field]),
    ) &&
    isAbsentOr(isTextList, children) &&
    isAbsentOr(isTextList, outboundNodes) &&
    isAbsentOr(isRecord, node.templateRef) &&
    isAbsentOr(isRecord, outputs) &&
    (!isRecord(outputs) || isAbsentOr(isParameterList, outputs.parameters))
  );
}

function isParameterList(value: unknown): boolean {
  return (
    Array.isArray(value) && value.every((item) => isRecord(item) && isText(item.name) && isAbsentOr(isText, item.value))
  );
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isAbsentOr(isValid: (value: unknown) => boolean, value: unknown): boolean {
  return value === undefined || value === null || isValid(value);
}
