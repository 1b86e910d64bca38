import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../../src/errors/foreign-errors';
import { announce } from '../progress';

const POLL_MS = 500;

/**
 * Runs `work` while no other process of this machine does so under the same lock file. The lock of a dead process is
 * taken over. The lock only saves work: results are put in place by rename, so a race is harmless.
 */
export async function withCacheLock<T>(lockPath: string, work: () => Promise<T>): Promise<T> {
  await acquire(lockPath);
  try {
    return await work();
  } finally {
    await rm(lockPath, { force: true });
  }
}

async function acquire(lockPath: string): Promise<void> {
  // Linking a finished file makes the lock appear together with its content.
  const ticket = `${lockPath}.${randomUUID()}`;
  await writeFile(ticket, String(process.pid));
  try {
    let announcedOwner = '';
    while (!(await tryLink(ticket, lockPath))) {
      const owner = await readFile(lockPath, 'utf8').catch(() => '');
      if (owner !== '' && !isAlive(Number(owner))) {
        await rm(lockPath, { force: true });
        continue;
      }
      if (owner !== announcedOwner) announce(`waiting for process ${owner}, which is getting the same program`);
      announcedOwner = owner;
      await sleep(POLL_MS);
    }
  } finally {
    await rm(ticket, { force: true });
  }
}

async function tryLink(ticket: string, lockPath: string): Promise<boolean> {
  try {
    await link(ticket, lockPath);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
