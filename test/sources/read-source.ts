import Redis from 'ioredis';
import type { RunningRedis } from '../../dev/servers';
import type { Delivery, Source, SourceContext, SourceFactory } from '../../src/sources/source';
import { createSource } from '../contract-suites/source-contract';

/** A source that a test reads by itself, without a relay and a bus. */
export interface SourceReading {
  readonly source: Source;
  /** What the source has logged, as `level: line`. */
  readonly lines: readonly string[];
  readonly next: () => Promise<Delivery>;
  readonly stop: () => Promise<void>;
}

export function readSource<Spec>(
  factory: SourceFactory<Spec>,
  spec: Spec,
  overrides: Partial<SourceContext> = {},
  secrets: Readonly<Record<string, string>> = {},
): SourceReading {
  const stop = new AbortController();
  const lines: string[] = [];
  const source = createSource(
    factory,
    { spec, secrets },
    { signal: stop.signal, log: (level, line) => lines.push(`${level}: ${line}`), ...overrides },
  );
  const deliveries = source.deliveries()[Symbol.asyncIterator]();
  return {
    source,
    lines,
    next: async () => {
      const result = await deliveries.next();
      if (result.done) throw new Error('the source ended');
      return result.value;
    },
    stop: async () => {
      stop.abort();
      await deliveries.return?.();
      await source.close();
    },
  };
}

/** Waits out the server's absences, as tests cause them. */
export function connectToRedis(server: Pick<RunningRedis, 'url'>): Redis {
  const client = new Redis(server.url, { maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  return client;
}
