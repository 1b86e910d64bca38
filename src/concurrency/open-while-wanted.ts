/**
 * Ownership of resources that open asynchronously. The caller that waits for a resource may be gone when it finally
 * opens; without an owner it would stay open unseen, and a listener would take events that nothing handles.
 */

/**
 * Waits until the resource is open or the signal aborts: then throws the signal's reason, and closes the resource if it
 * opens later.
 */
export async function openWhileWanted<Resource>(
  opening: Promise<Resource>,
  signal: AbortSignal,
  close: (resource: Resource) => unknown,
): Promise<Resource> {
  try {
    return await unlessAborted(opening, signal);
  } catch (error) {
    // The caller already gets an error of opening, and no longer needs one of closing.
    opening.then(close).catch(() => undefined);
    throw error;
  }
}

/** Waits for a shared resource that stays open; throws the signal's reason when it aborts. */
export async function unlessAborted<Value>(waiting: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller chose what to abort with
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, waiting]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
