import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { repoRoot } from '../../dev/repo-root';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { freePort } from '../sources/free-port';

describe('an event source worker that gets SIGTERM', () => {
  let cluster: ClusterOfOne;

  beforeAll(async () => {
    cluster = await startClusterOfOne();
    await cluster.startWorkers();
  });
  afterAll(() => cluster?.stop());

  const manifests = async (): Promise<string> => {
    const { host, port } = cluster.redis;
    const hostAddress = `${host}:${port}`;
    return `${cluster.busDocument}---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: all }
spec:
  redisStream: { entries: { hostAddress: '${hostAddress}', streams: [scenes], db: 0 } }
  redis: { messages: { hostAddress: '${hostAddress}', channels: [scenes], db: 0 } }
  webhook: { requests: { endpoint: /scenes, port: '${await freePort()}', method: POST } }
`;
  };
  const isReady = async (): Promise<boolean> => {
    const run = await cluster.sluice(['list', 'source', '-n', cluster.namespace.name, '-o', 'json']);
    const { objects } = jsonOf<{ objects: ReadonlyArray<{ state: string }> }>(run);
    return objects.length > 0 && objects.every(({ state }) => state === 'Ready');
  };

  // No bound of waiting ends it: one that passes is logged, and the grace for triggers is an hour here.
  it('waits for nothing when nothing is in flight, and exits with 0', async () => {
    const queue = `event-sources-alone-${cluster.namespace.name}`;
    const environment = { ...cluster.environment, SLUICE_EVENT_SOURCE_TASK_QUEUE: queue };
    const worker = spawn(process.execPath, [join(repoRoot, 'dist', 'workers', 'event-source.js')], {
      env: {
        ...process.env,
        ...environment,
        ...{ SLUICE_HEALTH_PORT: '0', SLUICE_METRICS_PORT: '0', SLUICE_SHUTDOWN_GRACE: '1h' },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const log = text(worker.stdout);
    const exited = once(worker, 'exit');
    try {
      const file = await cluster.manifest('all.yaml', await manifests());
      const applied = await cluster.sluice(['apply', '-f', file], { env: environment });
      expect({ exitCode: applied.exitCode, stderr: applied.stderr }).toMatchObject({ exitCode: 0 });
      await eventually(isReady, { timeoutMs: 90_000 });
      worker.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      expect(await log).not.toContain('abandoned the events');
    } finally {
      worker.kill('SIGKILL');
    }
  }, 240_000);
});
