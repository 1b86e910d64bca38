import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { repoRoot } from '../../dev/repo-root';
import { startServerProcess } from '../../dev/processes/server-process';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import { eventually } from '../setup/eventually';

const START_AND_REPORT = `
  const { startRedis } = require(${JSON.stringify(join(repoRoot, 'dist/dev/servers.js'))});
  startRedis({ tls: true }).then(({ port, tls }) => {
    console.log(JSON.stringify({ port, caPath: tls.caPath }));
    setInterval(() => undefined, 1000);
  });
`;

const SHARED_SESSION = JSON.stringify(join(repoRoot, 'dist/dev/processes/shared-session.js'));

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

describe('a server whose parent process is gone', () => {
  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'ends with it after %s, and so does its folder',
    async (signal) => {
      const starter = spawn(process.execPath, ['-e', START_AND_REPORT], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
      const { port, caPath } = JSON.parse(line) as { port: number; caPath: string };
      expect(await isListening(port)).toBe(true);
      starter.kill(signal);
      await eventually(async () => !(await isListening(port)) && !existsSync(dirname(caPath)));
    },
  );

  it('ends when the terminal of a session that it shares is closed', async () => {
    const script = `require(${SHARED_SESSION}).shareSession();${START_AND_REPORT}`;
    // Leads a group of its own, in place of the one in the foreground of a terminal.
    const starter = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
    const { port, caPath } = JSON.parse(line) as { port: number; caPath: string };
    expect(await isListening(port)).toBe(true);
    process.kill(-(starter.pid ?? NaN), 'SIGHUP');
    await eventually(async () => !(await isListening(port)) && !existsSync(dirname(caPath)));
  });
});

describe('a server that ignores a stop request', () => {
  it('is killed after a timeout', async () => {
    const folder = await createTemporaryFolder('stubborn');
    const pidFile = join(folder, 'pid');
    // Ignores SIGTERM, and so does the child it waits for.
    const script = `trap '' TERM; echo $$ > pid; sleep 600`;
    const server = await startServerProcess({
      name: 'stubborn',
      command: 'sh',
      args: ['-c', script],
      folder,
      isReady: () => Promise.resolve(existsSync(pidFile)),
      stopTimeoutMs: 200,
    });
    const processId = Number(readFileSync(pidFile, 'utf8'));
    expect(isAlive(processId)).toBe(true);
    await server.stop();
    await eventually(() => !isAlive(processId));
    await removeFolder(folder);
  });
});
