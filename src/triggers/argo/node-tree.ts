/** The nodes of a Workflow as a graph of parents and children. */
import { SluiceError } from '../../errors/sluice-error';
import type { WorkflowNode, WorkflowNodes } from '../../kubernetes/argo/workflow-status';
import { isExitNodeName } from './node-kinds';

export class NodeTree {
  readonly all: readonly WorkflowNode[];
  /** The entry node: it has the Workflow's name. */
  readonly root: WorkflowNode;
  private readonly byId: ReadonlyMap<string, WorkflowNode>;
  private readonly parents = new Map<string, WorkflowNode>();

  /** Throws TRIGGER_REFUSED (permanent) if the nodes do not form one graph. */
  constructor(nodes: WorkflowNodes, workflowName: string) {
    this.byId = new Map(Object.entries(nodes));
    this.all = Object.values(nodes);
    const root = this.all.find(({ name }) => name === workflowName);
    if (!root) throw broken(`there is no entry node ${workflowName}`);
    this.root = root;
    // In DAGs a node may have several parents: as in Argo, the last one in the order of ids counts.
    for (const id of [...this.byId.keys()].sort()) {
      const node = this.node(id);
      for (const child of node.children ?? []) this.parents.set(this.node(child).id, node);
    }
    for (const { id, name } of this.all) {
      if (!this.parents.has(id) && id !== root.id && !isExitNodeName(workflowName, name)) {
        throw broken(`node ${id} has no parent`);
      }
    }
  }

  node(id: string): WorkflowNode {
    const node = this.byId.get(id);
    if (!node) throw broken(`node ${id} is referenced but does not exist`);
    return node;
  }

  parent(node: WorkflowNode): WorkflowNode | undefined {
    return this.parents.get(node.id);
  }

  /** Returns the nearest ancestor that `isWanted`, `node` included. Throws TRIGGER_REFUSED if there is none. */
  ancestor(node: WorkflowNode, isWanted: (node: WorkflowNode) => boolean, description: string): WorkflowNode {
    for (let current: WorkflowNode | undefined = node; current; current = this.parent(current)) {
      if (isWanted(current)) return current;
    }
    throw broken(`node ${node.id} is not below ${description}`);
  }

  /** Returns the ids of all nodes below a node, each once, nearest first. */
  descendants(id: string): string[] {
    return this.walk(id).slice(1);
  }

  /** Returns all ids that can be reached from the entry node, nearest first. */
  breadthFirst(): string[] {
    return this.walk(this.root.id);
  }

  private walk(start: string): string[] {
    const seen = new Set([start]);
    // Iterating over a Set includes elements that are added meanwhile.
    for (const id of seen) for (const child of this.node(id).children ?? []) seen.add(child);
    return [...seen];
  }
}

function broken(problem: string): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', {
    message: `the nodes of the Workflow are inconsistent: ${problem}`,
    fix: 'Submit the Workflow again instead of retrying it',
  });
}
