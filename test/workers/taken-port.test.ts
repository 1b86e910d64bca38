import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { repoRoot } from '../../dev/repo-root';

describe('a worker whose port is taken', () => {
  it.each(['SLUICE_HEALTH_PORT', 'SLUICE_METRICS_PORT'])('ends and names the setting: %s', async (setting) => {
    const other = createServer().listen(0, '0.0.0.0');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const worker = spawn(process.execPath, [join(repoRoot, 'dist', 'workers', 'all-in-one.js')], {
      env: {
        ...process.env,
        ...{
          SLUICE_HEALTH_PORT: '0',
          SLUICE_METRICS_PORT: '0',
          TEMPORAL_ADDRESS: '127.0.0.1:1',
          [setting]: String(port),
        },
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const stderr = text(worker.stderr);
      const [exitCode] = (await once(worker, 'exit')) as [number];
      expect({ exitCode, stderr: await stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringContaining(`port ${port} of ${setting} cannot be used`) as string,
      });
    } finally {
      worker.kill('SIGKILL');
      other.close();
    }
  });
});
