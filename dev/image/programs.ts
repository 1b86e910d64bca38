/** Programs that build and start images without a container engine. Only `npm run test:image` needs them, and as root. */
import type { PackageManager, Tool } from '../binaries/tool';
import { findBinary } from '../binaries/find-binary';
import { DevServerError } from '../dev-server-error';

const VERSION = /(\d+\.\d+\.\d+)/;

function createSystemTool(executable: string, lowestVersion: string): Tool {
  const names: Record<PackageManager, string> = {
    'apt-get': executable,
    apk: executable,
    dnf: executable,
    brew: executable,
  };
  return {
    executable,
    version: lowestVersion,
    lowestVersion,
    versionPattern: VERSION,
    source: { kind: 'system-package', names },
  };
}

const programs = {
  /** Executes a Dockerfile. */
  buildah: createSystemTool('buildah', '1.28.0'),
  /** Starts containers; containerd uses the same program. */
  runc: createSystemTool('runc', '1.1.0'),
  /** Makes a Debian system from packages. */
  mmdebstrap: createSystemTool('mmdebstrap', '1.3.0'),
};

export async function findImageProgram(name: keyof typeof programs): Promise<string> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new DevServerError(
      'images are built and started by root on Linux only',
      'run it as root, for instance in a virtual machine',
    );
  }
  return await findBinary(programs[name]);
}
