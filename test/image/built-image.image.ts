/**
 * The image of the Dockerfile, built and started for real (`npm run test:image`): what is in it, and the pods of the
 * chart from it, as a kubelet has them started. The images that it begins with are stand-ins (dev/image/stand-in-bases.ts).
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Redis from 'ioredis';
import { parse, parseAllDocuments } from 'yaml';
import { buildImage, type BuiltImage } from '../../dev/image/build-image';
import { runInImage, startContainer } from '../../dev/image/container';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { startOnFreePorts } from '../../dev/processes/free-ports';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import { repoRoot } from '../../dev/repo-root';
import type { StatusCondition } from '../../src/controller/object-conditions';
import { parseKubernetesObject, type KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { CHART } from '../deploy/chart-values';
import { helm } from '../deploy/helm';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { startPod, type StartedPod } from './started-pod';

const REVISION = '0123456789abcdef';
/** What the health check of docker-compose.yml looks for. */
const MANIFESTS_APPLIED = /^sluice_manifests_applied(\{.*\})? 1$/m;
const WORKERS = ['sluice-controller', 'sluice-event-source-worker', 'sluice-sensor-worker'];

let image: BuiltImage;
beforeAll(async () => {
  image = await buildImage({ REVISION });
  // A busy machine took over twenty minutes.
}, 3_600_000);
afterAll(() => image?.remove());

const shell = (script: string): Promise<string> => runInImage(image, { entrypoint: ['sh', '-euc'], args: [script] });

