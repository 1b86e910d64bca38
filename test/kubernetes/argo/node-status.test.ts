import { brotliCompressSync, gzipSync } from 'node:zlib';
import { fnv1a32, nodeIdOf, podNameOf } from '../../../src/kubernetes/argo/node-names';
import { readNodes, withPackedNodes } from '../../../src/kubernetes/argo/node-packing';
import type { WorkflowNodes } from '../../../src/kubernetes/argo/workflow-status';

describe('names of nodes and pods', () => {
  it('are derived as the controller derives them', () => {
    expect(fnv1a32('workflow-retry.launch(1:fail)')).toBe(1743784750);
    expect(nodeIdOf('wf', 'wf')).toBe('wf');
    expect(nodeIdOf('workflow-retry', 'workflow-retry.launch(1:fail)')).toBe('workflow-retry-1743784750');
    const node = { id: 'wf-1', name: 'wf.a', templateName: 't' };
    expect(podNameOf('wf', node)).toBe(`wf-t-${fnv1a32('wf.a')}`);
    expect(podNameOf('wf', { ...node, templateRef: { name: 'lib', template: 'other' } })).toBe(
      `wf-other-${fnv1a32('wf.a')}`,
    );
    expect(podNameOf('wf', { ...node, name: 'wf' })).toBe('wf');
    expect(podNameOf('wf', node, 'v1')).toBe('wf-1');
    expect(podNameOf('w'.repeat(60), { ...node, templateName: 't'.repeat(300) })).toHaveLength(
      242 + 1 + String(fnv1a32('wf.a')).length,
    );
  });
});

describe('nodes of large Workflows', () => {
  const nodes: WorkflowNodes = { wf: { id: 'wf', name: 'wf', type: 'Pod', phase: 'Failed' } };
  const json = JSON.stringify(nodes);
  /** `zstd -c` of the same text. */
  const zstd = 'KLUv/SQ8rQEAhAJ7IndmIjp7ImlkIjosIm5hbWV0eXBQb2QiLCJwaGFzRmFpbGVkIn19BAA9A4EwXqg4KEl5vLr6';

  it.each([
    ['gzip', () => gzipSync(json)],
    ['brotli', () => brotliCompressSync(json)],
    ['zstd', () => Buffer.from(zstd, 'base64')],
  ])('are read when compressed with %s', async (_name, compress) => {
    expect(await readNodes({ compressedNodes: compress().toString('base64') })).toEqual(nodes);
  });

  it('are compressed only if the object would be too large', async () => {
    const small = { status: { nodes } };
    expect(await withPackedNodes(small)).toBe(small);
    const large = Object.fromEntries(
      Array.from({ length: 8_000 }, (_, index) => [
        `wf-${index}`,
        { id: `wf-${index}`, name: `wf.${'x'.repeat(100)}${index}`, type: 'Pod' as const },
      ]),
    );
    const packed = await withPackedNodes({ status: { nodes: large } });
    expect(packed.status.nodes).toBeUndefined();
    expect(await readNodes(packed.status)).toEqual(large);
  });

  it('are reported as unavailable if they are in the controller database', async () => {
    await expect(readNodes({ offloadNodeStatusVersion: 'fnv:1' })).rejects.toThrow(
      expect.objectContaining({ code: 'TRIGGER_REFUSED' }) as Error,
    );
  });
});
