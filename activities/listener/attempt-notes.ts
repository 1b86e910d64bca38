/**
 * Notes on the bus which first attempts this worker has begun whose runs Temporal has not accepted yet. Another worker
 * that gets such an event must not make the attempt again: no name makes its repetition harmless.
 * See docs/decisions/221-http-calls-are-noted-first.md.
 */
import type { Bus } from '../../src/bus/bus';
import type { ObjectName } from '../../src/contract/definitions';
import { attemptsKey } from '../../src/bus/bus-names';

const BUCKET = 'positions';
/** A worker that was killed leaves its note. By then, no event is left that it could be about. */
const FORGET_AFTER_MS = 8 * 24 * 3_600_000;
const MOST_WORKERS = 50;
/** Like the attempts that a worker remembers. What another worker took over is never ended here. */
const MOST_FIRES = 10_000;
/** A worker that handles events of the sensor writes its note with each batch. */
const IN_HAND_MS = 5_000;

type NotesBus = Pick<Bus, 'readShared' | 'updateShared'>;

export interface NotedAttempt {
  readonly worker: string;
  /** RFC 3339: when the worker wrote the note last, within seconds of its attempt. */
  readonly at: string;
}

interface WorkerNote extends NotedAttempt {
  readonly fires: readonly string[];
}

/** By process. */
type Notes = Readonly<Record<string, WorkerNote>>;

/** Fires that one process has begun, and since when, by sensor: its listeners share the note. */
export type BegunFires = Map<string, Map<string, string>>;

export interface NotingWorker {
  readonly process: string;
  /** Identity, as Temporal shows it. */
  readonly name: string;
  readonly begun: BegunFires;
}

export class AttemptNotes {
  private readonly key: string;
  private hasWritten = false;
  private readonly begun: Map<string, string>;

  constructor(
    private readonly bus: NotesBus,
    sensor: ObjectName,
    private readonly worker: NotingWorker,
  ) {
    this.key = attemptsKey(sensor.namespace, sensor.name);
    this.begun = worker.begun.get(this.key) ?? new Map<string, string>();
    worker.begun.set(this.key, this.begun);
  }

  /** Resolves once the bus has stored it, to those that another worker had noted. Throws if the bus did not store it. */
  async begin(fireIds: readonly string[]): Promise<ReadonlyMap<string, NotedAttempt>> {
    const at = new Date().toISOString();
    for (const id of fireIds) this.begun.set(id, at);
    for (const [oldest] of this.begun) {
      if (this.begun.size <= MOST_FIRES) break;
      this.begun.delete(oldest);
    }
    try {
      return this.pickForeign(await this.write(), fireIds);
    } catch (error) {
      this.end(fireIds);
      throw error;
    }
  }

  /** The next note omits them. */
  end(fireIds: Iterable<string>): void {
    for (const id of fireIds) this.begun.delete(id);
  }

  /** The note of this process, if it has begun the fire and has not ended it. */
  own(fireId: string): NotedAttempt | undefined {
    const at = this.begun.get(fireId);
    return at === undefined ? undefined : { worker: this.worker.name, at };
  }

  /** Writes the note now, so that other workers may attempt what has ended here. Does nothing if it has written none. */
  async publish(): Promise<void> {
    if (this.hasWritten) await this.write();
  }

  /** Returns those of the fires that another worker has noted. */
  async ofOthers(fireIds: readonly string[]): Promise<ReadonlyMap<string, NotedAttempt>> {
    if (fireIds.length === 0) return new Map();
    return this.pickForeign(await this.bus.readShared<Notes>(BUCKET, this.key), fireIds);
  }

  private write(): Promise<Notes> {
    this.hasWritten = true;
    return this.bus.updateShared<Notes>(BUCKET, this.key, (before) => this.notesAfter(before), { optimistic: true });
  }

  private notesAfter(before: Notes | undefined): Notes | undefined {
    const { process, name } = this.worker;
    const { begun } = this;
    // The sensor was deleted.
    if (before === undefined && begun.size === 0) return undefined;
    const now = Date.now();
    const others = Object.entries(before ?? {})
      .filter(([other, { at }]) => other !== process && now - Date.parse(at) < FORGET_AFTER_MS)
      .sort(([, a], [, b]) => Date.parse(b.at) - Date.parse(a.at))
      .slice(0, MOST_WORKERS);
    const own = { worker: name, at: new Date(now).toISOString(), fires: [...begun.keys()] };
    return { ...Object.fromEntries(others), ...(begun.size > 0 && { [process]: own }) };
  }

  private pickForeign(notes: Notes | undefined, fireIds: readonly string[]): ReadonlyMap<string, NotedAttempt> {
    const wanted = new Set(fireIds);
    const found = new Map<string, NotedAttempt>();
    for (const [process, { worker, at, fires }] of Object.entries(notes ?? {})) {
      if (process === this.worker.process) continue;
      for (const id of fires) if (wanted.has(id)) found.set(id, { worker, at });
    }
    return found;
  }
}

/** True if the worker may still be about to start the run, or to pass on what it made. */
export function isInHand({ at }: NotedAttempt, now: number): boolean {
  return Math.abs(now - Date.parse(at)) < IN_HAND_MS;
}
