import { rename, rm } from 'node:fs/promises';
import { DevServerError } from '../dev-server-error';
import { startProgress } from '../progress';
import { findOnPath } from './find-on-path';
import { runCommand } from './run-command';
import { binaryVariable, type Tool, type ToolSource } from './tool';

/** Builds a Go program from its module in tools/ and puts it at `target`. */
export async function buildGoTool(
  tool: Tool,
  source: Extract<ToolSource, { kind: 'go-module' }>,
  target: string,
): Promise<void> {
  if (findOnPath('go') === undefined) {
    throw new DevServerError(
      `${tool.executable} ${tool.version} must be built, but there is no Go toolchain on PATH`,
      `install Go (https://go.dev/doc/install), or set ${binaryVariable(tool)} to a ${tool.executable} you have`,
    );
  }
  const progress = startProgress(
    `building ${tool.executable} ${tool.version} from source, once (${source.duration}), into ${target}`,
  );
  const unfinished = `${target}.${process.pid}`;
  let packages = 0;
  try {
    // -v prints each package as it is compiled; downloads have lines of their own.
    const args = [
      'build',
      '-v',
      '-o',
      unfinished,
      ...(source.linkerFlags === '' ? [] : ['-ldflags', source.linkerFlags]),
    ];
    await runCommand('go', [...args, source.packagePath], {
      cwd: source.folder,
      onLine: (line) => {
        if (!line.startsWith('go: ')) packages++;
        progress.detail(line.startsWith('go: ') ? line.slice('go: '.length) : `${packages} packages, now ${line}`);
      },
    });
    await rename(unfinished, target);
    progress.finish(`built ${tool.executable}`);
  } catch (error) {
    await rm(unfinished, { force: true });
    progress.finish(`could not build ${tool.executable}`);
    throw error;
  }
}
