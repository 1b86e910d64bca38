/** Tables for people: aligned columns, one line per row, no borders. */
import { printable, type Paint, type Tone } from './style';

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

export function renderTable(table: Table, paint: Paint): string {
  if (table.rows.length === 0 && table.empty !== undefined) return `${table.empty}\n`;
  const header = table.columns.map((title): Cell => ({ text: title.toUpperCase(), tone: 'quiet' }));
  const lines = [header, ...table.rows.map((row) => row.map(toCell))];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => (line[column]?.text ?? '').length)));
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

function toCell(value: string | Cell): Cell {
  const cell = typeof value === 'string' ? { text: value } : value;
  return { ...cell, text: printable(cell.text).replace(/\s*\n\s*/g, ' ') };
}
