/** Time limits for libraries that have none of their own. */

/** Resolves with the result of `work`, or throws a TimeoutError once the time is over; `work` is not stopped. */
export async function withinTime<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let expire: (() => void) | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    expire = () =>
      reject(Object.assign(new Error(`no answer within ${timeoutMs / 1_000} s`), { name: 'TimeoutError' }));
    timeout.addEventListener('abort', expire, { once: true });
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    if (expire) timeout.removeEventListener('abort', expire);
  }
}
