/**
 * Event source `file`: changes of the files in one directory, at least once.
 *
 * Scans the directory and compares it with the acknowledged state, which is kept on the bus. This also finds changes
 * made while no worker watches, and changes whose event did not reach the bus. A notification from the operating system
 * only makes the next scan come sooner.
 */
import { watch, type BigIntStats, type FSWatcher } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { errorCode } from '../errors/foreign-errors';
import { describeError, isSluiceError, type SluiceError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import type { EventOptions } from '../manifest/event-source';
import { divideReceived } from './divide-received';
import { KeptPosition, MAX_POSITION_BYTES } from './kept-position';
import type { Delivery, ReceivedEvent, RejectedInput, Source, SourceBacklog, SourceContext, SourceOf } from './source';
import { describeSource, sourceFailure } from './source-failure';
import { DirectoryWithheld, resolveWatchedDirectory } from './watched-directory';

export const fileSource: SourceOf<'file'> = {
  kind: 'file',
  guarantee: 'at least once',
  create: (spec, context) => new FileSource(spec, context),
};

type FileOptions = EventOptions<'file'>;

/** The numbers that Argo Events uses in its events. */
const OPERATIONS = { CREATE: 1, WRITE: 2, REMOVE: 4, RENAME: 8, CHMOD: 16 } as const;
type Operation = keyof typeof OPERATIONS;

const SCAN_EVERY_MS = 2_000;
const POLL_EVERY_MS = 500;
/** A burst of notifications triggers one scan. */
const SETTLE_MS = 50;
const MAX_PER_DELIVERY = 100;
/** Clients of the bus can write positions, and what was compressed to 700 kB may be a thousand times larger. */
const MAX_UNPACKED_POSITION_BYTES = 16 * 1024 * 1024;

/** File name → the part of its state that the wanted operation depends on. */
type Snapshot = Map<string, string>;

interface Directory {
  /** The files that the options select. */
  readonly files: Snapshot;
  /** The inodes of all files: a file that has disappeared under its name may have been renamed. */
  readonly inodes: ReadonlySet<string>;
}

interface Change {
  readonly name: string;
  /** Undefined: the file no longer exists. */
  readonly token: string | undefined;
  /** Undefined: a change of another kind, which is remembered but produces no event. */
  readonly id?: string;
  /** The name is not text, so no event can carry it. */
  readonly isUnreadable?: boolean;
}

class FileSource implements Source {
  private readonly operation: Operation | undefined;
  private readonly position: KeptPosition;
  /** Whether the pattern matches the names of the last scan. */
  private matches = new Map<string, boolean>();
  /** The state that the bus has; `seen` also includes changes in flight. */
  private acknowledged: Snapshot = new Map();
  private seen: Snapshot = new Map();
  private isReading = false;
  private problem: string | undefined;
  private watcher: FSWatcher | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly spec: FileOptions,
    private readonly context: SourceContext,
  ) {
    this.operation = isOperation(spec.eventType) ? spec.eventType : undefined;
    this.position = new KeptPosition(context, () => this.currentPosition());
  }

  async check(): Promise<void> {
    await this.requireSound();
    try {
      await this.scan();
    } catch (cause) {
      if (cause instanceof DirectoryWithheld) throw this.misconfigured(this.explain(cause), 'Watch another directory');
      throw sourceFailure(this.context, 'unreachable', {
        message: this.explain(cause),
        fix: 'Mount the directory into the worker, readable for its user',
        cause,
      });
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    await this.requireSound();
    const isLoaded = await this.position.load(
      () => this.load(),
      (error) => this.note(`its position cannot be read: ${this.explain(error)}`),
    );
    if (!isLoaded) return;
    const onAbort = (): void => this.wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const changes = await this.findChanges();
        for (const change of changes) this.remember(this.seen, change);
        const events = changes.filter(({ id }) => id !== undefined);
        this.settle(changes.filter(({ id }) => id === undefined));
        for (let from = 0; from < events.length; from += MAX_PER_DELIVERY) {
          yield this.toDelivery(events.slice(from, from + MAX_PER_DELIVERY));
        }
        await this.position.write();
        await this.pause(signal);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.isReading = false;
    }
  }

  status() {
    const { problem } = this;
    return { connected: this.isReading, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  async backlog(): Promise<SourceBacklog> {
    await this.check();
    const before = this.isReading ? this.acknowledged : await this.formerPosition();
    const waiting = this.compare(before ?? new Map<string, string>(), await this.scan());
    const entries = waiting.filter(({ id }) => id !== undefined).length;
    return { entries: before === undefined && this.startsWithNew() ? 0 : entries, pending: 0 };
  }

  async close(): Promise<void> {
    this.watcher?.close();
    this.watcher = undefined;
    await this.position.close();
  }

  /** Throws for problems that waiting does not fix. */
  private async requireSound(): Promise<void> {
    const { directory, pathRegexp } = this.spec.watchPathConfig;
    if (this.operation === undefined) {
      const fix = `Write one of ${Object.keys(OPERATIONS).join(', ')}`;
      throw this.misconfigured(`unknown eventType ${JSON.stringify(this.spec.eventType)}`, fix);
    }
    if (!isAbsolute(directory)) {
      throw this.misconfigured(`directory is ${JSON.stringify(directory)}`, 'Write an absolute path');
    }
    if (!pathRegexp) return;
    try {
      await this.context.matchTexts(pathRegexp, ['']);
    } catch (error) {
      if (!isSluiceError(error) || error.code !== 'EXPRESSION_INVALID') throw error;
      throw this.misconfigured(`pathRegexp is not a regular expression: ${pathRegexp}`, 'Correct it');
    }
  }

  private misconfigured(what: string, fix: string): SluiceError {
    return sourceFailure(this.context, 'misconfigured', { message: what, fix });
  }

  private async load(): Promise<void> {
    const former = await this.formerPosition();
    // Without a position, either all existing files are new, or none are.
    const start = former ?? (this.startsWithNew() ? (await this.scan()).files : new Map<string, string>());
    this.acknowledged = new Map([...start].map(([name, state]) => [name, tokenOf(state)]));
    this.seen = new Map(this.acknowledged);
    if (former === undefined) this.position.changed();
  }

  /** Returns undefined if there is none, or if it belongs to another operation or directory and so does not apply. */
  private async formerPosition(): Promise<Snapshot | undefined> {
    const position = await this.context.position.read();
    if (position?.of !== this.positionOf() || typeof position.files !== 'string') return undefined;
    return parseFiles(position.files);
  }

  private positionOf(): string {
    return `${this.spec.eventType} ${this.spec.watchPathConfig.directory}`;
  }

  private startsWithNew(): boolean {
    return this.context.startFrom.kind === 'new';
  }

  private async findChanges(): Promise<readonly Change[]> {
    try {
      const found = this.compare(this.seen, await this.scan());
      if (!this.isReading)
        this.context.log('info', `${describeSource(this.context)}: watches ${this.spec.watchPathConfig.directory}`);
      this.isReading = true;
      this.problem = undefined;
      this.startWatcher();
      return found;
    } catch (error) {
      this.isReading = false;
      this.note(this.explain(error));
      return [];
    }
  }

  /** Returns name → state of every file that the options select; omits files that disappear during the scan. */
  private async scan(): Promise<Directory> {
    // At each scan: somebody who can write to a volume can replace a directory by a link.
    const directory = await resolveWatchedDirectory(this.spec.watchPathConfig.directory);
    const entries = await readdir(directory, { encoding: 'buffer' });
    const names = entries.map((raw) => ({ raw, name: raw.toString('utf8') }));
    const selected = await this.select(names.map(({ name }) => name));
    const needsAll = this.operation === 'REMOVE' || this.operation === 'RENAME';
    const files: Snapshot = new Map();
    const inodes = new Set<string>();
    for (const { raw, name } of names) {
      const isSelected = selected.has(name);
      if (!Buffer.from(name, 'utf8').equals(raw)) files.set(`${UNREADABLE}${raw.toString('hex')}`, 'unreadable');
      else if (isSelected || needsAll) {
        const stats = await lstat(join(directory, name), { bigint: true }).catch(undefinedIfGone);
        if (stats === undefined) continue;
        inodes.add(stats.ino.toString(36));
        if (isSelected) files.set(name, this.stateOf(stats));
      }
    }
    return { files, inodes };
  }

  private async select(names: readonly string[]): Promise<ReadonlySet<string>> {
    const { path, pathRegexp } = this.spec.watchPathConfig;
    if (path) return new Set([path.replace(/^\/+/, '')]);
    if (!pathRegexp) return new Set(names);
    const unknown = names.filter((name) => !this.matches.has(name));
    const verdicts = await this.context.matchTexts(pathRegexp, unknown);
    const found = new Map(unknown.map((name, index) => [name, verdicts[index] === true]));
    this.matches = new Map(names.map((name) => [name, found.get(name) ?? this.matches.get(name) === true]));
    return new Set(names.filter((name) => this.matches.get(name)));
  }

  /** Returns the token and, after a space, whether the file is empty, which decides about new files. */
  private stateOf({ ino, birthtimeMs, mtimeNs, size, mode }: BigIntStats): string {
    const identity = `${ino.toString(36)}-${birthtimeMs.toString(36)}`;
    const extra = size > 0n ? 'filled' : 'empty';
    switch (this.operation) {
      case 'WRITE':
        return `${ino.toString(36)}-${mtimeNs.toString(36)}-${size.toString(36)} ${extra}`;
      case 'CHMOD':
        return `${identity}-${mode.toString(8)} ${extra}`;
      default:
        return `${identity} ${extra}`;
    }
  }

  private compare(before: Snapshot, { files: now, inodes }: Directory): readonly Change[] {
    const changes: Change[] = [];
    for (const [name, state] of now) {
      const token = tokenOf(state);
      const former = before.get(name);
      if (former === token) continue;
      const isNew = former === undefined || inodeOf(former) !== inodeOf(token);
      if (name.startsWith(UNREADABLE)) {
        changes.push({ name, token, id: name, isUnreadable: true });
        continue;
      }
      const wanted =
        (this.operation === 'CREATE' && isNew) ||
        (this.operation === 'WRITE' && (!isNew || state.endsWith(' filled'))) ||
        (this.operation === 'CHMOD' && !isNew);
      changes.push({ name, token, ...(wanted && { id: this.idOf(name, token) }) });
    }
    for (const [name, former] of before) {
      if (now.has(name)) continue;
      const operation = inodes.has(inodeOf(former)) ? 'RENAME' : 'REMOVE';
      const wanted = operation === this.operation && !name.startsWith(UNREADABLE);
      changes.push({ name, token: undefined, ...(wanted && { id: this.idOf(name, former) }) });
    }
    return changes;
  }

  private idOf(name: string, token: string): string {
    return `${name}@${this.operation}:${token}`;
  }

  private read({ name, id, isUnreadable }: Change): ReceivedEvent | RejectedInput {
    if (isUnreadable) {
      const reason = `the name of a file is not UTF-8 (bytes in hexadecimal: ${name.slice(UNREADABLE.length)})`;
      return { code: 'EVENT_UNDECODABLE', reason };
    }
    return {
      transportId: id,
      data: {
        name: join(this.spec.watchPathConfig.directory, name),
        op: this.operation === undefined ? 0 : OPERATIONS[this.operation],
        // Argo Events always sets this, too.
        metadata: this.spec.metadata ?? null,
      },
    };
  }

  private toDelivery(changes: readonly Change[]): Delivery {
    return {
      ...divideReceived(changes, (change) => this.read(change)),
      position: `${changes.at(-1)?.name.replace(UNREADABLE, '') ?? ''}@${new Date().toISOString()}`,
      acknowledge: () => {
        this.settle(changes);
        return Promise.resolve();
      },
      release: () => {
        // The next scan finds them again.
        for (const { name } of changes) {
          this.remember(this.seen, { name, token: this.acknowledged.get(name) });
        }
        return Promise.resolve();
      },
    };
  }

  private settle(changes: readonly Change[]): void {
    for (const change of changes) this.remember(this.acknowledged, change);
    if (changes.length > 0) this.position.changed();
  }

  private remember(snapshot: Snapshot, { name, token }: Pick<Change, 'name' | 'token'>): void {
    if (token === undefined) snapshot.delete(name);
    else snapshot.set(name, token);
  }

  private currentPosition(): JsonObject {
    const files = formatFiles(this.acknowledged);
    if (files.length <= MAX_POSITION_BYTES) return { of: this.positionOf(), files };
    throw this.misconfigured(
      `${this.acknowledged.size} files are selected, more than its position can hold`,
      'Select fewer with path or pathRegexp, or move files away that were handled',
    );
  }

  /** Resolves when something may have changed. */
  private async pause(signal: AbortSignal): Promise<void> {
    const { polling } = this.spec;
    const woken = new Promise<void>((resolve) => (this.wake = resolve));
    if (signal.aborted) return;
    const timer = new AbortController();
    const patience = delay(polling ? POLL_EVERY_MS : SCAN_EVERY_MS, undefined, { signal: timer.signal });
    await Promise.race([woken, patience.catch(() => undefined)]);
    timer.abort();
    if (!signal.aborted) await delay(SETTLE_MS, undefined, { signal }).catch(() => undefined);
  }

  /** Some file systems have no notifications: scanning alone must suffice. */
  private startWatcher(): void {
    if (this.watcher !== undefined || this.spec.polling) return;
    try {
      this.watcher = watch(this.spec.watchPathConfig.directory, () => this.wake());
      this.watcher.on('error', () => {
        this.watcher?.close();
        this.watcher = undefined;
      });
    } catch (error) {
      this.context.log(
        'info',
        `${describeSource(this.context)}: only scans, because file notifications failed: ${describeError(error)}`,
      );
      this.watcher = undefined;
    }
  }

  private note(problem: string): void {
    if (problem !== this.problem) this.context.log('warn', `${describeSource(this.context)}: ${problem}`);
    this.problem = problem;
  }

  private explain(error: unknown): string {
    const { directory } = this.spec.watchPathConfig;
    switch (errorCode(error)) {
      case 'ENOENT':
        return `directory ${directory} does not exist`;
      case 'ENOTDIR':
        return `${directory} is not a directory`;
      case 'EACCES':
      case 'EPERM':
        return `directory ${directory} cannot be read by the worker's user`;
      default:
        return `directory ${directory}: ${describeError(error)}`;
    }
  }
}

/** No file name contains it. */
const UNREADABLE = '\0';

function isOperation(text: string): text is Operation {
  return Object.hasOwn(OPERATIONS, text);
}

function tokenOf(state: string): string {
  return state.split(' ', 1)[0] ?? state;
}

function inodeOf(token: string): string {
  return token.split('-', 1)[0] ?? token;
}

function undefinedIfGone(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT') return undefined;
  throw error;
}

function formatFiles(files: Snapshot): string {
  return gzipSync(JSON.stringify([...files])).toString('base64');
}

function parseFiles(text: string): Snapshot {
  const packed = Buffer.from(text, 'base64');
  const unpacked = gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_POSITION_BYTES });
  const entries: unknown = JSON.parse(unpacked.toString('utf8'));
  return new Map(Array.isArray(entries) ? entries.filter(isEntry) : []);
}

function isEntry(value: unknown): value is [string, string] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string';
}
