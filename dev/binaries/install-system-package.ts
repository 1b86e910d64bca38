import { DevServerError } from '../dev-server-error';
import { startProgress } from '../progress';
import { findOnPath } from './find-on-path';
import { runCommand } from './run-command';
import { binaryVariable, type PackageManager, type Tool, type ToolSource } from './tool';

type Commands = (name: string) => readonly (readonly string[])[];

const commands: Readonly<Record<PackageManager, Commands>> = {
  'apt-get': (name) => [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', name],
  ],
  apk: (name) => [['apk', 'add', '--no-cache', name]],
  dnf: (name) => [['dnf', 'install', '-y', name]],
  brew: (name) => [['brew', 'install', name]],
};
const managers: readonly PackageManager[] = ['apt-get', 'apk', 'dnf', 'brew'];

/** Installs a program with the system's package manager and returns where it is. */
export async function installSystemPackage(
  tool: Tool,
  source: Extract<ToolSource, { kind: 'system-package' }>,
): Promise<string> {
  const manager = managers.find((name) => findOnPath(name) !== undefined);
  const fix = `install ${tool.executable} ${tool.lowestVersion} or newer, or set ${binaryVariable(tool)}`;
  if (manager === undefined) {
    throw new DevServerError(`${tool.executable} is not on PATH and no known package manager is either`, fix);
  }
  const name = source.names[manager];
  const needsSudo = manager !== 'brew' && process.getuid?.() !== 0;
  const progress = startProgress(`installing ${name} with ${manager}`);
  try {
    for (const command of commands[manager](name)) {
      const [program = manager, ...args] = needsSudo ? ['sudo', '-n', ...command] : command;
      // RUNLEVEL=1 keeps Debian's packages from starting their service: we want the program only.
      const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
      await runCommand(program, args, { env, onLine: (line) => progress.detail(line) });
    }
  } catch (cause) {
    progress.finish(`could not install ${name}`);
    throw new DevServerError(`${manager} could not install ${name}: ${String(cause)}`, fix, { cause });
  }
  progress.finish(`installed ${name}`);
  const path = findOnPath(tool.executable);
  if (path === undefined) throw new DevServerError(`${name} was installed, but has no ${tool.executable} on PATH`, fix);
  return path;
}
