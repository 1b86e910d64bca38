/** Whoever may write Workflows in a watched namespace decides what stands in their status. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { NodeThread } from '../../../src/kubernetes/argo/node-thread-client';
import { readNodes, summaryOf } from '../../../src/kubernetes/argo/node-packing';
import { readableStatus } from '../../../src/kubernetes/argo/readable-status';
import { UNPACK_LIMITS, unpackNodes } from '../../../src/kubernetes/argo/unpack-nodes';
import { outcomeMessage, readOutputs } from '../../../src/kubernetes/argo/outcome-text';

const MEBIBYTE = 2 ** 20;
const workflow = { name: 'w', podNameFormat: 'v2' } as const;
const nothing = { failures: '', outputs: [] };

const brotli = (text: Buffer): Buffer =>
  brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: 24 } });
const blanks = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from('{"w":"'), Buffer.alloc(bytes, 0x20), Buffer.from('"}')]);

/** A frame of zstd with blocks that repeat one byte: four bytes of it stand for 128 KiB. */
function zstdOfBlocks(count: number, blockBytes: number): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (23 - 10) << 3]);
  const block = Buffer.alloc(4);
  block.writeUIntLE((blockBytes << 3) | (1 << 1), 0, 3);
  block[3] = 0x20;
  return Buffer.concat([header, ...Array.from({ length: count }, () => block)]);
}

/** A frame that demands a window of 1.75 GiB. */
const zstdOfHugeWindow = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, ((30 - 10) << 3) | 6, 0x01, 0x00, 0x00]);

/** The longest that the main thread stood still while `work` was done. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await work();
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}

describe.each([
  ['400 MiB of blanks in gzip', () => gzipSync(blanks(400 * MEBIBYTE), { level: 1 })],
  ['400 MiB of blanks in brotli', () => brotli(blanks(400 * MEBIBYTE))],
  ['1 GiB in 32 KiB of zstd', () => zstdOfBlocks(8_192, 131_072)],
  ['zstd with 300,000 empty blocks', () => zstdOfBlocks(300_000, 0)],
  ['a window of zstd of 1.75 GiB', () => zstdOfHugeWindow],
  ['eight million lists', () => gzipSync(`{"w":[${'[],'.repeat(7_000_000)}[]]}`)],
  ['lists nested half a million times', () => gzipSync(`{"w":${'['.repeat(500_000)}${']'.repeat(500_000)}}`)],
])('compressedNodes with %s', (_name, pack) => {
  let compressedNodes = '';
  beforeAll(() => {
    compressedNodes = pack().toString('base64');
  });

  it('count as no nodes, within bounded memory and without holding up the worker', async () => {
    const before = process.memoryUsage().rss;
    const status = { phase: 'Failed', message: '', compressedNodes } as const;
    const blockedMs = await longestBlock(async () => expect(await summaryOf(status, workflow)).toEqual(nothing));
    expect(process.memoryUsage().rss - before).toBeLessThan(350 * MEBIBYTE);
    // Only tells seconds from minutes: the machine may be busy.
    expect(blockedMs).toBeLessThan(8_000);
  });

  it('are rejected permanently by operations that need them', async () => {
    await expect(readNodes({ compressedNodes })).rejects.toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('are not sent to the thread a second time', async () => {
    const requests = jest.spyOn(NodeThread.prototype, 'request');
    const status = { compressedNodes };
    await summaryOf(status, workflow);
    const before = requests.mock.calls.length;
    await Promise.all(Array.from({ length: 20 }, () => summaryOf(status, workflow)));
    expect(requests.mock.calls).toHaveLength(before);
    requests.mockRestore();
  });
});

describe('malformed nodes', () => {
  const node = { id: 'w', name: 'w', type: 'Pod', phase: 'Failed', message: 'exit code 1' };
  const other = { ...node, id: 'v' };
  it.each([
    ['null', { w: node, x: null }],
    ['a list', { w: node, x: [] }],
    ['a number for a name', { w: node, x: { ...other, name: 1 } }],
    ['an object for a message', { w: node, x: { ...other, message: {} } }],
    ['parameters that are not a list', { w: node, x: { ...other, outputs: { parameters: 3 } } }],
    ['parameters with a null among them', { w: node, x: { ...other, outputs: { parameters: [null] } } }],
    ['a string for children', { w: node, x: { ...other, children: 'abc' } }],
  ])('%s: break no report and are never written back', async (_name, nodes) => {
    const failures = expect.stringMatching(/^w: exit code 1 \(pod w\)/) as string;
    const expected = { failures, outputs: [] };
    for (const status of [
      { nodes: nodes as never },
      { compressedNodes: gzipSync(JSON.stringify(nodes)).toString('base64') },
    ]) {
      expect(await summaryOf(status, workflow)).toEqual(expected);
      await expect(readNodes(status)).rejects.toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    }
  });

  it.each([['a text'], [3], [[]], [null]])('%p in their place is no error for a report', async (nodes) => {
    expect(await summaryOf({ nodes: nodes as never }, workflow)).toEqual(nothing);
  });

  it('do not break the outcome if the global outputs are forged', () => {
    const status = readableStatus({
      ...{ phase: 'Failed', message: { a: 1 } },
      outputs: { parameters: [null, 1, { name: 3 }, { name: 'kept', value: '1' }] },
    });
    expect(outcomeMessage(status, nothing)).toBe('');
    expect(readOutputs(status, nothing)).toEqual({ kept: '1' });
  });
});

describe('the nodes of an honest large Workflow', () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [
      index === 0 ? 'w' : `w-${index}`,
      {
        ...{ id: index === 0 ? 'w' : `w-${index}`, name: `w.${'step'.repeat(20)}${index}`, type: 'Pod' },
        ...{ phase: index === 7 ? 'Failed' : 'Succeeded', message: index === 7 ? 'exit code 3' : '' },
        outputs: { parameters: [{ name: 'index', value: String(index) }] },
      },
    ]),
  );
  const compressedNodes = gzipSync(JSON.stringify(nodes)).toString('base64');

  it('are below every limit, and are read in a thread', async () => {
    expect(Object.keys(unpackNodes(compressedNodes, UNPACK_LIMITS))).toHaveLength(20_000);
    expect(await readNodes({ compressedNodes })).toEqual(nodes);
    const summary = await summaryOf({ compressedNodes }, workflow);
    expect(summary.failures).toContain('exit code 3');
    expect(summary.outputs).toEqual([{ name: 'index', value: '0' }]);
  });
});
