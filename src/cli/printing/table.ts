/** Tables for display: aligned columns, no borders, one line per row unless a terminal is too narrow for it. */
import { printable, type Paint, type Tone } from './style';
import { breakLines } from './wrap';

interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<ReadonlyArray<string | Cell>>;
  /** Shown instead when there are no rows. */
  readonly empty?: string;
}

const GAP = '   ';

/** Narrower columns would be harder to read than lines that the terminal breaks. */
const LEAST_WIDTH = 16;

/** `width`: of the terminal; undefined: no terminal, and rows are as long as necessary. */
export function renderTable(table: Table, paint: Paint, width?: number): string {
  if (table.rows.length === 0 && table.empty !== undefined) return `${table.empty}\n`;
  const header = table.columns.map((title): Cell => ({ text: title.toUpperCase(), tone: 'quiet' }));
  const rows = [header, ...table.rows.map((row) => row.map(toCell))];
  const longest = (measure: (text: string) => number): number[] =>
    table.columns.map((_, column) => Math.max(...rows.map((row) => measure(row[column]?.text ?? ''))));
  const natural = longest((text) => text.length);
  const room = width === undefined ? Infinity : width - GAP.length * (natural.length - 1);
  const wanted = narrow(natural, longest(lengthOfLongestWord), room);
  const lines = rows.flatMap((row) => breakRow(row, wanted));
  const widths = wanted.map((_, column) => Math.max(...lines.map((line) => (line[column]?.text ?? '').length)));
  return lines
    .map((line) => {
      const last = line.findLastIndex((cell) => cell.text !== '');
      return line
        .slice(0, last + 1)
        .map(
          (cell, column) =>
            paint(cell.tone, cell.text) + (column === last ? '' : ' '.repeat((widths[column] ?? 0) - cell.text.length)),
        )
        .join(GAP);
    })
    .map((line) => `${line}\n`)
    .join('');
}

/** Reduces the widest columns whose words allow it, until the row fits. */
function narrow(natural: readonly number[], least: readonly number[], room: number): readonly number[] {
  const widths = [...natural];
  for (let excess = widths.reduce((sum, width) => sum + width, -room); excess > 0; excess -= 1) {
    const spare = widths.map((width, column) => (width > Math.max(LEAST_WIDTH, least[column] ?? 0) ? width : 0));
    const widest = Math.max(...spare);
    if (widest === 0) break;
    widths[spare.indexOf(widest)] = widest - 1;
  }
  return widths;
}

/** Breaks rows between words: an id that is longer than its column stays whole, so that it can be copied. */
function breakRow(row: readonly Cell[], widths: readonly number[]): readonly Cell[][] {
  const cells = row.map(({ text }, column) => breakLines(text, widths[column] ?? text.length));
  return Array.from({ length: Math.max(1, ...cells.map((lines) => lines.length)) }, (_, line) =>
    row.map((cell, column) => ({ ...cell, text: cells[column]?.[line] ?? '' })),
  );
}

function lengthOfLongestWord(text: string): number {
  return Math.max(...text.split(' ').map((word) => word.length));
}

function toCell(value: string | Cell): Cell {
  const cell = typeof value === 'string' ? { text: value } : value;
  return { ...cell, text: printable(cell.text).replace(/\s*\n\s*/g, ' ') };
}
