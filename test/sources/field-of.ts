/** A field of what a source received. */
import { isJsonText, memberOf, type JsonDocument } from '../../src/event/json-text';
import { isJsonObject } from '../../src/event/json';

export function fieldOf(data: JsonDocument, name: string): JsonDocument | undefined {
  if (isJsonText(data)) return memberOf(data, name);
  return isJsonObject(data) ? data[name] : undefined;
}
