/** Builds the nodes of a Workflow the way Argo's controller does: ids from names, children and boundaries by id. */
import { nodeIdOf } from '../../../src/kubernetes/argo/node-names';
import type { NodePhase, NodeType, WorkflowNode, WorkflowNodes } from '../../../src/kubernetes/argo/workflow-status';

export interface NodeSketch {
  /** After the Workflow's name: `''` is the entry node, `.a`, `[0].b(1:x)`. */
  readonly at: string;
  readonly type: NodeType;
  readonly phase: NodePhase;
  /** Written as `at`. */
  readonly children?: readonly string[];
  readonly within?: string;
  readonly more?: Partial<WorkflowNode>;
}

export function sketchNodes(workflow: string, sketches: readonly NodeSketch[]): WorkflowNodes {
  const idOf = (at: string) => nodeIdOf(workflow, workflow + at);
  return Object.fromEntries(
    sketches.map(({ at, type, phase, children, within, more }) => [
      idOf(at),
      {
        id: idOf(at),
        name: workflow + at,
        displayName: at.replace(/^\./, ''),
        type,
        phase,
        templateName: 'work',
        startedAt: '2026-01-01T00:00:00Z',
        finishedAt: '2026-01-01T00:00:01Z',
        ...(children ? { children: children.map(idOf) } : {}),
        ...(within === undefined ? {} : { boundaryID: idOf(within) }),
        ...more,
      },
    ]),
  );
}

/** `.a Succeeded` … for each node, by name: what a test compares. */
export function summariseNodes(workflow: string, nodes: WorkflowNodes): Record<string, string> {
  return Object.fromEntries(Object.values(nodes).map(({ name, phase }) => [name.slice(workflow.length), phase ?? '']));
}
