import { rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DevServerError } from '../dev-server-error';
import { startProgress } from '../progress';
import { findOnPath } from './find-on-path';
import { runCommand } from './run-command';
import { binaryVariable, type Tool, type ToolSource } from './tool';

/** Installs a Python package into a virtual environment beside `target`, and links its program there. */
export async function installPythonPackage(
  tool: Tool,
  source: Extract<ToolSource, { kind: 'python-package' }>,
  target: string,
): Promise<void> {
  if (findOnPath('python3') === undefined) {
    throw new DevServerError(
      `${tool.executable} comes as a Python package, but there is no python3 on PATH`,
      `install Python 3.11 or newer with venv, or set ${binaryVariable(tool)}`,
    );
  }
  const progress = startProgress(`installing ${source.name} ${tool.version} with pip, once, into ${dirname(target)}`);
  // A virtual environment cannot be moved, so each try has a folder of its own and only the link is put in place.
  const environment = join(dirname(target), `venv-${process.pid}`);
  const link = `${target}.${process.pid}`;
  const onLine = (line: string) => progress.detail(line);
  try {
    await runCommand('python3', ['-m', 'venv', environment], { onLine });
    const pip = join(environment, 'bin', 'pip');
    const extra = source.extra === undefined ? '' : `[${source.extra}]`;
    const requirement = `${source.name}${extra}==${tool.version}`;
    await runCommand(pip, ['install', '--disable-pip-version-check', requirement], { onLine });
    await symlink(join(environment, 'bin', tool.executable), link);
    await rename(link, target);
    progress.finish(`installed ${source.name}`);
  } catch (error) {
    await rm(environment, { recursive: true, force: true });
    await rm(link, { force: true });
    progress.finish(`could not install ${source.name}`);
    throw error;
  }
}
