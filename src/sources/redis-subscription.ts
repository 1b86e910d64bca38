/** A Redis Pub/Sub subscription that is renewed after each lost connection, and whose reader can pause it. */
import type Redis from 'ioredis';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { redisErrorCode } from '../clients/redis/redis-errors';
import { RedisLink, type RedisLinkOptions } from '../clients/redis/redis-link';
import type { Subscription } from './subscribed-source';

/** A subscriber only listens, so only an unanswered ping reveals a connection that died silently. */
const PING_EVERY_MS = 3_000;
/** Counted in pings, not in time: after a stall of this process, the replies have arrived but are not read yet. */
const UNANSWERED_PINGS = 3;
const SUBSCRIBE_WITHIN_MS = 8_000;
/** Messages that Redis buffered for a paused reader arrive within this time, and then the end of the connection. */
const AFTERMATH_MS = 30_000;

export interface SubscriptionListener {
  message(channel: string, text: string, pattern: string): void;
  /** Redis closed the connection of a reader that was too slow: an unknown number of messages is lost. */
  overrun(): void;
}

export interface SubscribedSubjects {
  readonly channels?: readonly string[];
  readonly patterns?: readonly string[];
}

export class RedisSubscription implements Subscription {
  private readonly link: RedisLink;
  private subscribed: Redis | undefined;
  private isPaused = false;
  private pausedAt = -Infinity;
  private resumedAt = -Infinity;
  private unanswered = 0;

  constructor(
    private readonly subjects: SubscribedSubjects,
    options: RedisLinkOptions,
    private readonly listener: SubscriptionListener,
  ) {
    this.link = new RedisLink({ ...options, isSubscriber: true });
  }

  isSubscribed(): boolean {
    return this.subscribed !== undefined;
  }

  problem(): string | undefined {
    return this.isSubscribed() ? undefined : this.link.problem();
  }

  /** Returns how long the sender has been made to wait, in milliseconds. */
  pausedForMs(): number {
    return this.isPaused ? performance.now() - this.pausedAt : 0;
  }

  /** Runs until the signal aborts. Throws errors that an operator must fix. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let client: Redis | undefined;
      try {
        client = await this.link.client(signal);
        await this.follow(client, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.link.failed(error, client);
      }
    }
  }

  /** Stops taking data from the socket; Redis then keeps up to its `client-output-buffer-limit pubsub`. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.pausedAt = performance.now();
    this.subscribed?.stream.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.resumedAt = performance.now();
    this.unanswered = 0;
    this.subscribed?.stream.resume();
  }

  close(): void {
    this.link.close();
  }

  /** Subscribes, and returns when the connection has ended. */
  private async follow(client: Redis, signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    const receive = (channel: string, text: string, pattern: string): void => {
      this.unanswered = 0;
      this.listener.message(channel, text, pattern);
    };
    client.on('message', (channel: string, text: string) => receive(channel, text, ''));
    client.on('pmessage', (pattern: string, channel: string, text: string) => receive(channel, text, pattern));
    await this.subscribe(client, signal);
    this.subscribed = client;
    this.unanswered = 0;
    if (this.isPaused) client.stream.pause();
    this.link.worked();
    const pinging = setInterval(() => this.ping(client), PING_EVERY_MS).unref();
    try {
      await unlessAborted(ended, signal);
    } finally {
      clearInterval(pinging);
      this.subscribed = undefined;
    }
    if (this.isPaused || performance.now() - this.resumedAt < AFTERMATH_MS) this.listener.overrun();
  }

  private async subscribe(client: Redis, signal: AbortSignal): Promise<void> {
    const late = AbortSignal.timeout(SUBSCRIBE_WITHIN_MS);
    try {
      await unlessAborted(subscribeTo(client, this.subjects), AbortSignal.any([signal, late]));
    } catch (error) {
      throw late.aborted ? new Error(`no reply to SUBSCRIBE within ${SUBSCRIBE_WITHIN_MS / 1_000} s`) : error;
    }
  }

  private ping(client: Redis): void {
    if (this.isPaused) return;
    if (this.unanswered >= UNANSWERED_PINGS) {
      client.stream.destroy(new Error(`no reply to PING within ${(UNANSWERED_PINGS * PING_EVERY_MS) / 1_000} s`));
      return;
    }
    this.unanswered += 1;
    client.ping().then(
      () => (this.unanswered = 0),
      // A refusal is a reply, too: the user may lack the right to PING.
      (error: unknown) => {
        if (redisErrorCode(error) !== '') this.unanswered = 0;
      },
    );
  }
}

export async function subscribeTo(client: Redis, { channels = [], patterns = [] }: SubscribedSubjects): Promise<void> {
  await Promise.all([
    channels.length > 0 && client.subscribe(...channels),
    patterns.length > 0 && client.psubscribe(...patterns),
  ]);
}
