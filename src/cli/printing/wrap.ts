/** Breaks long lines between words. Pure. */

/** Indents further lines. `width` undefined: no terminal, one line. */
export function wrap(text: string, width: number | undefined, indent: number): string {
  if (width === undefined) return text;
  return breakLines(text, width, width - indent).join(`\n${' '.repeat(indent)}`);
}

/** A word that is longer than a line stays whole. `rest`: width of all lines but the first. */
export function breakLines(text: string, width: number, rest = width): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const room = lines.length === 0 ? width : rest;
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
