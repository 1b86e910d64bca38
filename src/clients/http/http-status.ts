/** What an HTTP status means for a fire: success, a transient failure or a permanent one. */

/** Returns true if the server is alive but cannot respond now: 408, 425, 429 and every 5xx except "not implemented". */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501);
}
