/**
 * Gives a WebAssembly module all the memory that it may have, and no more.
 *
 * Go's linker declares no limit, so a script could grow the memory to 4 GB. The memory has its full size from the start,
 * which costs nothing until it is written to; growing it in steps made V8 collect garbage at each step, in threads of
 * normal priority, for longer than the script itself ran. The size is part of the module's memory section; this rewrites
 * that one section. Format: WebAssembly core specification, "Binary Format", sections and limits.
 */
const MEMORY_SECTION = 5;
const HEADER_BYTES = 8;
const PAGES_PER_MB = 16;

/** A copy of the module with `maxMemoryMb` of memory, or its initial size if that is larger. */
export function sizeModuleMemory(module: Uint8Array, maxMemoryMb: number): Uint8Array {
  let at = HEADER_BYTES;
  while (at < module.length) {
    const id = module[at];
    const size = readLeb128(module, at + 1);
    const end = size.next + size.value;
    if (id === MEMORY_SECTION) {
      const section = memorySection(module, size.next, maxMemoryMb * PAGES_PER_MB);
      return concatenate(module.subarray(0, at), section, module.subarray(end));
    }
    at = end;
  }
  return module;
}

/** `count flags minimum` → the same with flag 1 (has a maximum), minimum and maximum. */
function memorySection(module: Uint8Array, at: number, maximumPages: number): Uint8Array {
  const count = readLeb128(module, at);
  const flags = readLeb128(module, count.next);
  const minimum = readLeb128(module, flags.next);
  const pages = Math.max(maximumPages, minimum.value);
  const body = [1, 1, ...leb128(pages), ...leb128(pages)];
  return Uint8Array.from([MEMORY_SECTION, ...leb128(body.length), ...body]);
}

function readLeb128(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
}

function leb128(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function concatenate(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
