/** Containers of a built image, as a kubelet has them started under the restricted Pod Security Standard, save for seccomp. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../binaries/run-command';
import { startServerProcess, type ServerProcess } from '../processes/server-process';
import { createTemporaryFolder, removeFolder } from '../processes/temporary-folder';
import type { BuiltImage } from './build-image';
import { findImageProgram } from './programs';

export interface ContainerOptions {
  /** In place of the image's command, behind its entry point. */
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Folders of this machine, read-only, by their path in the container. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** In place of the image's entry point. */
  readonly entrypoint?: readonly string[];
  readonly memoryBytes?: number;
  /** Size of `/tmp`, the only place that can be written to. */
  readonly tmpBytes?: number;
}

interface RunningContainer extends Pick<ServerProcess, 'logPath' | 'kill' | 'pid' | 'exitCode'> {
  /** Sends SIGTERM to its process 1, and SIGKILL after `graceMs`. */
  terminate(): Promise<void>;
  /** Kills it if it still runs, and removes its files. Idempotent. */
  stop(): Promise<void>;
}

const USER = 10_001;
/** As Kubernetes. */
const GRACE_MS = 30_000;
const TMP_BYTES = 64 * 1024 * 1024;

/** Starts a server and resolves once `isReady`. */
export async function startContainer(
  image: BuiltImage,
  options: ContainerOptions & { readonly isReady: () => Promise<boolean>; readonly graceMs?: number },
): Promise<RunningContainer> {
  const folder = await createTemporaryFolder('container');
  try {
    const [command = '', ...args] = await commandLine(folder, image, options);
    const server = await startServerProcess({
      name: 'container',
      command,
      args,
      folder,
      isReady: options.isReady,
    });
    return {
      logPath: server.logPath,
      kill: () => server.kill(),
      pid: () => server.pid(),
      exitCode: () => server.exitCode(),
      terminate: async () => {
        const graceMs = options.graceMs ?? GRACE_MS;
        const killsAt = Date.now() + graceMs;
        // runc passes it on to process 1 of the container.
        if (server.exitCode() === undefined) process.kill(onlyChildOf(server.pid()), 'SIGTERM');
        while (server.exitCode() === undefined && Date.now() < killsAt) await sleep(50);
        await server.kill();
      },
      stop: async () => {
        await server.kill();
        await removeFolder(folder);
      },
    };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

/** `unshare` has one: runc. */
function onlyChildOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

/** Runs a command in a new container to its end and returns what it printed. Throws if it fails. */
export async function runInImage(image: BuiltImage, options: ContainerOptions): Promise<string> {
  const folder = await createTemporaryFolder('container');
  try {
    const [command = '', ...args] = await commandLine(folder, image, options);
    return await runCommand(command, args);
  } finally {
    await removeFolder(folder);
  }
}

/** A process namespace around runc: when this command is killed, the kernel ends all that is in the container too. */
async function commandLine(folder: string, image: BuiltImage, options: ContainerOptions): Promise<readonly string[]> {
  await writeFile(join(folder, 'config.json'), JSON.stringify(describeBundle(image, options)));
  const name = `sluice-${randomBytes(6).toString('hex')}`;
  return [
    ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...[await findImageProgram('runc'), '--root', join(folder, 'state'), 'run', '--bundle', folder, name],
  ];
}

/** The OCI runtime's configuration. The network is that of the machine, where the servers of dev/ listen. */
function describeBundle({ rootPath, configuration }: BuiltImage, options: ContainerOptions): object {
  const { Env, Entrypoint, WorkingDir } = configuration;
  const added = Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  const noCapabilities = Object.fromEntries(
    ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'].map((set) => [set, []]),
  );
  return {
    ociVersion: '1.0.2',
    hostname: 'container',
    root: { path: rootPath, readonly: true },
    process: {
      terminal: false,
      user: { uid: USER, gid: USER },
      args: [...(options.entrypoint ?? Entrypoint), ...options.args],
      env: [...Env, ...added],
      cwd: WorkingDir,
      capabilities: noCapabilities,
      noNewPrivileges: true,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
      { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777', `size=${options.tmpBytes ?? TMP_BYTES}`] },
      ...Object.entries(options.mounts ?? {}).map(([destination, source]) => ({
        destination,
        type: 'bind',
        source,
        options: ['rbind', 'ro', 'nosuid', 'nodev'],
      })),
    ], // prettier-ignore
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
      maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      ...(options.memoryBytes !== undefined && { resources: { memory: { limit: options.memoryBytes } } }),
    }, // prettier-ignore
  };
}
