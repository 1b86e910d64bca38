/** Publishes announcements to a Redis channel or stream. */
import { Redis } from 'ioredis';
import { SluiceError } from '../errors/sluice-error';
import { channelMessage, streamFields, type PublicationForm } from './publication';
import type { StacItem } from './stac-item';

export type RedisTarget =
  { readonly kind: 'channel'; readonly name: string } | { readonly kind: 'stream'; readonly name: string };

export interface RedisPublisherOptions {
  /** `redis://[user[:password]@]host:port[/db]`, or `rediss://` for TLS. */
  readonly url: string;
  readonly target: RedisTarget;
  readonly form: PublicationForm;
  readonly producer: string;
}

export interface PublishedItem {
  readonly item: StacItem;
  /** Stream: id of the new entry. */
  readonly entryId?: string;
  /** Channel: number of subscribers that the message reached. */
  readonly receivers?: number;
}

export interface Publication {
  readonly published: readonly PublishedItem[];
  /** Number sent without a response: Redis may or may not have them. */
  readonly uncertain: number;
  /** The error of the first item that was not published. */
  readonly error?: SluiceError;
}

export interface RedisPublisher {
  publish(items: readonly StacItem[]): Promise<Publication>;
  close(): void;
}

/** Connects immediately. Throws EVENT_SOURCE_UNREACHABLE, or EVENT_SOURCE_MISCONFIGURED for an invalid address. */
export async function createRedisPublisher(options: RedisPublisherOptions): Promise<RedisPublisher> {
  const address = redisAddress(options.url);
  // The disconnect timer keeps running after a refused connection and would keep the process waiting.
  const redis = new Redis(options.url, {
    disconnectTimeout: 100,
    lazyConnect: true,
    connectTimeout: 5_000,
    maxRetriesPerRequest: 3,
  });
  let lastError: Error | undefined;
  redis.on('error', (error: Error) => (lastError = error));
  const unreachable = (error: unknown): SluiceError =>
    new SluiceError('EVENT_SOURCE_UNREACHABLE', {
      message: `Redis at ${address} cannot be used`,
      fix: 'Check --redis, and that the server is up',
      cause: lastError ?? error,
    });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw unreachable(error);
  }
  const { target, form, producer } = options;
  return {
    async publish(items) {
      const pipeline = redis.pipeline();
      for (const item of items) {
        if (target.kind === 'stream')
          pipeline.xadd(target.name, '*', ...Object.entries(streamFields(item, form, producer)).flat());
        else pipeline.publish(target.name, channelMessage(item, form, producer));
      }
      let answers: Awaited<ReturnType<typeof pipeline.exec>>;
      try {
        answers = await pipeline.exec();
      } catch (error) {
        return { published: [], uncertain: items.length, error: unreachable(error) };
      }
      const published: PublishedItem[] = [];
      const refusals: Error[] = [];
      const losses: Error[] = [];
      items.forEach((item, index) => {
        const [error, value] = answers?.[index] ?? [new Error('no response')];
        if (!error) published.push({ item, ...toResult(target, value) });
        else if (error.name === 'ReplyError') refusals.push(error);
        else losses.push(error);
      });
      const [refusal] = refusals;
      const error = refusal
        ? refused(address, target, refusal)
        : losses.length > 0
          ? unreachable(losses[0])
          : undefined;
      return { published, uncertain: losses.length, ...(error && { error }) };
    },
    close: () => redis.disconnect(),
  };
}

function toResult({ kind }: RedisTarget, value: unknown): Omit<PublishedItem, 'item'> {
  return kind === 'stream' ? { entryId: String(value) } : { receivers: Number(value) };
}

/** Returns the address without user and password, for messages and the state file. */
export function redisAddress(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !['redis:', 'rediss:'].includes(parsed.protocol) || parsed.hostname === '') {
    throw new SluiceError('USAGE', {
      message: '--redis: the address is not a Redis URL',
      fix: 'Write redis://[user:password@]host:port[/db], or rediss:// for TLS',
    });
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`;
}

function refused(address: string, target: RedisTarget, cause: Error): SluiceError {
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `Redis at ${address} refused the ${target.kind} "${target.name}"`,
    fix: target.kind === 'stream' ? 'A key of that name must be a stream; the user must be allowed to XADD' : undefined,
    cause,
  });
}
