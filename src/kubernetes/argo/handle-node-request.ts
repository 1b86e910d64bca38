/** Handles one request for the nodes of a Workflow, in any thread. Pure. */
import { TooLarge } from '../../compression/unpack-zstd';
import { describeError } from '../../errors/sluice-error';
import { allNodes } from './checked-nodes';
import { summarizeNodes } from './node-summary';
import type { NodeRequest, NodeResponse } from './node-thread-messages';
import { unpackNodes, type UnpackLimits } from './unpack-nodes';

/** Returns undefined if the nodes are above `limits`. */
export function handleWithin(limits: UnpackLimits, request: NodeRequest): NodeResponse | undefined {
  try {
    return handle(request, limits);
  } catch (error) {
    return error instanceof TooLarge ? undefined : unreadable(error);
  }
}

export function handleNodeRequest(request: NodeRequest): NodeResponse {
  try {
    return handle(request);
  } catch (error) {
    return unreadable(error);
  }
}

function handle(request: NodeRequest, limits?: UnpackLimits): NodeResponse {
  const unpacked = unpackNodes(request.compressedNodes, limits);
  if (request.kind === 'summarize') return { kind: 'summary', summary: summarizeNodes(unpacked, request.workflow) };
  const nodes = allNodes(unpacked);
  return nodes ? { kind: 'nodes', nodes } : unreadable(new Error('some of its entries are not nodes'));
}

function unreadable(error: unknown): NodeResponse {
  return { kind: 'unreadable', reason: describeError(error) };
}
