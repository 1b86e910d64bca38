import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { loadManifestText } from '../../src/validation/load-manifests';
import { jsonOf, runSluice } from './run-cli-for-test';

const bus = (spec: string, metadata = '') => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata:
  name: default
  namespace: argo
  labels: { team: water }
  annotations: { owner: ada }
${metadata}spec:
  nats:
${spec}`;

const NATIVE = bus(`    native:
      replicas: 3
      auth: token
      maxAge: 24h
      maxMsgs: 1000
      maxBytes: 1GB
      maxSubs: 500
      maxPayload: 2MB
      raftCommitTimeout: 1s
      nodeSelector: { disk: ssd }
      persistence: { storageClassName: fast, accessMode: ReadWriteOnce, volumeSize: 10Gi }
      containerTemplate: { resources: { limits: { cpu: '1' } } }
`);
const EXOTIC = bus(`    exotic:
      url: nats://u:geheim@stan:4222
      clusterID: cluster
      auth: token
      accessSecret: { name: nats, key: token }
`);

describe('sluice migrate eventbus', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-migrate-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function migrate(text: string, ...options: string[]) {
    const file = path.join(folder, 'bus.yaml');
    await writeFile(file, text);
    return await runSluice(['migrate', 'eventbus', '-f', file, ...options]);
  }

  it('writes the jetstream bus of the same name with every setting that has a counterpart', async () => {
    const { exitCode, stdout } = await migrate(NATIVE);
    expect(exitCode).toBe(0);
    expect(parse(stdout)).toEqual({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'EventBus',
      metadata: { name: 'default', namespace: 'argo', labels: { team: 'water' }, annotations: { owner: 'ada' } },
      spec: {
        jetstream: {
          version: 'latest',
          replicas: 3,
          maxPayload: '2MB',
          nodeSelector: { disk: 'ssd' },
          persistence: { storageClassName: 'fast', accessMode: 'ReadWriteOnce', volumeSize: '10Gi' },
          containerTemplate: { resources: { limits: { cpu: '1' } } },
          streamConfig: 'maxAge: 24h\nmaxMsgs: 1000\nmaxBytes: 1073741824\n',
        },
      },
    });
    const { problems } = await loadManifestText(stdout, 'out');
    expect(problems.filter(({ severity }) => severity !== 'warning')).toEqual([]);
  });

  it('reports every setting without a counterpart', async () => {
    const { stdout } = await migrate(NATIVE);
    const comments = stdout.split('\n').filter((line) => line.startsWith('# '));
    for (const field of ['auth', 'maxSubs: 500', 'raftCommitTimeout: 1s', 'streamConfig', 'wait on the old bus']) {
      expect(comments.join('\n')).toContain(field);
    }
    const inServer = await migrate(NATIVE, '--nats-url', 'nats://nats:4222', '-o', 'yaml');
    expect(parse(inServer.stdout)).toMatchObject({ spec: { jetstreamExotic: { url: 'nats://nats:4222' } } });
    for (const field of ['replicas', 'persistence', 'nodeSelector', 'containerTemplate', 'maxPayload', 'auth']) {
      expect(inServer.stderr).toContain(field);
    }
  });

  it.each([
    ['native: {}', 3],
    ['native: { replicas: 1 }', 1],
    ['native: { replicas: 2 }', 3],
    ['native: { replicas: 5 }', 5],
    ['native: { size: 5 }', 5],
  ])('converts the number of servers to one that JetStream allows: %s', async (native, replicas) => {
    expect(jsonOf(await migrate(bus(`    ${native}\n`), '-o', 'json'))).toMatchObject({
      spec: { jetstream: { replicas } },
    });
  });

  it('writes the jetstreamExotic bus for an external server, and requires its address', async () => {
    const without = await migrate(EXOTIC);
    expect(without).toMatchObject({ exitCode: 2, stdout: '' });
    expect(without.stderr).toContain('--nats-url');
    const run = await migrate(EXOTIC, '--nats-url', 'nats://nats:4222');
    expect(parse(run.stdout)).toMatchObject({
      metadata: { name: 'default', namespace: 'argo' },
      spec: { jetstreamExotic: { url: 'nats://nats:4222', accessSecret: { name: 'nats', key: 'token' } } },
    });
    expect(run.stdout).toContain('# url was nats://***@stan:4222, clusterID cluster');
    expect(run.stdout).not.toContain('geheim');
    const odd = await migrate(EXOTIC, '--nats-url', 'http://nats:80');
    expect(odd).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('omits and reports fields that the cluster wrote', async () => {
    const fromCluster = bus('    native: {}\n', '  uid: u-1\n  resourceVersion: "7"\n') + 'status: { config: {} }\n';
    const run = await migrate(fromCluster, '-o', 'yaml');
    expect(parse(run.stdout)).not.toHaveProperty('status');
    expect(run.stderr).toMatch(/uid, resourceVersion, status/);
  });

  it('reads folders and standard input, and ignores other objects', async () => {
    await writeFile(path.join(folder, 'a.yaml'), NATIVE);
    const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n';
    await writeFile(path.join(folder, 'b.yaml'), `${EXOTIC.replace('default', 'second')}---\n${other}`);
    const both = await runSluice(['migrate', 'eventbus', '-f', folder, '--nats-url', 'nats://nats:4222', '-o', 'name']);
    expect(both.stdout).toBe('EventBus/default\nEventBus/second\n');
    expect(both.stderr).toContain('1 other object left out');
    const piped = await runSluice(['migrate', 'eventbus', '-f', '-'], { stdin: NATIVE });
    expect(parse(piped.stdout)).toMatchObject({ spec: { jetstream: {} } });
    const two = await runSluice(['migrate', 'eventbus', '-f', folder, '--nats-url', 'nats://nats:4222']);
    expect((await loadManifestText(two.stdout, 'out')).documents).toHaveLength(2);
  });

  it.each([
    [
      'a bus that needs no migration',
      NATIVE.replace(/ {2}nats:[^]*/, '  jetstream: { version: latest }\n'),
      'No EventBus on NATS',
    ],
    ['a bus with a mistake', NATIVE.replace('maxAge', 'maxAgee'), 'MANIFEST_INVALID'],
  ])('writes nothing for %s', async (_what, text, message) => {
    const run = await migrate(text);
    expect({ stdout: run.stdout, failed: run.exitCode !== 0 }).toEqual({ stdout: '', failed: true });
    expect(run.stderr).toContain(message);
  });
});
