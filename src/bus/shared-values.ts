/** Small values that several workers change together: a JetStream key-value bucket, changed by compare-and-set. */
import { Kvm, type KV } from '@nats-io/kv';
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError } from '../errors/sluice-error';
import type { BusConnection } from './bus-connection';
import { isStreamMissing } from './stream';

const ATTEMPTS = 50;

/** A value, or where one was deleted. */
interface Entry {
  readonly revision: number;
  readonly text: string | undefined;
}

export interface UpdateOptions {
  /** The bucket that holds a value not moved yet. */
  readonly former?: string;
  /**
   * Begins with what this process wrote last, and reads only if another has written since: half the requests where one
   * process writes.
   */
  readonly optimistic?: boolean;
}

export class SharedValues {
  private readonly stores = new Map<string, Promise<KV>>();
  /** By bucket and key. */
  private readonly written = new Map<string, Entry>();

  constructor(private readonly connection: BusConnection) {}

  /**
   * Replaces the value with the result of `change` and returns it. `change` may run several times; if it returns its
   * argument, nothing is written. Throws BUS_REFUSED after losing too many races.
   */
  async update<Value>(
    bucket: string,
    key: string,
    change: (before: Value | undefined) => Value | undefined,
    { former, optimistic = false }: UpdateOptions = {},
  ): Promise<Value> {
    const store = await this.open(bucket);
    const place = `${bucket} ${key}`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const known = attempt === 0 && optimistic ? this.written.get(place) : undefined;
      const current = known ?? (await readEntry(store, key));
      const moved = current === undefined && former !== undefined ? await this.read<Value>(former, key) : undefined;
      const before = current?.text === undefined ? moved : (JSON.parse(current.text) as Value);
      const after = change(before);
      if (after === undefined || after === before) {
        if (known !== undefined) continue;
        if (before !== undefined) return before;
        throw new Error('a shared value that does not exist was left as it is');
      }
      try {
        const text = JSON.stringify(after);
        // `update` rejects revision 0, which is how the server denotes a key that was never written.
        const revision = await (current === undefined
          ? store.create(key, text)
          : store.update(key, text, current.revision));
        if (optimistic) this.written.set(place, { revision, text });
        return after;
      } catch (error) {
        if (!isRaceLost(error)) throw unreachable(this.connection.settings.name, error);
        if (known === undefined) await delay(Math.random() * 10 * (attempt + 1));
      }
    }
    throw new SluiceError('BUS_REFUSED', {
      message: `too many concurrent changes of value ${key} in bucket ${bucket}`,
      fix: 'Sluice retries',
    });
  }

  /** Returns the current value; undefined if there is none. Creates no bucket. */
  async read<Value>(bucket: string, key: string): Promise<Value | undefined> {
    const store = await new Kvm(this.connection.nats).open(bucket);
    try {
      const entry = await store.get(key);
      return entry !== null && entry.operation === 'PUT' ? entry.json<Value>() : undefined;
    } catch (error) {
      if (isStreamMissing(error)) return undefined;
      throw error;
    }
  }

  async delete(bucket: string, key: string): Promise<void> {
    this.written.delete(`${bucket} ${key}`);
    await (await this.open(bucket)).purge(key);
  }

  /** Creates the bucket if it is missing. */
  async ensure(bucket: string): Promise<void> {
    await this.open(bucket);
  }

  private open(bucket: string): Promise<KV> {
    const known = this.stores.get(bucket);
    if (known !== undefined) return known;
    const opening = new Kvm(this.connection.nats).create(bucket, {
      history: 1,
      // A user who may request direct responses could have them sent to any subject.
      allow_direct: false,
    });
    this.stores.set(bucket, opening);
    opening.catch(() => this.stores.delete(bucket));
    return opening;
  }
}

async function readEntry(store: KV, key: string): Promise<Entry | undefined> {
  const entry = await store.get(key);
  if (entry === null) return undefined;
  return { revision: entry.revision, text: entry.operation === 'PUT' ? entry.string() : undefined };
}

/** "wrong last sequence": another process has written since we read. */
function isRaceLost(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 10071;
}

function unreachable(bus: string, cause: unknown): SluiceError {
  return new SluiceError('BUS_UNREACHABLE', {
    message: `event bus ${bus} did not store a shared value`,
    context: { bus },
    cause,
  });
}
