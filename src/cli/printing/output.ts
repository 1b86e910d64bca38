/**
 * The only way for commands to print: results on stdout in the requested format, notes on stderr. A command computes
 * one result and passes its forms; it never checks the format or the terminal itself.
 */
import type { Writable } from 'node:stream';
import { isTerminal, type CliIo } from '../io';
import { createPaint, printable, type Paint } from './style';
import { renderTable, type Table } from './table';
import { writeExactly } from '../../yaml/exact-numbers';
import { writeYaml } from '../../yaml/write-yaml';

export const OUTPUT_FORMATS = ['table', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface Result {
  /** The complete result, for `-o json` and `-o yaml`. */
  readonly data: unknown;
  /** For display. Several parts are printed below each other. */
  readonly table: Table | string | ReadonlyArray<Table | string>;
  /** For `-o name`: one per line, each a valid argument of another command. */
  readonly names: readonly string[];
}

interface ResultLine {
  readonly data: unknown;
  readonly text: string;
  readonly name: string;
}

export interface Output {
  readonly format: OutputFormat;
  readonly paint: Paint;
  /** Columns of the terminal that results are printed to; undefined if stdout is not a terminal. */
  readonly width: number | undefined;
  print(result: Result): void;
  /** Prints one result of a streaming command (`--follow`): one line each, JSON as one object per line. */
  printLine(line: ResultLine): void;
  /** Prints a line for the user on stderr, so that it never becomes part of a result. */
  note(text: string): void;
}

export function createOutput(io: CliIo, format: OutputFormat): Output {
  const paint = createPaint(io, io.stdout);
  return {
    format,
    paint,
    width: widthOf(io.stdout),
    print: (result) => void io.stdout.write(renderResult(result, format, paint, widthOf(io.stdout))),
    printLine: (line) => void io.stdout.write(renderLine(line, format)),
    note: (text) => void io.stderr.write(`${printable(text)}\n`),
  };
}

function widthOf(stream: Writable): number | undefined {
  return isTerminal(stream) && 'columns' in stream && typeof stream.columns === 'number' ? stream.columns : undefined;
}

function renderResult(result: Result, format: OutputFormat, paint: Paint, width: number | undefined): string {
  switch (format) {
    case 'json':
      return `${writeExactly(result.data, 2)}\n`;
    case 'yaml':
      return writeYaml(result.data);
    case 'name':
      return result.names.map((name) => `${printable(name)}\n`).join('');
    case 'table': {
      const parts = [result.table].flat();
      return parts.map((part) => (typeof part === 'string' ? `${part}\n` : renderTable(part, paint, width))).join('\n');
    }
  }
}

function renderLine(line: ResultLine, format: OutputFormat): string {
  switch (format) {
    case 'json':
      return `${writeExactly(line.data)}\n`;
    case 'yaml':
      return `---\n${writeYaml(line.data)}`;
    case 'name':
      return `${printable(line.name)}\n`;
    case 'table':
      return `${printable(line.text)}\n`;
  }
}
