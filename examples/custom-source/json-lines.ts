/** A source of our own: one event for each line of JSON that a program appends to a file, at least once. */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CustomSource, CustomSourceContext, Delivery, ReceivedEvent, RejectedInput, Source } from 'sluice';
import { z } from 'zod';

const options = z.strictObject({ path: z.string().startsWith('/') });
const position = z.object({ file: z.number(), offset: z.number() });
type Place = z.infer<typeof position>;

export const jsonLines: CustomSource<z.infer<typeof options>> = {
  name: 'json-lines',
  options,
  create: ({ path }, context) => new JsonLines(path, context),
};

const LOOK_EVERY_MS = 500;
/** What is read at once; a longer line is rejected. */
const MOST_BYTES = 256 * 1024;
const MOST_LINES = 100;
const NEWLINE = 0x0a;

interface Lines {
  readonly events: readonly ReceivedEvent[];
  readonly rejected: readonly RejectedInput[];
  /** Behind these lines. */
  readonly next: Place;
}

class JsonLines implements Source {
  /** What the bus has, up to here. */
  private place: Place = { file: 0, offset: 0 };
  private isReading = false;
  private problem: string | undefined;

  constructor(
    private readonly path: string,
    private readonly context: CustomSourceContext,
  ) {}

  async check(): Promise<void> {
    try {
      await this.read();
    } catch (cause) {
      throw this.context.failure('unreachable', {
        message: describe(cause),
        fix: 'Mount the file into the worker',
        cause,
      });
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    await this.restore();
    while (!signal.aborted) {
      const lines = await this.look();
      if (lines === undefined) await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      else {
        // The next lines are read when the bus has these, so the position is always that of the oldest open event.
        let settle = (): void => undefined;
        const settled = new Promise<void>((resolve) => (settle = resolve));
        yield this.toDelivery(lines, settle);
        await settled;
      }
    }
    this.isReading = false;
  }

  status() {
    return { connected: this.isReading, dropped: 0, ...(this.problem !== undefined && { problem: this.problem }) };
  }

  async backlog() {
    await this.restore();
    const { events, rejected } = await this.read();
    const entries = events.length + rejected.length;
    return { entries, pending: 0, isAtLeast: entries > 0 };
  }

  async close(): Promise<void> {
    await this.save().catch(() => undefined); // Lines that are read again have the same ids.
  }

  private toDelivery({ events, rejected, next }: Lines, settle: () => void): Delivery {
    return {
      events,
      rejected,
      position: `${next.offset}`,
      acknowledge: async () => {
        this.place = next;
        await this.save().finally(settle);
      },
      release: async () => {
        await delay(LOOK_EVERY_MS, undefined, { signal: this.context.signal }).catch(() => undefined);
        settle();
      },
    };
  }

  /** Returns undefined if there is nothing new. */
  private async look(): Promise<Lines | undefined> {
    try {
      const lines = await this.read();
      this.isReading = true;
      this.problem = undefined;
      return lines.events.length + lines.rejected.length > 0 ? lines : undefined;
    } catch (error) {
      this.isReading = false;
      this.problem = describe(error);
      return undefined;
    }
  }

  private async read(): Promise<Lines> {
    const file = await open(this.path);
    try {
      const { ino, size } = await file.stat();
      // Another file of this name, or one that was emptied, is read from its beginning.
      const offset = ino === this.place.file && size >= this.place.offset ? this.place.offset : 0;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, offset);
      return this.split(buffer.subarray(0, bytesRead), { file: ino, offset });
    } finally {
      await file.close();
    }
  }

  private split(bytes: Buffer, { file, offset }: Place): Lines {
    const events: ReceivedEvent[] = [];
    const rejected: RejectedInput[] = [];
    let from = 0;
    for (let count = 0; count < MOST_LINES; count += 1) {
      const end = bytes.indexOf(NEWLINE, from);
      if (end < 0) break;
      const transportId = `${file}:${offset + from}`;
      const event = this.toEvent(bytes.subarray(from, end), transportId);
      if ('code' in event) rejected.push(event);
      else events.push(event);
      from = end + 1;
    }
    if (from === 0 && bytes.length === MOST_BYTES) {
      const reason = `a line has more than ${MOST_BYTES} bytes; this part of it is left out`;
      rejected.push({ transportId: `${file}:${offset}`, code: 'BUS_EVENT_TOO_LARGE', reason });
      from = bytes.length;
    }
    return { events, rejected, next: { file, offset: offset + from } };
  }

  private toEvent(line: Buffer, transportId: string): ReceivedEvent | RejectedInput {
    const { metadata } = this.context;
    try {
      const body = z.json().parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line)));
      return { transportId, data: { path: this.path, body, ...(metadata && { metadata }) }, document: body };
    } catch {
      return { transportId, code: 'EVENT_UNDECODABLE', reason: 'the line is not JSON' };
    }
  }

  private async restore(): Promise<void> {
    const { signal } = this.context;
    while (!signal.aborted) {
      try {
        const kept = await this.context.position.read();
        if (kept !== undefined) this.place = position.parse(kept);
        return;
      } catch (error) {
        this.problem = `its position cannot be read: ${describe(error)}`;
        await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async save(): Promise<void> {
    if (this.place.file > 0) await this.context.position.write({ ...this.place });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
