import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Is this a file that we may run? */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Returns the first executable of that name on PATH. */
export function findOnPath(executable: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, executable)).find(isExecutable);
}