describe('the built image', () => {
  it('says what it is, and of which commit and base', () => {
    const { version, license } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as Record<string, string>;
    const { Labels, ExposedPorts } = image.configuration;
    expect(Labels).toMatchObject({
      'org.opencontainers.image.title': 'Sluice',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
      'org.opencontainers.image.revision': REVISION,
      'org.opencontainers.image.base.name': expect.stringContaining('node') as string,
    });
    expect(Object.keys(ExposedPorts).sort()).toEqual(['12000/tcp', '7777/tcp', '8081/tcp']);
  }); // prettier-ignore

  it('runs as a user without root, who can write to nothing but /tmp', async () => {
    expect(image.configuration.User).toBe('10001:10001');
    expect(await shell('id -un; touch /tmp/mine && echo written')).toBe('sluice\nwritten');
    await expect(shell('touch /app/mine')).rejects.toThrow('Read-only file system');
    // Nor could they if the root were writable.
    expect(await shell('find / -xdev \\( -path /proc -o -path /tmp -o -path /var/tmp -o -path /run/lock \\) -prune -o ! -type l -perm -0002 -print 2>/dev/null || true')).toBe('');
    expect(await shell('find / -xdev -path /proc -prune -o -path /tmp -prune -o -user 10001 -print 2>/dev/null || true')).toBe('');
  }); // prettier-ignore

  it('contains the product, its licences and its bill of materials, and no tool that built it', () => {
    expect(readdirSync(join(image.rootPath, 'app')).sort()).toEqual(['LICENSE', 'dist', 'node_modules', 'package.json']);
    const { dependencies, peerDependencies, devDependencies } = JSON.parse(
      readFileSync(join(repoRoot, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    const packages = installedPackages(join(image.rootPath, 'app', 'node_modules'));
    expect(packages).toEqual(expect.arrayContaining(Object.keys({ ...dependencies, ...peerDependencies })));
    expect(packages.filter((name) => ['typescript', 'jest', 'eslint', 'prettier'].includes(name))).toEqual([]);
    expect(Object.keys(devDependencies ?? {})).toContain('typescript');
    for (const left of ['usr/local/go', 'go', 'root/.npm']) expect(existsSync(join(image.rootPath, left))).toBe(false);
    const listed = JSON.parse(readFileSync(join(image.rootPath, 'app/dist/sbom.cdx.json'), 'utf8')) as {
      readonly bomFormat: string;
      readonly components: ReadonlyArray<{ readonly group?: string; readonly name: string }>;
    };
    expect(listed.bomFormat).toBe('CycloneDX');
    const names = listed.components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
    expect(names).toEqual(expect.arrayContaining(packages));
    const notices = readFileSync(join(image.rootPath, 'app/dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['zod', 'github.com/itchyny/gojq']) expect(notices).toContain(`${name} `);
  }); // prettier-ignore

  it('has the command, with its expressions, and the programs for Git repositories', async () => {
    const examples = { '/examples': join(repoRoot, 'examples') };
    const validated = await runInImage(image, {
      entrypoint: ['sluice'],
      args: ['validate', '-f', '/examples/water-bodies'],
      mounts: examples,
    });
    expect(validated).toContain('✓');
    expect(await shell('git --version && ssh -V 2>&1')).toMatch(/git version[^]*OpenSSH/);
  });

  it('reaps processes that others leave behind', async () => {
    // A kubelet counts them against the limit of the pod.
    const script = `
      const { execFileSync } = require('node:child_process');
      const { readdirSync, readFileSync } = require('node:fs');
      execFileSync('sh', ['-c', '(sleep 0.2; exit 0) & exit 0']);
      setTimeout(() => {
        const states = readdirSync('/proc').filter((name) => /^\\d+$/.test(name))
          .map((name) => /State:\\s+(\\S)/.exec(readFileSync('/proc/' + name + '/status', 'utf8'))[1]);
        console.log(JSON.stringify(states.filter((state) => state === 'Z')));
      }, 1000);`;
    expect(await runInImage(image, { args: ['-e', script] })).toBe('[]');
  });
});

describe('pods of the chart, from this image', () => {
  let cluster: ClusterOfOne;
  let release: TestNamespace;
  let api: ApiClient;
  let redis: Redis;
  let pods: readonly StartedPod[] = [];

  beforeAll(async () => {
    cluster = await startClusterOfOne({ temporal: { own: true } });
    release = await createTestNamespace(cluster.kubernetes, 'release');
    api = await cluster.kubernetes.connect();
    redis = new Redis(cluster.redis.url);
    await helm(['install', 'sluice', CHART], {
      kubeconfigPath: cluster.kubernetes.kubeconfigPath,
      namespace: release.name,
      values: {
        temporal: { address: cluster.environment['TEMPORAL_ADDRESS'] ?? '' },
        nats: { url: cluster.nats.url },
        configuration: { SLUICE_HOST_ALIASES: `redis-service:6379=${cluster.redis.host}:${cluster.redis.port}` },
        namespaces: [cluster.namespace.name],
      },
    });
    pods = await Promise.all(WORKERS.map((name) => startPod(image, cluster.kubernetes, release.name, name)));
  }, 300_000);
  afterAll(async () => {
    await Promise.all(pods.map((pod) => pod.remove()));
    redis?.disconnect();
    api?.close();
    await release?.remove();
    await cluster?.stop();
  });

  const objects = async (plural: string): Promise<readonly KubernetesObject[]> => {
    const { body } = await api.expect('GET', `/apis/argoproj.io/v1alpha1/namespaces/${cluster.namespace.name}/${plural}`);
    return (body as { items: KubernetesObject[] }).items;
  }; // prettier-ignore
  const isReady = (plural: string) => async (): Promise<boolean> =>
    (await objects(plural)).every(({ status }) => {
      const { conditions = [] } = (status ?? {}) as { conditions?: StatusCondition[] };
      return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    });

  it('answers the probes, and serves metrics', async () => {
    for (const { healthUrl, metricsUrl } of pods) {
      expect((await fetch(`${healthUrl}/healthz`)).status).toBe(200);
      expect((await fetch(`${healthUrl}/readyz`)).status).toBe(200);
      expect(await (await fetch(metricsUrl)).text()).toContain('sluice_');
    }
  });

  it('runs only processes of user 10001, without capabilities', () => {
    for (const { pid } of pods) {
      const inside = descendants(pid).filter(({ name }) => !['unshare', 'runc'].includes(name));
      expect(inside.map(({ name }) => name)).toEqual(expect.arrayContaining(['tini', 'node']));
      for (const { users, capabilities } of inside) {
        expect(users).toEqual(['10001', '10001', '10001', '10001']);
        expect(capabilities).toMatch(/^0+$/);
      }
    }
  });

  it('turns an event into a Workflow', async () => {
    for (const file of ['event-bus', 'event-source', 'sensor', 'workflow-template']) {
      for (const document of parseAllDocuments(readFileSync(join(repoRoot, `examples/water-bodies/${file}.yaml`), 'utf8'))) {
        const object = parseKubernetesObject(document.toJS(), file);
        const plural = object.kind === 'EventBus' ? 'eventbus' : `${object.kind.toLowerCase()}s`;
        const group = object.apiVersion === 'v1' ? '/api/v1' : `/apis/${object.apiVersion}`;
        await api.expect('POST', `${group}/namespaces/${cluster.namespace.name}/${plural}`, object);
      }
    }
    for (const plural of ['eventbus', 'eventsources', 'sensors']) await eventually(isReady(plural));
    await redis.xadd('stac-items', '*', 'subject', 'first', 'producer', 'test', 'href', 'https://stac.example/items/first');
    await eventually(async () => JSON.stringify(await objects('workflows')).includes('items/first'));
  }); // prettier-ignore

  it('ends on SIGTERM within the grace period, hands over, and was refused nothing', async () => {
    const codes = await Promise.all(pods.map((pod) => pod.terminate()));
    expect(codes).toEqual([0, 0, 0]);
    for (const pod of pods) {
      expect(await pod.readLog()).not.toMatch(/EROFS|EACCES|ENOSPC|KUBERNETES_REFUSED|WORKER_RESTRICTED|forbidden/i);
    }
  });
});

describe('the service sluice of docker-compose.yml, from this image', () => {
  it('turns the first event of the file into a Workflow', async () => {
    const text = readFileSync(join(repoRoot, 'docker-compose.yml'), 'utf8');
    const { services } = parse(text) as {
      readonly services: {
        readonly sluice: {
          readonly environment: Readonly<Record<string, string>>;
          readonly healthcheck: { readonly test: readonly string[] };
        };
      };
    };
    expect(services.sluice.healthcheck.test.join()).toContain(MANIFESTS_APPLIED.source.replace('$', '$$$$'));
    const cluster = await startClusterOfOne({ temporal: { own: true } });
    const redis = new Redis(cluster.redis.url);
    const api = await cluster.kubernetes.connect();
    const kubeconfigFolder = await createTemporaryFolder('compose');
    try {
      await chmod(kubeconfigFolder, 0o755);
      const kubeconfig = await readFile(cluster.kubernetes.kubeconfigPath, 'utf8');
      const ca = await readFile(cluster.kubernetes.caPath, 'base64');
      // As that of k3s, which can be read by everybody and contains the certificate.
      await writeFile(
        join(kubeconfigFolder, 'kubeconfig.yaml'),
        kubeconfig.replace(/certificate-authority: .*/, `certificate-authority-data: ${ca}`),
        { mode: 0o644 },
      );
      // The servers listen elsewhere than those of the file, and the namespace is the test's.
      const elsewhere: ReadonlyArray<readonly [string, string]> = [
        ['temporal:7233', cluster.environment['TEMPORAL_ADDRESS'] ?? ''],
        ['nats://nats:4222', cluster.nats.url],
        ['=redis:6379', `=${cluster.redis.host}:${cluster.redis.port}`],
      ];
      const environment = Object.fromEntries(
        Object.entries(services.sluice.environment).map(([name, value]) => [
          name,
          elsewhere.reduce((current, [from, to]) => current.replace(from, to), value),
        ]),
      );
      await startOnFreePorts([undefined, undefined], async (health, metrics) => {
        const container = await startContainer(image, {
          args: image.configuration.Cmd,
          environment: {
            ...environment,
            SLUICE_NAMESPACE: cluster.namespace.name,
            SLUICE_HEALTH_PORT: String(health),
            SLUICE_METRICS_PORT: String(metrics),
          },
          mounts: { '/manifests': join(repoRoot, 'examples/water-bodies'), '/kubernetes': kubeconfigFolder },
          isReady: async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok,
        });
        const metricsUrl = `http://127.0.0.1:${metrics}/metrics`;
        try {
          // Healthy, as `up --wait` waits for it; the group reads what comes after it was made.
          await eventually(async () => MANIFESTS_APPLIED.test(await (await fetch(metricsUrl)).text()));
          await eventually(async () => ((await redis.xinfo('GROUPS', 'stac-items')) as unknown[]).length > 0);
          const [, event = ''] = /redis-cli XADD (.*)$/m.exec(text) ?? [];
          const [stream = '', ...fields] = event.replaceAll("'", '').split(' ');
          await redis.xadd(stream, ...fields);
          const path = `/apis/argoproj.io/v1alpha1/namespaces/${cluster.namespace.name}/workflows`;
          await eventually(async () => JSON.stringify((await api.expect('GET', path)).body).includes('items/1'));
        } finally {
          await container.stop();
        }
      });
    } finally {
      redis.disconnect();
      api.close();
      await cluster.stop();
      await removeFolder(kubeconfigFolder);
    }
  }, 300_000);
});

/** Names as in package.json, of the top level. */
function installedPackages(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(folder, name)).map((each) => `${name}/${each}`) : [name],
    );
}

interface Process {
  readonly name: string;
  /** Real, effective, saved, of the file system. */
  readonly users: readonly string[];
  readonly capabilities: string;
}

function descendants(pid: number): readonly Process[] {
  // Of the thread that started them.
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter(Boolean)
    .map(Number);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (field: string): string => new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(status)?.[1] ?? '';
  return [
    { name: read('Name'), users: read('Uid').split('\t'), capabilities: read('CapEff') },
    ...children.flatMap(descendants),
  ];
}
