/** `source.file`: the object from a file of the worker, inside the one folder that is configured for this. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { SluiceError } from '../../errors/sluice-error';
import type { ReadResource } from './resource-source';

const MAX_BYTES = 1024 * 1024;

/** The folder is `SLUICE_FILES_DIR`; the path is relative to it, or absolute and inside it. */
export const readFileSource: ReadResource<{ readonly path: string }> = async ({ path }) => {
  const origin = `source.file ${path}`;
  const root = process.env.SLUICE_FILES_DIR;
  if (!root) {
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: this worker reads no files, because SLUICE_FILES_DIR is not set`,
      fix: 'Set SLUICE_FILES_DIR of the worker to the folder with the files',
      retryable: false,
    });
  }
  const base = await follow(resolve(root), origin);
  // Links are resolved before the check, so that none can lead outside.
  const target = await follow(resolve(base, path), origin);
  if (!isInside(base, target)) {
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin} is outside ${root}`,
      fix: 'Put the file into the folder that SLUICE_FILES_DIR names',
      retryable: false,
    });
  }
  const { size } = await stat(target);
  if (size > MAX_BYTES) {
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin} is larger than ${MAX_BYTES} bytes`,
      retryable: false,
    });
  }
  return { text: await readFile(target, 'utf8'), origin };
};

async function follow(path: string, origin: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: ${path} does not exist`,
      // Mounted files appear shortly after the pod's start and are missing briefly while they change.
      retryable: true,
      cause,
    });
  }
}

function isInside(base: string, target: string): boolean {
  const path = relative(base, target);
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}
