/** Small values that several workers change together: a JetStream key-value bucket, changed by compare-and-set. */
import { Kvm, type KV } from '@nats-io/kv';
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError } from '../errors/sluice-error';
import type { BusConnection } from './bus-connection';
import { isStreamMissing } from './stream';

const ATTEMPTS = 50;

export class SharedValues {
  private readonly stores = new Map<string, Promise<KV>>();

  constructor(private readonly connection: BusConnection) {}

  /**
   * Replaces the value with the result of `change` and returns it. `change` may run several times; if it returns its
   * argument, nothing is written. `former`: the bucket that holds a value not moved yet. Throws BUS_REFUSED after
   * losing too many races.
   */
  async update<Value>(
    bucket: string,
    key: string,
    change: (before: Value | undefined) => Value | undefined,
    former?: string,
  ): Promise<Value> {
    const store = await this.open(bucket);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const entry = await store.get(key);
      const isThere = entry !== null && entry.operation === 'PUT';
      const moved = entry === null && former !== undefined ? await this.read<Value>(former, key) : undefined;
      const before = isThere ? entry.json<Value>() : moved;
      const after = change(before);
      if (after === undefined || after === before) {
        if (before !== undefined) return before;
        throw new Error('a shared value that does not exist was left as it is');
      }
      try {
        const text = JSON.stringify(after);
        // `update` rejects revision 0, which is how the server denotes a key that was never written.
        await (entry === null ? store.create(key, text) : store.update(key, text, entry.revision));
        return after;
      } catch (error) {
        if (!isRaceLost(error)) throw unreachable(this.connection.settings.name, error);
        await delay(Math.random() * 10 * (attempt + 1));
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
