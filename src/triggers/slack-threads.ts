/**
 * Remembers the thread of each aggregation key, so that later messages with the same key become replies.
 *
 * Kept in the worker's memory, as Argo Events does: after a restart, or on another worker, a key starts a new thread.
 */
const MAX_THREADS = 10_000;

export class SlackThreads {
  /** Channel and key → timestamp of the first message. */
  private readonly threads = new Map<string, string>();

  threadOf(channel: string, key: string): string | undefined {
    return this.threads.get(threadName(channel, key));
  }

  remember(channel: string, key: string, timestamp: string): void {
    const [oldest] = this.threads.keys();
    if (this.threads.size >= MAX_THREADS && oldest !== undefined) this.threads.delete(oldest);
    this.threads.set(threadName(channel, key), timestamp);
  }
}

function threadName(channel: string, key: string): string {
  return JSON.stringify([channel, key]);
}
