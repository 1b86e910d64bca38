/** The first sensor of README.md, as pasted, against servers and a worker process; and what a burst leaves in its log. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Redis from 'ioredis';
import { SluiceCommand } from '../../dev/demo/command';
import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import { repoRoot } from '../../dev/repo-root';
import { startSystem, type OwnSystem } from '../../dev/system';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { docBlocks } from '../repo/doc-blocks';
import { eventually } from '../setup/eventually';

const BURST = 300;

describe('the first sensor of README.md', () => {
  let system: OwnSystem;
  let worker: RunningWorker;
  let folder: string;
  let api: ApiClient;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-first-sensor-'));
    system = await startSystem({ temporalUi: false, own: true });
    const { url, caPath, adminToken: token } = system.kubernetes;
    api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
    worker = await startWorker('all-in-one', system.environment);
    // The demo, which the page asks to keep running, has applied the bus already.
    const bus = join(repoRoot, 'examples', 'water-bodies', 'event-bus.yaml');
    await new SluiceCommand(system.environment).json('apply', '-f', bus);
    // A checkout finds `sluice` as its own package; this folder does not.
    const npx = join(folder, 'npx');
    await writeFile(npx, `#!/bin/sh\nshift\nexec node ${join(repoRoot, 'dist', 'src', 'cli', 'main.js')} "$@"\n`);
    await chmod(npx, 0o755);
  }, 180_000);
  afterAll(async () => {
    await worker?.stop();
    api?.close();
    await system?.stop();
    await rm(folder, { recursive: true });
  }, 60_000);

  const madeMaps = async (): Promise<number> => {
    const { body } = await api.expect('GET', '/api/v1/namespaces/default/configmaps');
    const { items } = body as { items: { metadata: { name: string } }[] };
    return items.filter(({ metadata }) => metadata.name.startsWith('hello-')).length;
  };

  it('makes a ConfigMap when its commands are pasted', async () => {
    const block = docBlocks().find(({ file, text }) => file === 'README.md' && text.includes('hello.yaml'));
    const path = `${folder}:${dirname(await findBinary(tools.redisServer))}:${process.env['PATH'] ?? ''}`;
    const env = { ...process.env, ...system.environment, PATH: path };
    await promisify(execFile)('bash', ['-e', '-c', block?.text ?? 'exit 1'], { cwd: folder, env });
    await eventually(async () => (await madeMaps()) === 1);
  }, 120_000);

  it('takes a burst without a warning of a leak', async () => {
    const redis = new Redis(system.redis.url);
    const messages = Array.from({ length: BURST }, (_, index) => JSON.stringify({ language: 'en', who: `w${index}` }));
    await Promise.all(messages.map((message) => redis.publish('hello', message)));
    redis.disconnect();
    await eventually(async () => (await madeMaps()) > BURST);
    expect(await readFile(worker.logPath, 'utf8')).not.toContain('MaxListenersExceededWarning');
  }, 120_000);
});
