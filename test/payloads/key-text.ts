/** A valid payload key, as text; equal numbers make equal keys. */
export function keyText(number: number): string {
  return Buffer.alloc(32, number).toString('base64');
}

/** For keys that are to be read without a complaint. */
export function refuseWarnings(message: string): never {
  throw new Error(message);
}
