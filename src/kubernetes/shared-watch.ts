/**
 * One watch of a collection for many followers, each of which takes the objects with one value of a label. The API
 * server compares every change with every open watch, so a watch for each follower would cost it a thousand comparisons
 * a change, and this process a thousand connections.
 *
 * The watch begins at the oldest version that a follower has not seen, and goes back to it for one that joins later.
 * Each follower gets only what is newer than what it has seen, so going back repeats nothing.
 */
import type { KubernetesClient } from './client';
import { listAndWatch, type WatchEvent, type WatchOptions } from './watch';

export interface FollowOptions {
  /** Path of the collection. */
  readonly path: string;
  /** Value of the label. */
  readonly value: string;
  /** Resume here instead of listing. */
  readonly resourceVersion?: string;
  readonly signal: AbortSignal;
  readonly onInterrupted?: WatchOptions['onInterrupted'];
}

export class SharedWatches {
  private readonly byPath = new Map<string, SharedWatch>();

  constructor(
    private readonly client: KubernetesClient,
    private readonly label: string,
  ) {}

  /** Yields and throws what `listAndWatch` does with a selector for this value. */
  async *follow({ value, ...options }: FollowOptions): AsyncGenerator<WatchEvent> {
    const own = { ...options, labelSelector: `${this.label}=${value}` };
    let version = options.resourceVersion;
    if (version === undefined) {
      for await (const event of listAndWatch(this.client, own)) {
        if (event.type === 'SYNCED') version = event.resourceVersion;
        yield event;
        if (version !== undefined) break;
      }
    }
    if (version === undefined || options.signal.aborted) return;
    // An API server may use versions that cannot be compared.
    if (!isOrdered(version)) yield* listAndWatch(this.client, { ...own, resourceVersion: version });
    else yield* this.join(options.path, new Follower(value, BigInt(version), options));
  }

  private async *join(path: string, follower: Follower): AsyncGenerator<WatchEvent> {
    let watch = this.byPath.get(path);
    if (watch === undefined) {
      const opened = new SharedWatch(this.client, path, this.label, () => {
        if (this.byPath.get(path) === opened) this.byPath.delete(path);
      });
      watch = opened;
      this.byPath.set(path, watch);
    }
    watch.add(follower);
    try {
      yield* follower.events();
    } finally {
      watch.remove(follower);
    }
  }
}

class SharedWatch {
  private readonly followers = new Map<string, Set<Follower>>();
  /** Everything up to here was delivered; undefined until the first follower joins. */
  private seen: bigint | undefined;
  /** Followers that the list in progress is for. */
  private listing: ReadonlySet<Follower> | undefined;
  private current = new AbortController();
  private isOver = false;

  constructor(
    private readonly client: KubernetesClient,
    private readonly path: string,
    private readonly label: string,
    private readonly onOver: () => void,
  ) {}

  add(follower: Follower): void {
    const others = this.followers.get(follower.value);
    if (others === undefined) this.followers.set(follower.value, new Set([follower]));
    else others.add(follower);
    if (this.seen === undefined) {
      this.seen = follower.after;
      void this.run();
    } else this.goBackTo(follower.after);
  }

  remove(follower: Follower): void {
    const others = this.followers.get(follower.value);
    others?.delete(follower);
    if (others?.size === 0) this.followers.delete(follower.value);
    if (this.followers.size === 0) this.end();
  }

  private goBackTo(version: bigint): void {
    // After a list it is compared again: versions in between are not known.
    if (this.seen === undefined || version >= this.seen || this.listing !== undefined) return;
    this.seen = version;
    this.current.abort();
  }

  private end(): void {
    this.isOver = true;
    this.onOver();
    this.current.abort();
  }

  private async run(): Promise<void> {
    try {
      while (!this.isOver) {
        this.current = new AbortController();
        const { signal } = this.current;
        const options = { path: this.path, labelSelector: this.label, resourceVersion: String(this.seen), signal };
        const events = listAndWatch(this.client, {
          ...options,
          onInterrupted: (error) => this.anyFollower()?.interrupted(error),
        });
        for await (const event of events) {
          // What was under way when the watch was sent back comes again.
          if (signal.aborted) break;
          await this.deliver(event);
        }
        this.listing = undefined;
      }
    } catch (error) {
      for (const follower of this.all()) follower.fail(error);
      this.end();
    }
  }

  private async deliver(event: WatchEvent): Promise<void> {
    switch (event.type) {
      case 'LISTED': {
        const listing = (this.listing ??= new Set(this.all()));
        for (const follower of this.of(event)) if (listing.has(follower)) await follower.push(event);
        return;
      }
      case 'SYNCED': {
        const listing = this.listing ?? new Set(this.all());
        const version = BigInt(event.resourceVersion);
        for (const follower of listing) await follower.push(event, version);
        this.listing = undefined;
        this.seen = version;
        for (const { after } of this.all()) this.goBackTo(after);
        return;
      }
      case 'BOOKMARK': {
        const version = BigInt(event.resourceVersion);
        this.seen = version;
        for (const follower of this.all()) if (follower.after < version) await follower.push(event, version);
        return;
      }
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED': {
        const version = BigInt(event.object.metadata.resourceVersion ?? '0');
        this.seen = version;
        for (const follower of this.of(event)) if (follower.after < version) await follower.push(event, version);
      }
    }
  }

  private of({ object }: Extract<WatchEvent, { object: object }>): readonly Follower[] {
    return [...(this.followers.get(object.metadata.labels?.[this.label] ?? '') ?? [])];
  }

  private all(): readonly Follower[] {
    return [...this.followers.values()].flatMap((some) => [...some]);
  }

  private anyFollower(): Follower | undefined {
    return this.all()[0];
  }
}

/** Events that the follower has not taken yet. Beyond them the watch waits: Workflows may be a megabyte each. */
const MOST_WAITING = 100;

class Follower {
  private readonly waiting: WatchEvent[] = [];
  private failure: { readonly error: unknown } | undefined;
  private isGone = false;
  private wakeReader: () => void = () => undefined;
  private wakeWriter: () => void = () => undefined;

  /** @param after version up to which everything was seen */
  constructor(
    readonly value: string,
    public after: bigint,
    private readonly options: Pick<FollowOptions, 'signal' | 'onInterrupted'>,
  ) {}

  async push(event: WatchEvent, version = this.after): Promise<void> {
    if (this.isGone) return;
    // One that joined during a list may have seen more than the list shows.
    if (version > this.after) this.after = version;
    this.waiting.push(event);
    this.wakeReader();
    while (this.waiting.length >= MOST_WAITING && !this.isGone) {
      await new Promise<void>((resolve) => (this.wakeWriter = resolve));
    }
  }

  fail(error: unknown): void {
    this.failure = { error };
    this.wakeReader();
  }

  interrupted: NonNullable<WatchOptions['onInterrupted']> = (error) => this.options.onInterrupted?.(error);

  async *events(): AsyncGenerator<WatchEvent> {
    const { signal } = this.options;
    const onAbort = (): void => this.wakeReader();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const event = this.waiting.shift();
        if (event !== undefined) {
          this.wakeWriter();
          yield event;
        } else if (this.failure !== undefined) throw this.failure.error;
        else await new Promise<void>((resolve) => (this.wakeReader = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.isGone = true;
      this.wakeWriter();
    }
  }
}

function isOrdered(version: string): boolean {
  return /^\d+$/.test(version);
}
