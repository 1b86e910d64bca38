/** The payload keys of this process, which follow their file: keys are rotated without a restart. */
import { readFileSync, statSync } from 'node:fs';
import { describeError, SluiceError } from '../errors/sluice-error';
import { parsePayloadKeys, type PayloadKey, type PayloadKeys } from './payload-keys';

export interface KeyRing {
  /** Returns the key for encryption. */
  current(): PayloadKey;
  find(id: string): PayloadKey | undefined;
  ids(): readonly string[];
  /** Where to add a key, for messages. */
  readonly origin: string;
}

export type PayloadKeySource = { readonly file: string } | { readonly text: string };

export interface KeyRingOptions {
  /** Replaces the keys that the environment names. */
  readonly source?: PayloadKeySource;
  /** Called once for each problem of a changed key file; the keys that were read before stay in use. */
  readonly warn: (message: string) => void;
}

const FILE = 'SLUICE_PAYLOAD_KEYS_FILE';
const TEXT = 'SLUICE_PAYLOAD_KEYS';

/** Returns undefined if no keys are configured. @throws SluiceError PAYLOAD_KEYS_INVALID */
export function readKeyRing(environment: NodeJS.ProcessEnv, options: KeyRingOptions): KeyRing | undefined {
  const source = options.source ?? sourceOf(environment);
  if (source === undefined) return undefined;
  return 'file' in source ? new KeyFile(source.file, options) : fixedKeys(parsePayloadKeys(source.text, TEXT));
}

function sourceOf(environment: NodeJS.ProcessEnv): PayloadKeySource | undefined {
  const { [FILE]: file, [TEXT]: text } = environment;
  if (file && text) {
    throw new SluiceError('PAYLOAD_KEYS_INVALID', {
      message: `both ${FILE} and ${TEXT} are set`,
      fix: 'Set one of them: the file can change without a restart',
    });
  }
  if (file) return { file };
  return text ? { text } : undefined;
}

function fixedKeys(keys: PayloadKeys): KeyRing {
  return {
    origin: TEXT,
    current: () => keys[0],
    find: (id) => keys.find((key) => key.id === id),
    ids: () => keys.map(({ id }) => id),
  };
}

/** A mounted Secret changes when a symbolic link is replaced, which a watch on its path would miss. */
const LOOK_EVERY_MS = 1_000;

class KeyFile implements KeyRing {
  readonly origin: string;
  private keys: PayloadKeys;
  private version: string;
  private lookedAt = performance.now();
  private problem: string | undefined;

  constructor(
    private readonly path: string,
    private readonly options: KeyRingOptions,
  ) {
    this.origin = `${FILE} (${path})`;
    this.version = this.look();
    this.keys = this.read();
  }

  current(): PayloadKey {
    this.refresh();
    return this.keys[0];
  }

  find(id: string): PayloadKey | undefined {
    this.refresh();
    const known = this.keys.find((key) => key.id === id);
    if (known !== undefined) return known;
    this.lookedAt = -Infinity;
    this.refresh();
    return this.keys.find((key) => key.id === id);
  }

  ids(): readonly string[] {
    return this.keys.map(({ id }) => id);
  }

  /** Synchronous: one stat per second costs less than passing it to a thread. */
  private refresh(): void {
    if (performance.now() - this.lookedAt < LOOK_EVERY_MS) return;
    this.lookedAt = performance.now();
    try {
      const version = this.look();
      if (version !== this.version) {
        this.keys = this.read();
        this.version = version;
      }
      this.problem = undefined;
    } catch (error) {
      const problem = describeError(error);
      if (problem !== this.problem) this.options.warn(`payload keys are not read again: ${problem}`);
      this.problem = problem;
    }
  }

  private look(): string {
    try {
      const { ino, size, mtimeMs } = statSync(this.path);
      return `${ino} ${size} ${mtimeMs}`;
    } catch (error) {
      throw this.unreadable(error);
    }
  }

  private read(): PayloadKeys {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      throw this.unreadable(error);
    }
    return parsePayloadKeys(text, this.origin);
  }

  private unreadable(cause: unknown): SluiceError {
    return new SluiceError('PAYLOAD_KEYS_INVALID', {
      message: `${this.origin} cannot be read`,
      fix: 'Mount the Secret with the payload keys there, readable for this user',
      cause,
    });
  }
}
