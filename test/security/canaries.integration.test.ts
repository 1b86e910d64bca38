/** Secrets of every kind, used rightly and wrongly by real workers; afterwards none of them is in anything written. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { startArgoControllerStandIn } from '../../dev/argo-controller-stand-in';
import { startTemporal } from '../../dev/servers';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { jsonOf, runSluice, type CliRun } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { createTestNamespace } from '../setup/test-namespace';
import { freePort } from '../sources/free-port';
import { SpanReceiver } from '../tracing/span-receiver';
import { call, callEncrypted, callsWithCredentials } from './callers';
import { Canaries, type Place } from './canaries';
import { canaryManifests, FAILING, WORKING } from './canary-manifests';
import { startCanaryServers, type CanaryServers } from './canary-servers';
import { readFolder, readNats, readTemporal } from './written';

interface ShownFire {
  readonly trigger: string;
  readonly state: string;
  readonly failure?: { readonly code: string };
}

/** Read once, while everything runs. */
interface Evidence {
  readonly temporal: readonly Place[];
  readonly nats: readonly Place[];
  readonly logs: readonly Place[];
  readonly rest: readonly Place[];
  /** Trigger → state of its fire. */
  readonly fires: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly statuses: ReadonlyArray<readonly [status: number, expected: number]>;
}

const canaries = new Canaries();
/** In addresses that manifests hold, so that Temporal must have them. */
const inManifests = new Canaries();
/** Data of an event, which is kept: proves that the search finds what is there. */
const control = new Canaries();

const closing: Array<() => Promise<unknown>> = [];
let servers: CanaryServers;
let evidence: Evidence;

async function keep<Part>(starting: Promise<Part>, end: (part: Part) => Promise<unknown>): Promise<Part> {
  const part = await starting;
  closing.push(() => end(part));
  return part;
}

beforeAll(async () => {
  const folder = await keep(mkdtemp(join(tmpdir(), 'sluice-canaries-')), (path) => rm(path, { recursive: true }));
  servers = await keep(startCanaryServers(canaries), (all) => all.stop());
  const kubernetes = await sharedKubernetes();
  canaries.keep('token of the API server', kubernetes.adminToken);
  const [database, scratch] = [join(folder, 'database'), join(folder, 'scratch')];
  await Promise.all([mkdir(database), mkdir(scratch)]);
  const [temporal, namespace] = await Promise.all([
    keep(startTemporal({ own: true, headless: true, databasePath: join(database, 'temporal.db') }), (one) =>
      one.stop(),
    ),
    keep(createTestNamespace(kubernetes, 'canaries'), (one) => one.remove()),
  ]);
  await keep(startArgoControllerStandIn({ kubernetes, namespace: namespace.name, durationMs: 200 }), (one) =>
    one.stop(),
  );
  const collector = new SpanReceiver();
  const ports = { plain: await freePort(), tls: await freePort() };
  const environment = {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'default',
    KUBECONFIG: kubernetes.kubeconfigPath,
    SLUICE_NAMESPACE: namespace.name,
    SLUICE_LOG_LEVEL: 'trace',
    SLUICE_SLACK_API_URL: `${servers.http.url}/slack/`,
    OTEL_EXPORTER_OTLP_ENDPOINT: await keep(collector.start(), () => collector.stop()),
    TMPDIR: scratch,
  };
  await namespace.api.expect('POST', `/api/v1/namespaces/${namespace.name}/secrets`, {
    metadata: { name: 'canaries' },
    stringData: {
      ...servers.secrets,
      'bus-access': `username: bus\npassword: ${servers.secrets['bus-password']}\n`,
      'wrong-access': `username: bus\npassword: ${servers.secrets['wrong-password']}\n`,
      ...{
        'git-user': 'reader',
        's3-user': 'reader',
        'http-user': 'me',
        'nats-user': 'trigger',
        'kafka-user': 'sluice',
      },
    },
  });
  const start = (entry: 'event-source' | 'sensor'): Promise<RunningWorker> =>
    keep(startWorker(entry, environment), (worker) => worker.stop());
  const workers = await Promise.all([start('event-source'), start('sensor')]);
  const printed: Place[] = [];
  const sluice = async (...words: readonly string[]): Promise<CliRun> => {
    const run = await runSluice([...words, '--debug'], { env: environment });
    const name = `sluice ${words.slice(0, 2).join(' ')}`;
    printed.push({ name, content: run.stdout }, { name, content: run.stderr });
    return run;
  };
  const manifests = join(folder, 'all.yaml');
  const urlToken = inManifests.plant('token in an address');
  await writeFile(manifests, canaryManifests(servers, ports, urlToken));
  await sluice('apply', '-f', manifests, '--skip-secret-check', '-o', 'json');
  await eventually(async () => (await fetch(`http://127.0.0.1:${ports.plain}/health`)).ok);
  const redis = new Redis(servers.redis.url);
  closing.push(() => Promise.resolve(redis.disconnect()));
  await redis.xadd('entries', '*', 'n', '1');
  const calls = callsWithCredentials(canaries, servers.secrets['webhook-token'] ?? '', control.plant('data'));
  const statuses: Array<readonly [number, number]> = [];
  for (const one of calls) {
    statuses.push([await call(one, ports.plain), one.expected]);
    if (one.expected === 200) statuses.push([await callEncrypted(one, ports), one.expected]);
  }
  const fires: Record<string, Record<string, string>> = {};
  for (const sensor of [WORKING, FAILING]) {
    fires[sensor] = await eventually(
      async () => {
        const { runs } = jsonOf<{ runs: ReadonlyArray<{ id: string }> }>(
          await sluice('runs', 'list', '--sensor', sensor, '-o', 'json'),
        );
        const [run] = runs;
        if (run === undefined) return undefined;
        const shown = jsonOf<{ fires: readonly ShownFire[] | null }>(
          await sluice('runs', 'show', run.id, '-o', 'json'),
        );
        const isFiring = shown.fires?.some(({ state }) => ['Firing', 'Retrying', 'Waiting'].includes(state)) ?? true;
        return isFiring ? undefined : Object.fromEntries(shown.fires?.map((fire) => [fire.trigger, fire.state]) ?? []);
      },
      { timeoutMs: 90_000 },
    );
  }
  await sluice('list', '-o', 'json');
  for (const object of ['bus/default', 'bus/refused', 'source/hooks', 'source/redis', 'source/unheard']) {
    await sluice('status', object, '-o', 'json');
  }
  for (const sensor of [WORKING, FAILING, 'reports', 'reads', 'unheard']) {
    await sluice('status', `sensor/${sensor}`, '-o', 'json');
    await sluice('status', `sensor/${sensor}`);
  }
  const { decisions } = jsonOf<{ decisions: ReadonlyArray<{ eventKey: string }> }>(
    await sluice('events', '-o', 'json'),
  );
  for (const key of new Set(decisions.map(({ eventKey }) => eventKey))) await sluice('explain', key, '-o', 'json');
  const event = join(folder, 'event.json');
  await writeFile(event, JSON.stringify({ body: { n: 1 } }));
  await sluice(
    'test',
    '-f',
    manifests,
    '--event-source',
    'hooks',
    '--event-name',
    'go',
    '--event',
    event,
    '-o',
    'json',
  );

  const metrics = await Promise.all(workers.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()));
  const health = await Promise.all(workers.map(async ({ healthUrl }) => (await fetch(`${healthUrl}/readyz`)).text()));
  const objects = await namespace.api.expect(
    'GET',
    `/apis/argoproj.io/v1alpha1/namespaces/${namespace.name}/workflows`,
  );
  evidence = {
    temporal: [...(await readFolder('file', database)), ...(await readTemporal(temporal.address))],
    nats: await readNats(servers.nats.url, servers.natsAdmin.user, servers.natsAdmin.pass),
    logs: await Promise.all(
      workers.map(async ({ logPath }) => ({ name: 'log of a worker', content: await readFile(logPath) })),
    ),
    rest: [
      ...printed,
      ...(await readFolder('scratch file', scratch)),
      ...metrics.map((content) => ({ name: 'metrics', content })),
      ...health.map((content) => ({ name: 'health', content })),
      ...collector.texts.map((content) => ({ name: 'spans', content })),
      { name: 'created Workflows', content: JSON.stringify(objects.body) },
      { name: 'outcomes in Redis', content: JSON.stringify(await redis.xrange('outcomes', '-', '+')) },
    ],
    fires,
    statuses,
  };
}, 180_000);
afterAll(async () => {
  for (const end of closing.splice(0).reverse()) await end();
});

