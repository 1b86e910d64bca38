/** JSON as TypeScript sees it after parsing. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** True for what has named fields: not for lists, not for null. Says nothing of the fields' own values. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `JSON.parse` with the type of what it answers. Throws SyntaxError. */
export function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}

/** What is left of a value when it is written as JSON: a deep copy, nothing of it undefined. */
export function toJson(value: unknown): JsonValue {
  return parseJson(JSON.stringify(value ?? null));
}
