import { Client, Connection } from '@temporalio/client';
import Redis from 'ioredis';
import { eventually } from '../setup/eventually';
import { startControlledNamespace, type ControlledNamespace } from './controlled-namespace';

describe('the controller', () => {
  let cluster: ControlledNamespace;
  let redis: Redis;

  beforeAll(async () => {
    cluster = await startControlledNamespace();
    redis = new Redis(cluster.redis.url);
    await cluster.startWorkers();
    await cluster.startController();
  });
  afterAll(async () => {
    redis?.disconnect();
    await cluster?.stop();
  });

  const meta = (name: string): string => `metadata: { name: ${name}, namespace: ${cluster.namespace.name} }`;
  const bus = (): string => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
${meta('default')}
spec: { jetstreamExotic: { url: '${cluster.nats.url}' } }
`;
  const source = (): string => `apiVersion: argoproj.io/v1alpha1
kind: EventSource
${meta('stac')}
spec:
  redisStream:
    items: { hostAddress: '${cluster.redis.host}:${cluster.redis.port}', consumerGroup: g, streams: [scenes] }
`;
  const sensor = (name: string, template: string, extra = ''): string => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
${meta(name)}
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: make, ${template} } }]
  ${extra}
`;
  const makesWorkflow = (label: string): string =>
    `k8s: { operation: create, source: { resource: { apiVersion: argoproj.io/v1alpha1, kind: Workflow,
       metadata: { generateName: scene-, labels: { version: ${label} } }, spec: { entrypoint: main } } } }`;
  const versions = async (): Promise<readonly string[]> =>
    (await cluster.workflows()).map(({ metadata }) => metadata.labels?.['version'] ?? '').sort();
  const isReady = (kind: string, name: string) => async (): Promise<boolean> =>
    (await cluster.conditions(kind, name))['Ready'] === 'True: Ready';

  it('runs objects that were created in any order, and writes the observed state into their status', async () => {
    await cluster.put(source());
    await cluster.put(sensor('scenes', makesWorkflow('first')));
    await cluster.put(bus());
    for (const [kind, name] of [
      ['EventBus', 'default'],
      ['EventSource', 'stac'],
      ['Sensor', 'scenes'],
    ] as const)
      await eventually(isReady(kind, name));
    expect(await cluster.conditions('EventBus', 'default')).toEqual({
      Configured: 'True: Valid',
      Deployed: 'True: Ready',
      Ready: 'True: Ready',
    });
    expect(await cluster.conditions('EventSource', 'stac')).toEqual({
      SourcesProvided: 'True: Valid',
      EventBusProvided: 'True: EventBusFound',
      Deployed: 'True: Ready',
      Ready: 'True: Ready',
    });
    expect(await cluster.conditions('Sensor', 'scenes')).toEqual({
      DependenciesProvided: 'True: Valid',
      TriggersProvided: 'True: Valid',
      EventBusProvided: 'True: EventBusFound',
      Deployed: 'True: Ready',
      Ready: 'True: Ready',
    });
    expect(await cluster.status('Sensor', 'scenes')).toMatchObject({ observedGeneration: 1 });
    expect(await cluster.listed()).toEqual(['EventBus/default Ready', 'EventSource/stac Ready', 'Sensor/scenes Ready']);
  });

  it('turns an event into a Workflow', async () => {
    await redis.xadd('scenes', '*', 'href', 'https://stac.example/items/1');
    await eventually(async () => (await versions()).join() === 'first');
  });

  it('keeps the last valid version running while the status shows the problem of a faulty one', async () => {
    await cluster.put(sensor('scenes', 'logg: {}'));
    const conditions = await eventually(async () => {
      const found = await cluster.conditions('Sensor', 'scenes');
      return found['TriggersProvided'] === 'False: InvalidTriggers' && found;
    });
    expect(conditions).toMatchObject({
      DependenciesProvided: 'True: Valid',
      Deployed: 'False: InvalidSpec',
      Ready: 'False: InvalidTriggers',
      Stalled: 'True: InvalidSpec',
    });
    const status = await cluster.status('Sensor', 'scenes');
    expect(status?.observedGeneration).toBe(2);
    const { message } = status?.conditions.find(({ type }) => type === 'Deployed') ?? {};
    expect(message).toMatch(/^generation 2 is not valid; the version applied before is Ready\n/);
    expect(message).toContain('Sensor/scenes spec.triggers[0].template.logg: unknown field');
    const events = await eventually(async () => {
      const found = await cluster.events('scenes');
      return found.some((event) => event.startsWith('Warning InvalidSpec')) && found;
    });
    expect(events).toContainEqual(expect.stringContaining('spec.triggers[0].template.logg: unknown field'));
    await redis.xadd('scenes', '*', 'href', 'https://stac.example/items/2');
    await eventually(async () => (await versions()).join() === 'first,first');
  });

  it('restarts the last valid version of a faulty object whose workflow was terminated', async () => {
    const { name } = cluster.namespace;
    const connection = await Connection.connect({ address: cluster.environment['TEMPORAL_ADDRESS'] });
    try {
      const handle = new Client({ connection }).workflow.getHandle(`sensor/${name}/scenes`);
      const { runId } = await handle.describe();
      await handle.terminate('too early');
      await eventually(async () => {
        const description = await handle.describe();
        return description.runId !== runId && description.status.name === 'RUNNING';
      });
    } finally {
      await connection.close();
    }
    expect(await cluster.events('scenes')).toContainEqual(expect.stringMatching(/^Warning Restored: .*too early/));
    await eventually(async () => (await cluster.listed()).includes('Sensor/scenes Ready'));
    expect(await cluster.conditions('Sensor', 'scenes')).toMatchObject({ Stalled: 'True: InvalidSpec' });
    const before = (await versions()).length;
    await redis.xadd('scenes', '*', 'href', 'https://stac.example/items/2b');
    await eventually(async () => (await versions()).length === before + 1 && (await versions()).at(-1) === 'first');
    await eventually(async () => (await cluster.listed()).includes('Sensor/scenes Ready'));
  });

  it('does not block other objects because of a faulty one, and applies its correction', async () => {
    await cluster.put(sensor('other', 'log: {}'));
    await eventually(isReady('Sensor', 'other'));
    await cluster.put(sensor('scenes', makesWorkflow('second')));
    await eventually(isReady('Sensor', 'scenes'));
    expect(await cluster.conditions('Sensor', 'scenes')).not.toHaveProperty('Stalled');
    await redis.xadd('scenes', '*', 'href', 'https://stac.example/items/3');
    await eventually(async () => (await versions()).join() === 'first,first,first,second');
  });

  it('names a dependency whose event source is missing in the status of a ready sensor, until it is there', async () => {
    const messageOf = async (): Promise<string | undefined> =>
      (await cluster.status('Sensor', 'early'))?.conditions.find(({ type }) => type === 'DependenciesProvided')
        ?.message;
    await cluster.put(sensor('early', 'log: {}').replace('eventSourceName: stac', 'eventSourceName: later'));
    await eventually(isReady('Sensor', 'early'));
    expect(await messageOf()).toMatch(
      /dependency item waits for event items of EventSource .*later, which is not applied/,
    );
    await cluster.put(source().replace('name: stac', 'name: later'));
    await eventually(async () => (await messageOf()) === '', { timeoutMs: 150_000 });
    await cluster.remove('Sensor', 'early');
    await cluster.remove('EventSource', 'later');
    await eventually(async () => !(await cluster.listed()).some((line) => /early|later/.test(line)));
  }, 240_000);

  it('restarts a terminated workflow', async () => {
    const { name } = cluster.namespace;
    const connection = await Connection.connect({ address: cluster.environment['TEMPORAL_ADDRESS'] });
    try {
      const handle = new Client({ connection }).workflow.getHandle(`sensor/${name}/scenes`);
      const { runId } = await handle.describe();
      await handle.terminate('by mistake');
      await eventually(async () => {
        const description = await handle.describe();
        return description.runId !== runId && description.status.name === 'RUNNING';
      });
      await eventually(isReady('Sensor', 'scenes'));
      expect(await cluster.events('scenes')).toContainEqual(expect.stringMatching(/^Warning Restored: .*by mistake/));
    } finally {
      await connection.close();
    }
  });

  it('deletes objects that were deleted while it was down, but not those that a command applied', async () => {
    const own = await cluster.manifest('own.yaml', sensor('by-command', 'log: {}'));
    expect(await cluster.sluice(['apply', '-f', own])).toMatchObject({ exitCode: 0 });
    await cluster.killController();
    await cluster.remove('Sensor', 'other');
    await cluster.put(sensor('late', 'log: {}'));
    await cluster.startController();
    await eventually(isReady('Sensor', 'late'));
    await eventually(async () => !(await cluster.listed()).includes('Sensor/other Ready'));
    expect(await cluster.listed()).toEqual([
      ...['EventBus/default Ready', 'EventSource/stac Ready'],
      ...['Sensor/by-command Ready', 'Sensor/late Ready', 'Sensor/scenes Ready'],
    ]);
  });

  it('deletes objects, a bus after everything that uses it', async () => {
    await cluster.remove('EventBus', 'default');
    for (const name of ['scenes', 'late']) await cluster.remove('Sensor', name);
    await eventually(
      async () =>
        (await cluster.listed()).join() === 'EventBus/default Ready,EventSource/stac Ready,Sensor/by-command Ready',
    );
    await cluster.remove('EventSource', 'stac');
    expect(await cluster.sluice(['delete', 'sensor/by-command'])).toMatchObject({ exitCode: 0 });
    await eventually(async () => (await cluster.listed()).length === 0);
  });

  it('makes the Service of an EventSource, and removes it with the field or the object', async () => {
    const { api, name } = cluster.namespace;
    const webhook = (fields: string): string => `apiVersion: argoproj.io/v1alpha1
kind: EventSource
${meta('hooks')}
spec:
  webhook: { push: { endpoint: /push, method: POST, port: '12999' } }
  ${fields}
`;
    const service = async (): Promise<Record<string, unknown> | undefined> => {
      const { status, body } = await api.send('GET', `/api/v1/namespaces/${name}/services/hooks-eventsource-svc`);
      return status === 404 ? undefined : (body as Record<string, unknown>);
    };
    const asked = `service: { ports: [{ name: http, port: 80, targetPort: 12999 }], metadata: { labels: { team: eo } } }`;
    await cluster.put(bus());
    const source = await cluster.put(webhook(asked));
    const made = await eventually(service);
    expect(made).toMatchObject({
      metadata: {
        labels: { team: 'eo', 'eventsource-name': 'hooks' },
        ownerReferences: [{ kind: 'EventSource', name: 'hooks', uid: source.metadata.uid, controller: true }],
      },
      spec: {
        type: 'ClusterIP',
        selector: { 'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'event-source-worker' },
        ports: [{ name: 'http', port: 80, targetPort: 12_999, protocol: 'TCP' }],
      },
    });
    await eventually(async () =>
      (await cluster.events('hooks')).includes('Normal ServiceCreated: Service hooks-eventsource-svc was created'),
    );
    await cluster.put(webhook(''));
    await eventually(async () => (await service()) === undefined);
    await cluster.put(webhook(asked));
    await eventually(service);
    await cluster.remove('EventSource', 'hooks');
    await eventually(async () => (await service()) === undefined);
    await cluster.remove('EventBus', 'default');
    await eventually(async () => (await cluster.listed()).length === 0);
  });

  it('takes only objects of its class, and ends one that leaves it', async () => {
    await cluster.killController();
    await cluster.startController({ SLUICE_CONTROLLER_CLASS: 'eo' });
    const ofClass = (yaml: string): string => yaml.replace(' }\n', ', labels: { sluice.io/class: eo } }\n');
    await cluster.put(sensor('without', 'log: {}'));
    await cluster.put(ofClass(bus()));
    await cluster.put(ofClass(sensor('within', 'log: {}')));
    await eventually(isReady('Sensor', 'within'));
    expect(await cluster.status('Sensor', 'without')).toBeUndefined();
    await cluster.put(sensor('within', 'log: {}'));
    await eventually(async () => (await cluster.listed()).join() === 'EventBus/default Ready');
    await eventually(async () => (await cluster.conditions('Sensor', 'within'))['Ready'] === 'Unknown: NotSelected');
    await cluster.remove('EventBus', 'default');
    await eventually(async () => (await cluster.listed()).length === 0);
  });
});
