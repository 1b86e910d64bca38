import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Redis from 'ioredis';
import { eventually } from '../setup/eventually';
import { jsonOf, runSluice } from './run-cli-for-test';

interface DevAnswer {
  readonly environment: Readonly<Record<string, string>>;
}

const MANIFESTS = `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstream: { version: latest } }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec:
  redisStream:
    items:
      hostAddress: somewhere-in-the-cluster:6379
      consumerGroup: g
      streams: [STREAM]
      password: { name: redis-auth, key: password }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: note, log: {} } }]
---
apiVersion: v1
kind: Secret
metadata: { name: redis-auth }
stringData: { password: '' }
`;

describe('sluice dev', () => {
  it('runs manifests of a cluster on one machine, and stops everything on request', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-dev-'));
    const file = path.join(folder, 'all.yaml');
    await writeFile(file, MANIFESTS);
    const suffix = randomBytes(4).toString('hex');
    const env = {
      SLUICE_NAMESPACE: `dev-${suffix}`,
      SLUICE_EVENT_SOURCE_TASK_QUEUE: `event-sources-${suffix}`,
      SLUICE_SENSOR_TASK_QUEUE: `sensors-${suffix}`,
    };
    const stop = new AbortController();
    let up: (text: string) => void = () => undefined;
    const printed = new Promise<string>((resolve) => (up = resolve));
    const dev = runSluice(['dev', '-f', file, '--no-stac', '-o', 'json'], {
      env,
      signal: stop.signal,
      onOutput: (text) => up(text),
    });
    try {
      const early = dev.then((run) => Promise.reject(new Error(`ended early: ${run.stderr}`)));
      const { environment } = JSON.parse(await Promise.race([printed, early])) as DevAnswer;
      const sluice = (...argv: string[]) => runSluice([...argv, '-o', 'json'], { env: { ...env, ...environment } });
      const redis = new Redis(environment['SLUICE_REDIS_URL'] ?? '');
      await redis.xadd('STREAM', '*', 'href', 'a');
      redis.disconnect();
      await eventually(async () => {
        const { runs } = jsonOf<{ runs: Array<{ state: string }> }>(await sluice('runs', 'list', '--sensor', 'scenes'));
        return runs[0]?.state === 'Succeeded';
      });
      await sluice('delete', '-f', file);
    } finally {
      stop.abort();
      await rm(folder, { recursive: true });
    }
    expect((await dev).exitCode).toBe(0);
  }, 120_000);
});
