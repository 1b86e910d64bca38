/**
 * Decides which nodes of a failed Workflow run again (docs/triggers/argo-workflow.md, "retry").
 *
 * Argo keeps succeeded nodes: failed nodes are deleted with everything below them, the groups and retries above them
 * are set back to Running, and the controller then finds work to do. Pure; follows the Argo CLI's algorithm.
 */
import { podNameOf, type PodNameFormat } from '../../kubernetes/argo/node-names';
import type { WorkflowNode, WorkflowNodes } from '../../kubernetes/argo/workflow-status';
import { isExecution, isExitNodeName, isFailed, isFanOut, isGroup } from './node-kinds';
import { NodeTree } from './node-tree';
import type { NodeSelector } from './node-selector';

export interface RetryNodesOptions {
  readonly workflowName: string;
  readonly podNameFormat: PodNameFormat;
  /** Restart these although they succeeded (`--restart-successful --node-field-selector`). */
  readonly restart?: NodeSelector;
  /** Parameters were passed: loops are expanded again. */
  readonly hasNewParameters: boolean;
  /** RFC 3339. */
  readonly now: string;
}

export interface RetriedNodes {
  readonly nodes: WorkflowNodes;
  /** Pods of nodes that run again; must be deleted first, because the new pods will have the same names. */
  readonly podsToDelete: readonly string[];
}

export function planNodeRetry(nodes: WorkflowNodes, options: RetryNodesOptions): RetriedNodes {
  if (Object.keys(nodes).length === 0) return { nodes: {}, podsToDelete: [] };
  const tree = new NodeTree(nodes, options.workflowName);
  const toRestart = findNodesToRestart(tree, options.restart);
  const reset = new Set<string>();
  const deleted = new Set<string>();
  for (const id of tree.breadthFirst()) {
    if (!toRestart.has(id) || deleted.has(id)) continue;
    const consequences = restart(tree, tree.node(id));
    consequences.reset.forEach((node) => reset.add(node));
    consequences.deleted.forEach((node) => deleted.add(node));
  }
  if (options.hasNewParameters) {
    const fanOuts = [...reset].filter((id) => !deleted.has(id) && isFanOut(tree.node(id)));
    fanOuts.flatMap((id) => tree.descendants(id)).forEach((id) => deleted.add(id));
  }
  return {
    nodes: rebuild(nodes, reset, deleted, options),
    podsToDelete: findPods(tree, deleted, options),
  };
}

/** Returns the nodes that the selector picks, and every failed node that no successful node depends on. */
function findNodesToRestart(tree: NodeTree, selector: NodeSelector | undefined): Set<string> {
  const selected = new Set(selector ? tree.all.filter(selector).map(({ id }) => id) : []);
  const failed = tree.all.filter((node) => {
    if (!isFailed(node) || !isExecution(node)) return false;
    // An attempt of a retry counts with the other attempts: subsequent nodes hang below the Retry node.
    const held = node.nodeFlag?.retried ? (tree.parent(node) ?? node) : node;
    return !tree.descendants(held.id).some((id) => !selected.has(id) && tree.node(id).phase === 'Succeeded');
  });
  failed.forEach(({ id }) => selected.add(id));
  return selected;
}

interface Consequences {
  readonly reset: Set<string>;
  readonly deleted: Set<string>;
}

/** Returns the consequences of restarting one node: nodes below are deleted, nodes above are reset. */
function restart(tree: NodeTree, start: WorkflowNode): Consequences {
  const reset = new Set<string>();
  const deleted = new Set([start.id, ...tree.descendants(start.id)]);
  if (start.id === tree.root.id) return { reset, deleted };
  let current: WorkflowNode | undefined = start;
  while (current) {
    if (isGroup(current)) current = resetEnclosing(tree, current, reset);
    else if (current.type === 'Container') {
      const pod = tree.ancestor(current, ({ type }) => type === 'Pod', 'its pod');
      reset.add(pod.id);
      deleted.add(pod.id);
      tree.descendants(pod.id).forEach((id) => deleted.add(id));
      current = pod;
    } else {
      if (current.type === 'Retry' && isFailed(current)) reset.add(current.id);
      current = tree.parent(current);
    }
  }
  return { reset, deleted };
}

/** Walks from a group up through the enclosing templates; returns the node to continue from. */
function resetEnclosing(tree: NodeTree, group: WorkflowNode, reset: Set<string>): WorkflowNode | undefined {
  reset.add(group.id);
  let current = group;
  for (;;) {
    const retry = tree.parent(current);
    if (retry?.type === 'Retry') {
      reset.add(retry.id);
      current = retry;
    }
    const above = tree.parent(current);
    if (above && isFanOut(above)) reset.add(above.id);
    const { boundaryID } = current;
    if (!boundaryID) return above;
    current = tree.ancestor(current, ({ id }) => id === boundaryID, `the template it belongs to (${boundaryID})`);
    reset.add(current.id);
  }
}

function rebuild(
  nodes: WorkflowNodes,
  reset: ReadonlySet<string>,
  deleted: ReadonlySet<string>,
  { workflowName, now }: RetryNodesOptions,
): WorkflowNodes {
  const kept: WorkflowNodes = {};
  const withoutDeleted = (ids: readonly string[] | undefined) => ids?.filter((id) => !deleted.has(id));
  for (const [id, node] of Object.entries(nodes)) {
    if (deleted.has(id) || isExitNodeName(workflowName, node.name)) continue;
    kept[id] = {
      ...(reset.has(id) ? resetNode(node, now) : node),
      ...(node.children ? { children: withoutDeleted(node.children) } : {}),
      ...(node.outboundNodes ? { outboundNodes: withoutDeleted(node.outboundNodes) } : {}),
    };
  }
  return kept;
}

function resetNode(node: WorkflowNode, now: string): WorkflowNode {
  const { finishedAt: _finishedAt, ...others } = node;
  return {
    ...others,
    phase: node.phase === 'Skipped' ? 'Skipped' : 'Running',
    message: '',
    startedAt: now,
  };
}

function findPods(
  tree: NodeTree,
  deleted: ReadonlySet<string>,
  { workflowName, podNameFormat }: RetryNodesOptions,
): string[] {
  const pods = tree.all.filter(({ id, type }) => deleted.has(id) && type === 'Pod');
  const exitHandler = tree.all.find(({ name }) => name === `${workflowName}.onExit`);
  // Includes every node that may have a pod; deleting a pod that does not exist is harmless.
  const exitNodes = exitHandler ? [exitHandler, ...tree.descendants(exitHandler.id).map((id) => tree.node(id))] : [];
  return [...new Set([...pods, ...exitNodes].map((node) => podNameOf(workflowName, node, podNameFormat)))];
}
