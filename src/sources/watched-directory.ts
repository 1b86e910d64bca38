/** Which directories the manifests of tenants may watch: those of the worker hold more than their data. */
import { realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';

const VARIABLE = 'SLUICE_WATCHED_DIRS';
/** Hold secrets, or tell about the worker. */
const WITHHELD = ['/var/run/secrets', '/run/secrets', '/etc', '/proc', '/sys', '/dev', '/root'];

export class DirectoryWithheld extends Error {}

/**
 * Returns the directory without symbolic links. Throws DirectoryWithheld if it is outside `SLUICE_WATCHED_DIRS`, or,
 * without that setting, inside a directory of secrets or of the system; otherwise errors of the file system.
 */
export async function resolveWatchedDirectory(
  directory: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const real = await realpath(directory);
  const allowed = listOf(environment[VARIABLE]);
  const isAllowed =
    allowed.length > 0 ? await isInside(real, allowed) : !(await isInside(real, withheldIn(environment)));
  if (isAllowed) return real;
  throw new DirectoryWithheld(
    allowed.length > 0
      ? `is outside the directories of ${VARIABLE} (${allowed.join(', ')})`
      : `is withheld from manifests; ${VARIABLE} of the worker names directories that they may watch`,
  );
}

function withheldIn({ SLUICE_SECRETS_DIR = '', SLUICE_CONFIG_DIR = '' }: NodeJS.ProcessEnv): string[] {
  return [...WITHHELD, SLUICE_SECRETS_DIR, SLUICE_CONFIG_DIR].filter((directory) => directory !== '');
}

async function isInside(real: string, directories: readonly string[]): Promise<boolean> {
  const parents = await Promise.all(directories.map((directory) => realpath(directory).catch(() => directory)));
  return parents.some((parent) => !join(relative(parent, real), '/').startsWith('../'));
}

function listOf(text = ''): string[] {
  const items = text.split(',').map((item) => item.trim());
  return items.filter((item) => item !== '');
}
