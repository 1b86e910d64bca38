import { join } from 'node:path';
import { cacheFolder } from '../binaries/find-binary';
import { runCommand } from '../binaries/run-command';
import { findImageProgram } from './programs';

/** Where images lie: apart from those of the machine's own Docker or Podman. */
export function imageFolder(): string {
  return join(cacheFolder(), 'images');
}

/** Runs buildah on that store. `onLine` is called with each line that it prints. */
export async function buildah(args: readonly string[], onLine?: (line: string) => void): Promise<string> {
  const store = ['--root', join(imageFolder(), 'store'), '--runroot', join(imageFolder(), 'run')];
  return await runCommand(await findImageProgram('buildah'), [...store, '--storage-driver', 'vfs', ...args], {
    ...(onLine !== undefined && { onLine }),
  });
}

/** Without a container engine: in a chroot, with the network of this machine, and never from a registry. */
export const BUILD_OPTIONS = ['--isolation', 'chroot', '--pull-never', '--format', 'oci'] as const;
