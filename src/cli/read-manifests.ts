/** Reads the manifests of a command, and prints a note for files that hold none. */
import { readCheckedManifests, type CheckedManifests } from '../control/apply/read-checked-manifests';
import type { CliIo } from './io';
import { printable } from './printing/style';

export async function readManifests(paths: readonly string[], io: CliIo): Promise<CheckedManifests> {
  const manifests = await readCheckedManifests(paths, io.stdin);
  const { skipped } = manifests;
  if (skipped.length > 0) {
    const shown = skipped.length > 5 ? [...skipped.slice(0, 5), '…'] : skipped;
    const files = skipped.length === 1 ? '1 file' : `${skipped.length} files`;
    io.stderr.write(`${printable(`Skipped ${files} without Kubernetes objects: ${shown.join(', ')}`)}\n`);
  }
  return manifests;
}
