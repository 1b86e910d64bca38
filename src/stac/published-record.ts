/**
 * Remembers across restarts which items were published.
 *
 * One line per item, appended and flushed after the items were published: a crash can lose only the newest batch, which
 * is then published once more (at least once), and the cost of a batch does not grow with the size of the record.
 */
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { SluiceError } from '../errors/sluice-error';

export interface PublishedRecord {
  has(key: string): boolean;
  add(keys: readonly string[]): Promise<void>;
  readonly size: number;
  close(): Promise<void>;
}

/** For publishing without a file: remembers as long as the process lives. */
export function createMemoryRecord(): PublishedRecord {
  const known = new Set<string>();
  return {
    has: (key) => known.has(key),
    add: (keys) => {
      for (const key of keys) known.add(key);
      return Promise.resolve();
    },
    get size() {
      return known.size;
    },
    close: () => Promise.resolve(),
  };
}

/**
 * @param target where items are published. A record belongs to one target: using it for another would skip items there.
 * Throws USAGE if the file belongs to something else.
 */
export async function openFileRecord(file: string, target: string): Promise<PublishedRecord> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n');
  // Text after the last newline was cut off by a crash during the write.
  const torn = lines.pop() ?? '';
  const [header, ...keys] = lines;
  const expected = `# sluice stac publish to ${target}`;
  if (header !== undefined && header !== expected) {
    throw new SluiceError('USAGE', {
      message: `--state ${file}: expected the line ${JSON.stringify(expected)} first, found ${JSON.stringify(header.slice(0, 200))}`,
      fix: 'Give each target its own state file',
    });
  }
  const known = new Set(keys.filter((key) => key !== ''));
  // Opened on the first addition: a dry run leaves no file behind.
  let handle: FileHandle | undefined;
  return {
    has: (key) => known.has(toLine(key)),
    add: async (added) => {
      handle ??= await openForAppending(file, text, torn, header === undefined ? expected : undefined);
      const lines = added.map(toLine);
      await handle.appendFile(lines.map((line) => `${line}\n`).join(''));
      await handle.datasync();
      for (const line of lines) known.add(line);
    },
    get size() {
      return known.size;
    },
    close: async () => handle?.close(),
  };
}

async function openForAppending(
  file: string,
  text: string,
  torn: string,
  missingHeader: string | undefined,
): Promise<FileHandle> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  const handle = await open(file, 'a');
  if (torn !== '') await handle.truncate(Buffer.byteLength(text) - Buffer.byteLength(torn));
  if (missingHeader !== undefined) await handle.appendFile(`${missingHeader}\n`);
  return handle;
}

function toLine(key: string): string {
  return key.replace(/\r?\n/g, '%0A');
}
