import { PassThrough } from 'node:stream';
import type { CliIo } from '../../src/cli/io';
import { createOutput, type OutputFormat } from '../../src/cli/printing/output';

const RESULT = {
  data: { things: [{ name: 'a' }] },
  table: {
    columns: ['name', 'state'],
    rows: [
      ['a', { text: 'Ready', tone: 'good' as const }],
      ['long-name', 'x'],
    ],
  },
  names: ['thing/a'],
};

function printed(
  format: OutputFormat,
  terminal = false,
  env: Record<string, string> = {},
  result: typeof RESULT = RESULT,
): string {
  const stdout = Object.assign(new PassThrough(), { isTTY: terminal });
  const [stdin, stderr] = [new PassThrough(), new PassThrough()];
  const io: CliIo = { stdin, stdout, stderr, env, signal: new AbortController().signal };
  createOutput(io, format).print(result);
  return String(stdout.read());
}

describe('output of commands', () => {
  it.each<[OutputFormat, string]>([
    ['table', 'NAME        STATE\na           Ready\nlong-name   x\n'],
    ['json', '{\n  "things": [\n    {\n      "name": "a"\n    }\n  ]\n}\n'],
    ['yaml', 'things:\n  - name: a\n'],
    ['name', 'thing/a\n'],
  ])('has the format %s', (format, expected) => {
    expect(printed(format)).toBe(expected);
  });

  it('is coloured on a terminal only, and not with NO_COLOR', () => {
    const green = '\u001b[32mReady\u001b[0m';
    expect(printed('table', true)).toContain(green);
    expect(printed('table', true, { NO_COLOR: '1' })).not.toContain(green);
    expect(printed('table', false)).not.toContain(green);
    expect(printed('json', true)).not.toContain('\u001b');
  });

  it('wraps long lines between words, and keeps ids whole', () => {
    const id = `run/default/${'x'.repeat(30)}`;
    const held = Array.from({ length: 8 }, (_, index) => `l=src/left:L:${index}`).join(', ');
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const [stdin, stderr] = [new PassThrough(), new PassThrough()];
    const io: CliIo = { stdin, stdout, stderr, env: { NO_COLOR: '1' }, signal: new AbortController().signal };
    const rows = [[id, held, 'r']];
    createOutput(io, 'table').print({ data: {}, table: { columns: ['run', 'held', 'waiting for'], rows }, names: [] });
    const lines = String(stdout.read()).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[1]).toMatch(new RegExp(`^${id} +l=src/left:L:0, *r$`));
    expect(lines.join(' ').match(/l=src/g)).toHaveLength(8);
  });

  it('escapes control characters in text from outside', () => {
    const table = { columns: ['name', 'state'], rows: [['\u001b]0;owned\u0007', 'two\nlines'] as [string, string]] };
    const text = printed('table', true, {}, { ...RESULT, table: { ...table, rows: table.rows } });
    expect(text).not.toContain('\u0007');
    expect(text).toContain('two lines');
  });
});
