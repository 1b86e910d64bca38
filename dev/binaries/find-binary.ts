import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DevServerError } from '../dev-server-error';
import { announce } from '../progress';
import { buildGoTool } from './build-go-tool';
import { withCacheLock } from './cache-lock';
import { downloadRelease } from './download-release';
import { findOnPath, isExecutable } from './find-on-path';
import { installPythonPackage } from './install-python-package';
import { installSystemPackage } from './install-system-package';
import { runCommand } from './run-command';
import { binaryVariable, currentPlatform, isAtLeast, type Tool } from './tool';

const found = new Map<string, Promise<string>>();

/**
 * Returns the path of a server program, obtaining it first if necessary. In this order: the environment variable
 * (SLUICE_<NAME>_BIN), PATH if the version will do, the cache (SLUICE_CACHE_DIR, by default ~/.cache/sluice),
 * the official release unless SLUICE_OFFLINE is set, and a build or installation.
 */
export function findBinary(tool: Tool): Promise<string> {
  const known = found.get(tool.executable);
  if (known !== undefined) return known;
  const search = searchBinary(tool);
  found.set(tool.executable, search);
  // A failed search may be tried again, for instance after the missing toolchain was installed.
  search.catch(() => found.delete(tool.executable));
  return search;
}

async function searchBinary(tool: Tool): Promise<string> {
  const variable = binaryVariable(tool);
  const named = process.env[variable];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new DevServerError(
      `${variable} is ${named}, which is not an executable file`,
      `correct or unset ${variable}`,
    );
  }
  const onPath = findOnPath(tool.executable);
  if (onPath !== undefined && (await isVersionAccepted(tool, onPath))) return onPath;

  const folder = join(cacheFolder(), `${tool.executable}-${tool.version}`);
  const cached = join(folder, tool.executable);
  if (isExecutable(cached)) return cached;
  await mkdir(folder, { recursive: true });
  return withCacheLock(join(folder, 'lock'), async () => {
    // Another process may have put it there while we waited.
    if (isExecutable(cached)) return cached;
    if (await tryDownload(tool, cached)) return cached;
    return buildOrInstall(tool, cached);
  });
}

/** The folder for downloads and builds: outside the checkout, so that every clone shares it. */
export function cacheFolder(): string {
  const named = process.env.SLUICE_CACHE_DIR;
  return named === undefined || named === '' ? join(homedir(), '.cache', 'sluice') : named;
}

async function isVersionAccepted(tool: Tool, path: string): Promise<boolean> {
  if (tool.acceptsAnyVersion === true) return true;
  const output = await runCommand(path, [...(tool.versionArguments ?? ['--version'])]).catch(() => '');
  const version = tool.versionPattern.exec(output)?.[1];
  if (version !== undefined && isAtLeast(version, tool.lowestVersion)) return true;
  announce(`${path} is not used: its version is ${version ?? 'unknown'}, ${tool.lowestVersion} or newer is needed`);
  return false;
}

async function tryDownload(tool: Tool, target: string): Promise<boolean> {
  const release = tool.release?.(currentPlatform());
  if (release === undefined || process.env.SLUICE_OFFLINE !== undefined) return false;
  try {
    announce(`downloading ${release.url}`);
    await downloadRelease(release, target);
    return true;
  } catch (error) {
    announce(`no download of ${tool.executable} ${tool.version} (${describeCause(error)}); it is built instead`);
    return false;
  }
}

async function buildOrInstall(tool: Tool, target: string): Promise<string> {
  const { source } = tool;
  switch (source.kind) {
    case 'go-module':
      await buildGoTool(tool, source, target);
      return target;
    case 'python-package':
      await installPythonPackage(tool, source, target);
      return target;
    case 'system-package':
      return installSystemPackage(tool, source);
  }
}

/** `fetch` hides the reason of a network failure in `cause`. */
function describeCause(error: unknown): string {
  const innermost = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return innermost instanceof Error ? innermost.message : String(innermost);
}
