/** Annotation `sluice.io/id-from`: reads an event's id from its payload. Pure. */
import { isJsonText, type ObjectDocument } from '../../src/event/json-text';
import { lookUpPlainPath } from '../../src/expressions/fast-paths/plain-path';

/** Undefined if the payload has no text or number there: the event gets the derived id. */
export function readEventId(payload: ObjectDocument, path: string): string | undefined {
  const found = lookUpPlainPath(payload, path);
  if (found?.exists !== true) return undefined;
  const { value } = found;
  if (isJsonText(value)) return readNumber(value.text);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Returns the digits of a whole number; any other as JavaScript writes it, because ids of that form exist already. */
function readNumber(text: string): string | undefined {
  if (!/^[-0-9]/.test(text)) return undefined;
  return /^-?[0-9]+$/.test(text) ? text : String(Number(text));
}