describe('secrets', () => {
  it('are used, rightly and wrongly', () => {
    const { works, fails } = evidence.fires;
    expect(new Set(Object.values(works ?? {}))).toEqual(new Set(['Succeeded']));
    expect(new Set(Object.values(fails ?? {}))).toEqual(new Set(['Parked']));
    expect(evidence.statuses.filter(([status, expected]) => status !== expected)).toEqual([]);
    expect(canaries.findIn([{ name: 'receiver', content: JSON.stringify(servers.http.requests) }])).not.toEqual([]);
  });

  it('would be found next to event data', () => {
    expect(control.findIn(evidence.temporal)).toContainEqual(expect.stringContaining('history of run/'));
    expect(control.findIn(evidence.temporal)).toContainEqual(expect.stringContaining('temporal.db'));
    expect(control.findIn(evidence.nats)).toContainEqual(expect.stringContaining('message of default'));
  });

  it('are not in Temporal', () => {
    expect(canaries.findIn(evidence.temporal)).toEqual([]);
  });

  it('are not in any stream or bucket of the bus', () => {
    expect([...canaries.findIn(evidence.nats), ...inManifests.findIn(evidence.nats)]).toEqual([]);
  });

  it('are not in any log of a worker', () => {
    expect([...canaries.findIn(evidence.logs), ...inManifests.findIn(evidence.logs)]).toEqual([]);
  });

  it('are not in any metric, span, file, object, outcome or command output', () => {
    expect(canaries.findIn(evidence.rest)).toEqual([]);
    // `test` shows what a manifest on this machine would send, and `status` gives the applied manifest back.
    const shown = evidence.rest.filter(({ name }) => name !== 'sluice test').map(withoutManifest);
    expect(inManifests.findIn(shown)).toEqual([]);
  });
});

function withoutManifest(place: Place): Place {
  const text = String(place.content);
  if (!place.name.startsWith('sluice status ') || !text.startsWith('{')) return place;
  const withoutOne = (key: string, value: unknown): unknown => (key === 'manifest' ? undefined : value);
  return { ...place, content: JSON.stringify(JSON.parse(text), withoutOne) };
}
