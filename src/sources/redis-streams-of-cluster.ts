/**
 * Several streams in one event. On one server they are read together; the nodes of a Redis Cluster have some of them each,
 * so there every stream gets a reader of its own.
 */
import type { JsonObject } from '../event/json';
import type { RedisStreamEventSource } from '../manifest/sources/redis';
import { mergedDeliveries } from './merged-deliveries';
import type { Delivery, Source, SourceBacklog, SourceContext, SourceStatus } from './source';
import { describeSource } from './source-failure';

/** Thrown by a reader whose streams are not all on the server that it reads. */
export class OnSeveralNodes extends Error {}

interface StreamReader extends Source {
  marks(): JsonObject;
  backlog(signal: AbortSignal): Promise<SourceBacklog>;
}

export class RedisStreamsSource implements Source {
  private readers: readonly StreamReader[];
  private isReading = false;

  constructor(
    private readonly spec: RedisStreamEventSource,
    private readonly context: SourceContext,
    private readonly createReader: (spec: RedisStreamEventSource) => StreamReader,
  ) {
    this.readers = [createReader(spec)];
  }

  async check(): Promise<void> {
    for (const reader of this.readers) await reader.check();
  }

  status(): SourceStatus {
    const statuses = this.readers.map((reader) => reader.status());
    const problem = statuses.find((status) => status.problem !== undefined)?.problem;
    return {
      connected: statuses.every(({ connected }) => connected),
      dropped: 0,
      ...(problem !== undefined && { problem }),
    };
  }

  marks(): JsonObject {
    return Object.assign({}, ...this.readers.map((reader) => reader.marks())) as JsonObject;
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    const count = (): Promise<SourceBacklog[]> => Promise.all(this.readers.map((reader) => reader.backlog(signal)));
    const counts = await this.splitting(count);
    return counts.reduce((sum, part) => {
      const isAtLeast = sum.isAtLeast === true || part.isAtLeast === true;
      const [entries, pending] = [sum.entries + part.entries, sum.pending + part.pending];
      return { entries, pending, ...(isAtLeast && { isAtLeast }) };
    });
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    this.isReading = true;
    while (!signal.aborted) {
      const { readers } = this;
      try {
        const all = readers.map((reader) => reader.deliveries());
        const [only, ...others] = all;
        yield* only !== undefined && others.length === 0 ? only : mergedDeliveries(all);
        return;
      } catch (error) {
        if (!(error instanceof OnSeveralNodes)) throw error;
        this.split(readers);
        await closeAll(readers);
      }
    }
  }

  async close(): Promise<void> {
    await closeAll(this.readers);
  }

  private async splitting<Result>(work: () => Promise<Result>): Promise<Result> {
    const { readers } = this;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof OnSeveralNodes)) throw error;
      this.split(readers);
      // Otherwise it is about to notice, too.
      if (!this.isReading) await closeAll(readers);
      return await work();
    }
  }

  /** Called by whoever notices first. */
  private split(readers: readonly StreamReader[]): void {
    if (this.readers !== readers) return;
    const { streams } = this.spec;
    this.context.log('info', `${describeSource(this.context)}: a Redis Cluster: reads ${streams.length} streams apart`);
    this.readers = streams.map((stream) => this.createReader({ ...this.spec, streams: [stream] }));
  }
}

async function closeAll(readers: readonly StreamReader[]): Promise<void> {
  await Promise.all(readers.map((reader) => reader.close()));
}
