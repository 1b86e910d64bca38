/** Nodes of large Workflows travel compressed. */
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { decompress as decompressZstd } from 'fzstd';
import { isSluiceError, SluiceError } from '../../errors';
import { isRecord } from '../kubernetes-object';
import { readableNodesOf } from './readable-status';
import type { WorkflowNodes, WorkflowStatus } from './workflow-status';

/** The controller's own limit for objects with plain nodes. */
const MAX_PLAIN_BYTES = 1024 * 1024;
/** etcd refuses requests above this. */
const MAX_PACKED_BYTES = 1.5 * 1024 * 1024;

/** The nodes of a Workflow, unpacked. Throws TRIGGER_REFUSED (final) where they are out of reach or unreadable. */
export function readNodes(status: WorkflowStatus | undefined): WorkflowNodes {
  if (status?.offloadNodeStatusVersion) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: "the Workflow's nodes are kept in the Argo controller's database, which only an Argo server can read",
      fix: 'Use the argo command with an Argo server for this Workflow',
    });
  }
  if (!status?.compressedNodes) return status?.nodes ?? {};
  try {
    const parsed: unknown = JSON.parse(inflate(Buffer.from(status.compressedNodes, 'base64')).toString('utf8'));
    if (!isRecord(parsed)) throw new Error('not an object');
    return parsed as WorkflowNodes;
  } catch (cause) {
    throw new SluiceError('TRIGGER_REFUSED', { message: 'compressedNodes of the Workflow cannot be read', cause });
  }
}

/** The same for whoever only explains: nodes out of reach are no nodes. */
export function readableNodes(status: WorkflowStatus | undefined): WorkflowNodes {
  try {
    return readableNodesOf(readNodes(status));
  } catch (error) {
    if (isSluiceError(error)) return {};
    throw error;
  }
}

function inflate(packed: Buffer): Buffer {
  if (packed[0] === 0x1f && packed[1] === 0x8b) return gunzipSync(packed);
  if (packed.length >= 4 && packed.readUInt32BE(0) === 0x28b52ffd) return Buffer.from(decompressZstd(packed));
  return brotliDecompressSync(packed);
}

/** Puts plain nodes back compressed where the object would be too large. Throws TRIGGER_REFUSED where that is not enough. */
export function withPackedNodes<Holder extends { status?: WorkflowStatus }>(workflow: Holder): Holder {
  const { status } = workflow;
  if (!status?.nodes || Buffer.byteLength(JSON.stringify(workflow)) <= MAX_PLAIN_BYTES) return workflow;
  const { nodes, ...others } = status;
  const compressedNodes = gzipSync(JSON.stringify(nodes)).toString('base64');
  const packed = { ...workflow, status: { ...others, compressedNodes } };
  if (Buffer.byteLength(JSON.stringify(packed)) > MAX_PACKED_BYTES) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: 'the Workflow is too large for the API server even with its nodes compressed',
      fix: 'Use the argo command with an Argo server for this Workflow',
    });
  }
  return packed;
}
