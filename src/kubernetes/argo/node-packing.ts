/** Nodes of large Workflows are compressed. Large ones are unpacked in a thread, because their content is untrusted. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { SluiceError } from '../../errors/sluice-error';
import { inStage } from '../../metrics/stages';
import { allNodes } from './checked-nodes';
import { handleWithin } from './handle-node-request';
import { NO_NODES, summarizeNodes, type NodeSummary, type SummarizedWorkflow } from './node-summary';
import { NodeThread } from './node-thread-client';
import type { NodeRequest, NodeResponse } from './node-thread-messages';
import { isZstd, type UnpackLimits } from './unpack-nodes';
import type { WorkflowNodes, WorkflowStatus } from './workflow-status';

/** The controller's own limit for objects with plain nodes. */
const MAX_PLAIN_BYTES = 1024 * 1024;
/** etcd rejects requests above this. */
const MAX_PACKED_BYTES = 1.5 * 1024 * 1024;
/** Unpacked without the thread: takes a few milliseconds at most. */
const SMALL: UnpackLimits = { maxBytes: 256 * 1024, maxValues: 20_000 };
const MAX_SMALL_PACKED = 64 * 1024;
const MAX_REMEMBERED = 1_000;

const compress = promisify(gzip);
const thread = new NodeThread();
/** Digest of unreadable nodes → reason, because a Workflow is seen again with every change and after every restart. */
const unreadable = new Map<string, string>();

/** Returns a Workflow's nodes, unpacked. Throws TRIGGER_REFUSED (permanent) if they are out of reach or unreadable. */
export async function readNodes(status: WorkflowStatus | undefined): Promise<WorkflowNodes> {
  if (status?.offloadNodeStatusVersion) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: "the Workflow's nodes are kept in the Argo controller's database, which only an Argo server can read",
      fix: 'Use the argo command with an Argo server for this Workflow',
    });
  }
  const { compressedNodes } = status ?? {};
  if (!compressedNodes) {
    const nodes = allNodes(status?.nodes ?? {});
    if (nodes === undefined) throw refuse('nodes', 'some of its entries are not nodes');
    return nodes;
  }
  const response = await unpack({ kind: 'read', compressedNodes: String(compressedNodes) });
  if (response.kind === 'nodes') return response.nodes;
  throw refuse('compressedNodes', response.kind === 'unreadable' ? response.reason : 'it was not read');
}

/** For reports: nodes that are out of reach or unreadable count as none. */
export async function summaryOf(
  status: WorkflowStatus | undefined,
  workflow: SummarizedWorkflow,
): Promise<NodeSummary> {
  if (status?.offloadNodeStatusVersion) return NO_NODES;
  const { compressedNodes } = status ?? {};
  if (!compressedNodes) return inStage('Workflow nodes', () => summarizeNodes(status?.nodes, workflow));
  const response = await unpack({ kind: 'summarize', compressedNodes: String(compressedNodes), workflow });
  return response.kind === 'summary' ? response.summary : NO_NODES;
}

async function unpack(request: NodeRequest): Promise<NodeResponse> {
  const { compressedNodes } = request;
  if (compressedNodes.length <= MAX_SMALL_PACKED && !isZstd(compressedNodes)) {
    const response = inStage('Workflow nodes', () => handleWithin(SMALL, request));
    if (response !== undefined) return response;
  }
  const digest = createHash('sha256').update(compressedNodes).digest('base64');
  const reason = unreadable.get(digest);
  if (reason !== undefined) return { kind: 'unreadable', reason };
  const response = await thread.request(request);
  if (response.kind === 'unreadable') remember(digest, response.reason);
  return response;
}

function remember(digest: string, reason: string): void {
  unreadable.set(digest, reason);
  const [oldest] = unreadable.keys();
  if (unreadable.size > MAX_REMEMBERED && oldest !== undefined) unreadable.delete(oldest);
}

function refuse(field: string, reason: string): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', { message: `${field} of the Workflow cannot be read: ${reason}` });
}

/** Compresses plain nodes if the object would be too large. Throws TRIGGER_REFUSED if that is not enough. */
export async function withPackedNodes<Holder extends { status?: WorkflowStatus }>(workflow: Holder): Promise<Holder> {
  const { status } = workflow;
  if (!status?.nodes || Buffer.byteLength(JSON.stringify(workflow)) <= MAX_PLAIN_BYTES) return workflow;
  const { nodes, ...others } = status;
  const compressedNodes = (await compress(JSON.stringify(nodes))).toString('base64');
  const packed = { ...workflow, status: { ...others, compressedNodes } };
  if (Buffer.byteLength(JSON.stringify(packed)) > MAX_PACKED_BYTES) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: 'the Workflow is too large for the API server even with its nodes compressed',
      fix: 'Use the argo command with an Argo server for this Workflow',
    });
  }
  return packed;
}
