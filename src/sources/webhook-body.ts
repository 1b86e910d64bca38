/**
 * Reads request bodies, bounded in time, number and bytes, so that slow callers cannot shut out the others.
 *
 * If there are too many, the one that has been read for the longest is refused: quick callers finish long before.
 */
import type { IncomingMessage } from 'node:http';

/** A body must arrive within this time … */
export const BODY_SECONDS = 10;
/** … or, where `maxPayloadSize` allows large ones, at this rate. */
export const BODY_BYTES_PER_SECOND = 100_000;
const MAX_BODIES = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;
const CHECK_EVERY_MS = 500;

export type BodyRefusal = 'tooLarge' | 'tooSlow' | 'evicted' | 'stopping';

export class BodyRefused extends Error {
  constructor(readonly refusal: BodyRefusal) {
    super(refusal);
  }
}

interface Reading {
  readonly startedAt: number;
  bytes: number;
  readonly end: (refusal: BodyRefusal) => void;
}

export class BodyReader {
  /** Oldest first. */
  private readonly readings = new Set<Reading>();
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly maxBytesInAll: number;

  constructor(private readonly maxBytes: number) {
    // Capacity for several of the largest allowed bodies.
    this.maxBytesInAll = Math.max(MAX_BYTES, 4 * maxBytes);
  }

  /** Throws BodyRefused, and any other error if the caller hung up. */
  async read(request: IncomingMessage): Promise<Buffer> {
    if (Number(request.headers['content-length'] ?? 0) > this.maxBytes) throw new BodyRefused('tooLarge');
    return await new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      const settle = (act: () => void): void => {
        if (!this.readings.delete(reading)) return;
        this.bytes -= reading.bytes;
        request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
        // Errors of an abandoned connection do not matter, but must not be unhandled.
        request.on('error', () => undefined);
        act();
      };
      const reading: Reading = {
        startedAt: performance.now(),
        bytes: 0,
        end: (refusal) => settle(() => reject(new BodyRefused(refusal))),
      };
      const onData = (part: Buffer): void => {
        parts.push(part);
        reading.bytes += part.length;
        this.bytes += part.length;
        if (reading.bytes > this.maxBytes) reading.end('tooLarge');
        else this.makeRoom();
      };
      const onEnd = (): void => settle(() => resolve(Buffer.concat(parts)));
      const onClose = (): void => settle(() => reject(new Error('the caller hung up')));
      this.readings.add(reading);
      request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
      this.makeRoom();
      this.timer ??= setInterval(() => this.endSlow(), CHECK_EVERY_MS).unref();
    });
  }

  /** Refuses the bodies that are still being read. */
  stop(): void {
    for (const reading of this.readings) reading.end('stopping');
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private makeRoom(): void {
    while (this.readings.size > MAX_BODIES || this.bytes > this.maxBytesInAll) {
      const [oldest] = this.readings;
      if (oldest === undefined) return;
      oldest.end('evicted');
    }
  }

  private endSlow(): void {
    for (const reading of this.readings) {
      const allowedSeconds = BODY_SECONDS + reading.bytes / BODY_BYTES_PER_SECOND;
      if (performance.now() - reading.startedAt > allowedSeconds * 1_000) reading.end('tooSlow');
    }
    if (this.readings.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
