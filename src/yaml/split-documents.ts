/** Splits a file into YAML documents by lines, as kubectl does, so that a mistake in one leaves the others readable. */

export interface DocumentText {
  readonly text: string;
  /** Line of the file on which the text begins, counted from 1. */
  readonly line: number;
}

const DOCUMENT_START = /^---(?=\s|$)/;
const DOCUMENT_END = /^\.\.\.(?=\s|$)/;
const DIRECTIVE = /^%[A-Z]+\s/;

export function splitDocuments(file: string): DocumentText[] {
  const documents: DocumentText[] = [];
  let lines: string[] = [];
  let firstLine = 1;
  const close = (next: number) => {
    if (lines.some((line) => line.trim() !== '')) documents.push({ text: lines.join('\n'), line: firstLine });
    lines = [];
    firstLine = next;
  };
  // A line may end with a carriage return alone.
  file
    .replace(/\r(?!\n)/g, '\n')
    .split('\n')
    .forEach((written, index) => {
      const line = written.startsWith('\uFEFF') ? written.slice(1) : written;
      if (DOCUMENT_START.test(line)) {
        // Directives belong to the next document. They have no effect on a Kubernetes object.
        lines = lines.map((former) => (DIRECTIVE.test(former) ? '' : former));
        close(index + 1);
      }
      if (DOCUMENT_END.test(line)) close(index + 2);
      else lines.push(line);
    });
  close(0);
  return documents;
}
