/** One line that describes the purpose of a workflow, an activity or a timer. Pure. */
import { jsonBytes } from './json-bytes';

/** Temporal limits these payloads to 400 bytes: JSON, its own metadata, and the framing that encryption adds. */
const MOST_BYTES = 240;
const MOST_CHARACTERS = 200;

export function summaryLine(text: string): string {
  const whole = text.replace(/\s+/g, ' ').trim();
  let line = cut(whole, MOST_CHARACTERS);
  for (let length = line.length - 1; jsonBytes(line) > MOST_BYTES; length -= 1) line = cut(whole, length);
  return line;
}

function cut(text: string, mostCharacters: number): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text;
}
