import { sizeModuleMemory } from '../../src/expressions/module-memory';

/** `(module (memory (export "m") 1))` */
const ONE_PAGE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x05, 0x03, 0x01, 0x00, 0x01],
  ...[0x07, 0x05, 0x01, 0x01, 0x6d, 0x02, 0x00],
]);

describe('the memory of the expression module', () => {
  const memoryOf = (bytes: Uint8Array): WebAssembly.Memory => {
    const { m } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
    if (m instanceof WebAssembly.Memory) return m;
    throw new Error('it exports no memory');
  };

  it('has its full size from the start, so that V8 does not collect garbage for each step of growth', () => {
    const memory = memoryOf(sizeModuleMemory(ONE_PAGE, 2));
    expect(memory.buffer.byteLength).toBe(2 * 2 ** 20);
    expect(() => memory.grow(1)).toThrow();
  });

  it('is never smaller than the module asks for', () => {
    expect(memoryOf(sizeModuleMemory(ONE_PAGE, 0)).buffer.byteLength).toBe(64 * 1024);
  });
});
