/** `--node-field-selector`: picks nodes by their fields, as Argo's command line does. */
import { SluiceError } from '../../errors/sluice-error';
import type { WorkflowNode } from '../../kubernetes/argo/workflow-status';

interface Requirement {
  readonly key: string;
  readonly value: string;
  readonly isNegated: boolean;
}

export type NodeSelector = (node: WorkflowNode) => boolean;

/** Parses comma-separated `key=value`, `key==value`, `key!=value`; all must match. Throws MANIFEST_INVALID. */
export function parseNodeSelector(text: string): NodeSelector {
  const requirements = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(parseRequirement);
  return (node) => requirements.every(({ key, value, isNegated }) => (fieldOf(node, key) === value) !== isNegated);
}

function parseRequirement(text: string): Requirement {
  const match = /^\s*([^=!\s]+)\s*(!=|==|=)\s*(.*?)\s*$/.exec(text);
  const [, key, operator, value] = match ?? [];
  if (key === undefined || operator === undefined || value === undefined || !isKnownKey(key)) {
    throw new SluiceError('MANIFEST_INVALID', {
      message: `argoWorkflow.args: --node-field-selector expects key=value, found "${text}"`,
      fix: `Keys are ${[...FIELDS.keys(), 'inputs.parameters.<name>.value'].join(', ')}`,
    });
  }
  return { key, value, isNegated: operator === '!=' };
}

const FIELDS = new Map<string, (node: WorkflowNode) => string | undefined>([
  ['displayName', (node) => node.displayName],
  ['id', (node) => node.id],
  ['name', (node) => node.name],
  ['phase', (node) => node.phase],
  ['templateName', (node) => node.templateRef?.template ?? node.templateName],
  ['templateRef.name', (node) => node.templateRef?.name],
  ['templateRef.template', (node) => node.templateRef?.template],
]);
const INPUT = /^inputs\.parameters\.(.+)\.value$/;

function isKnownKey(key: string): boolean {
  return FIELDS.has(key) || INPUT.test(key);
}

/** A field that a node does not have equals the empty string. */
function fieldOf(node: WorkflowNode, key: string): string {
  const input = INPUT.exec(key)?.[1];
  if (input === undefined) return FIELDS.get(key)?.(node) ?? '';
  return node.inputs?.parameters?.find(({ name }) => name === input)?.value ?? '';
}
