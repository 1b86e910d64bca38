/**
 * Ownership of what opens asynchronously. The caller that waits for a resource may be gone when it opens at last;
 * without an owner it would stay open unseen, and a listener would take events that nothing handles.
 */

/**
 * Waits until the resource is open, but no longer than the signal allows: then throws the signal's reason, and a
 * resource that opens later is closed at once.
 */
export async function openWhileWanted<Resource>(
  opening: Promise<Resource>,
  signal: AbortSignal,
  close: (resource: Resource) => unknown,
): Promise<Resource> {
  try {
    return await unlessAborted(opening, signal);
  } catch (error) {
    // An error of opening is already on its way to the caller, and one of closing concerns no caller any more.
    opening.then(close).catch(() => undefined);
    throw error;
  }
}

/** Waits for something that others share and that stays open; throws the signal's reason when it aborts. */
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
