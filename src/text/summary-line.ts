/** One line that says what a workflow, an activity or a timer is for. Pure. */
import { jsonBytes } from './json-bytes';

/** Temporal takes payloads of 400 bytes: of JSON, its own metadata, and the form and the names around what is encrypted. */
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
