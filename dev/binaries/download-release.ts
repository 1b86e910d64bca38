import { createHash } from 'node:crypto';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DevServerError } from '../dev-server-error';
import { createTemporaryFolder, removeFolder } from '../processes/temporary-folder';
import { runCommand } from './run-command';
import type { Release } from './tool';

// The first request only checks that the network is reachable; on a build machine it often is not.
const CHECKSUM_TIMEOUT_MS = 4_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** Downloads an official release and puts its executable at `target`, if its SHA-256 is the published one. */
export async function downloadRelease(release: Release, target: string): Promise<void> {
  const checksums = (await download(release.checksumUrl, CHECKSUM_TIMEOUT_MS)).toString('utf8');
  const fileName = basename(new URL(release.url).pathname);
  const expected = findChecksum(checksums, fileName);
  const content = await download(release.url, DOWNLOAD_TIMEOUT_MS);
  const actual = createHash('sha256').update(content).digest('hex');
  if (actual !== expected) {
    throw new DevServerError(`${release.url} has the SHA-256 ${actual}, its publisher says ${expected}`);
  }

  const folder = await createTemporaryFolder('download');
  try {
    const file = join(folder, fileName);
    await writeFile(file, content);
    const executable = release.pathInArchive === undefined ? file : join(folder, release.pathInArchive);
    if (executable !== file) await runCommand('tar', ['-xzf', file, '-C', folder]);
    await chmod(executable, 0o755);
    await moveInto(executable, target);
  } finally {
    await removeFolder(folder);
  }
}

/** Finds a file's SHA-256 in a checksum file: a bare one, or lines of "<sha256>  <file name>". */
function findChecksum(checksums: string, fileName: string): string {
  const rows = checksums
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const row =
    rows.find(([, name]) => name?.replace(/^\*/, '') === fileName) ?? (rows.length === 1 ? rows[0] : undefined);
  const checksum = row?.[0];
  if (checksum === undefined || !/^[0-9a-f]{64}$/.test(checksum)) {
    throw new DevServerError(`the published checksums do not name ${fileName}`);
  }
  return checksum;
}

async function download(url: string, timeoutMs: number): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new DevServerError(`${url} answered HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** The cache may be on another file system than the temporary folder: copy beside the target first, then rename. */
async function moveInto(file: string, target: string): Promise<void> {
  const beside = `${target}.${process.pid}`;
  await runCommand('cp', [file, beside]);
  await rename(beside, target);
}
