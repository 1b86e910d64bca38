/** Finds and reads the files that a user named. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { errorCode } from '../errors/foreign-errors';
import { decodeText } from '../yaml/decode-text';
import type { Problem } from '../manifest/problem';

/** Far above what fits into a cluster (about 1.5 MB per object), far below what would cause trouble. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024;

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

export interface ManifestFile {
  readonly file: string;
  readonly text: string;
  /** Found in a folder, not named by the user. */
  readonly isFromFolder: boolean;
}

/** Files in the order given, folders sorted by name, without hidden files; `-` reads `stdin`. Each is read once. */
export async function findManifestFiles(
  paths: readonly string[],
  stdin: NodeJS.ReadableStream,
): Promise<{ files: ManifestFile[]; problems: Problem[] }> {
  const files = new Map<string, ManifestFile>();
  const problems: Problem[] = [];
  const read = async (path: string, isFromFolder: boolean) => {
    if (files.has(path)) return;
    const text = path === '-' ? await readStream(stdin) : await readLimited(path);
    files.set(path, { file: path, text, isFromFolder });
  };
  for (const path of paths) {
    try {
      const isFolder = path !== '-' && (await stat(path)).isDirectory();
      const found = isFolder ? await listFolder(path) : [path];
      if (found.length === 0) {
        problems.push(unreadable(path, 'the folder holds no .yaml, .yml or .json files', 'warning'));
      }
      for (const file of found) {
        try {
          await read(file, isFolder);
        } catch (error) {
          problems.push(unreadable(file, describe(error)));
        }
      }
    } catch (error) {
      problems.push(unreadable(path, describe(error)));
    }
  }
  return { files: [...files.values()], problems };
}

async function listFolder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !isHidden(relative(folder, file)))
    .sort();
}

/** A mounted ConfigMap contains its files twice: the second time below a folder whose name begins with two dots. */
function isHidden(file: string): boolean {
  return file.split(sep).some((part) => part.startsWith('.'));
}

async function readLimited(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw new Error(`the file has ${size} bytes; at most ${MAX_FILE_BYTES} are accepted`);
  return decodeText(await readFile(path));
}

async function readStream(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const buffer = Buffer.from(chunk);
    size += buffer.length;
    if (size > MAX_FILE_BYTES) throw new Error(`the input is larger than ${MAX_FILE_BYTES} bytes`);
    chunks.push(buffer);
  }
  return decodeText(Buffer.concat(chunks));
}

function describe(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return 'no such file or folder';
  if (code === 'EACCES') return 'no permission to read it';
  return error instanceof Error ? error.message : String(error);
}

function unreadable(file: string, message: string, severity: Problem['severity'] = 'error'): Problem {
  return { severity, file, object: '', path: '', message };
}
