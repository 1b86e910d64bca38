/** Stores the position of a source that has to keep it itself, on the bus that its events are published to. */
import type { Bus } from '../../src/bus/bus';
import type { JsonObject } from '../../src/event/json';
import { shortHash } from '../../src/event/short-id';
import type { PositionStore } from '../../src/sources/source';

const BUCKET = 'positions';
const HASH_LENGTH = 16;

export interface PositionOwner {
  readonly eventSourceName: string;
  readonly eventName: string;
}

type SharedValues = Pick<Bus, 'readShared' | 'updateShared'>;

/** @param use runs its argument with the open bus */
export function createPositionStore(
  { eventSourceName, eventName }: PositionOwner,
  use: <Result>(work: (bus: SharedValues) => Promise<Result>) => Promise<Result>,
): PositionStore {
  // Hashed: event names may contain characters that are invalid in keys of the bucket.
  const key = `source.${shortHash(JSON.stringify([eventSourceName, eventName]), HASH_LENGTH)}`;
  return {
    read: () => use((bus) => bus.readShared<JsonObject>(BUCKET, key)),
    write: async (position) => {
      await use((bus) => bus.updateShared(BUCKET, key, () => position));
    },
  };
}
