/** The read position of a source on its way to the bus and back: it is there sooner or later, whatever the bus does. */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import type { SourceContext } from './source';
import { describeSource } from './source-failure';

const READ_AGAIN_MS = 1_000;
const WRITE_EVERY_MS = 1_000;
/** Bytes: NATS accepts messages of up to 1 MB. */
export const MAX_POSITION_BYTES = 700_000;

export class KeptPosition {
  private hasChanged = false;
  private writtenAt = -Infinity;

  constructor(
    private readonly context: SourceContext,
    /** The position as it is to be written; undefined while there is none to resume from. */
    private readonly current: () => JsonObject | undefined,
  ) {}

  get isUnwritten(): boolean {
    return this.hasChanged;
  }

  /** Calls `read` until it succeeds; returns false if the source is stopped before. */
  async load(read: () => Promise<void>, onFailure: (error: unknown) => void): Promise<boolean> {
    const { signal } = this.context;
    while (!signal.aborted) {
      try {
        await read();
        return true;
      } catch (error) {
        onFailure(error);
        await delay(READ_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return false;
  }

  changed(): void {
    this.hasChanged = true;
  }

  /** Writes a changed position, at most once a second unless `atOnce`. One that could not be written is still changed. */
  async write(atOnce = false): Promise<void> {
    const isDue = atOnce || performance.now() - this.writtenAt > WRITE_EVERY_MS;
    const position = this.hasChanged && isDue ? this.current() : undefined;
    if (position === undefined) return;
    this.hasChanged = false;
    this.writtenAt = performance.now();
    try {
      await this.context.position.write(position);
    } catch (error) {
      this.hasChanged = true;
      this.context.log('warn', `${describeSource(this.context)}: cannot write its position: ${describeError(error)}`);
    }
  }

  /** Gives the last write a second. What is not written is found again, and recognised by its id. */
  async close(): Promise<void> {
    await Promise.race([this.write(true), delay(WRITE_EVERY_MS, undefined, { ref: false })]);
  }
}
