/**
 * Reads the properties of libraries' errors. Never by `instanceof`, which is false for errors of another realm: Node's
 * own ones under Jest, for instance.
 */

/** `code` of an error (`ECONNRESET`, `EAUTH`); empty if it has none. */
export function errorCode(error: unknown): string {
  const code = errorProperty(error, 'code');
  return typeof code === 'string' ? code : '';
}

/** Whether the error, or one of its causes, has one of these names (`TimeoutError`). */
export function hasErrorName(error: unknown, ...names: readonly string[]): boolean {
  for (let link = error; link !== undefined && link !== null; link = errorProperty(link, 'cause')) {
    const name = errorProperty(link, 'name');
    if (typeof name === 'string' && names.includes(name)) return true;
  }
  return false;
}

/** Its message, or its code if the message is empty, as Node leaves it when every address refused. */
export function errorText(error: unknown): string {
  const message = errorProperty(error, 'message');
  if (typeof message === 'string' && message !== '') return message;
  return errorCode(error) || String(error);
}

/** A number that a library attached under this name. */
export function errorNumber(error: unknown, name: string): number | undefined {
  const value = errorProperty(error, name);
  return typeof value === 'number' ? value : undefined;
}

/** Anything else that a library attached. */
export function errorProperty(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
