/** The listener makes first attempts before it starts the run: docs/decisions/140-act-first.md. */
import { randomBytes } from 'node:crypto';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import { readRunInput } from '../../activities/starting/read-run-input';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { parseDeliveryPosition } from '../../src/clients/nats/delivery-position';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { DecisionRecord } from '../../src/records/decision-record';
import { encodeEvent } from '../../src/event/encode-event';
import type { JsonObject } from '../../src/event/json';
import { eventKey } from '../../src/event/cloud-event';
import { sensorRunWorkflowId } from '../../src/contract/identity';
import { startApiProxy, type ApiExchange, type ApiProxy, type OnAnswered } from '../faults/api-proxy';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy';
import { collect } from '../setup/collect';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { openWorld, type SluiceWorld, type WorldOptions } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';
import { currentDetails, readableHistory } from '../workflows/what-people-see';

jest.setTimeout(240_000);

const BY = { by: 'ada', why: 'test' };

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly data: { readonly event: string };
}

function mapTrigger(fields: JsonObject = {}, metadata: JsonObject = { generateName: 'made-' }): JsonObject {
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { event: 'none' } };
  const parameters = [{ src: { dependencyName: 'a', dataKey: 'name' }, dest: 'data.event' }];
  return { template: { name: 't', k8s: { operation: 'create', source: { resource }, parameters } }, ...fields };
}

/** Servers, with a hook at the API server, and a stage whose workers go through it. */
class ActingStage {
  readonly posts: ApiExchange[] = [];
  /** Before a POST's answer is passed on. */
  onPosted: OnAnswered = () => undefined;
  readonly queue = `act-first-${randomBytes(4).toString('hex')}`;
  readonly stage: Stage;
  private readonly workers: RunningWorker[] = [];

  constructor(
    readonly world: SluiceWorld,
    readonly namespace: TestNamespace,
    readonly api: ApiProxy,
    readonly temporal: TcpProxy,
    readonly nats: NatsConnection,
  ) {
    this.stage = new Stage({ ...world, taskQueue: this.queue }, { namespace: namespace.name });
  }

  /** A process of its own, to be killed or cut off from Temporal. */
  async startProcess(environment: Readonly<Record<string, string>> = {}): Promise<RunningWorker> {
    const worker = await startWorker('sensor', {
      ...environment,
      TEMPORAL_ADDRESS: `127.0.0.1:${this.temporal.port}`,
      TEMPORAL_NAMESPACE: 'default',
      KUBECONFIG: this.api.kubeconfigPath,
      SLUICE_SENSOR_TASK_QUEUE: this.queue,
      SLUICE_LOG_LEVEL: 'warn',
    });
    this.workers.push(worker);
    return worker;
  }

  async startInProcess(): Promise<void> {
    await this.world.startWorker(this.queue, this.api.kubeconfigPath);
  }

  /** Without those that Kubernetes itself puts into a namespace. */
  async maps(): Promise<readonly ConfigMap[]> {
    const path = `/api/v1/namespaces/${this.namespace.name}/configmaps`;
    const { items } = (await this.namespace.api.expect('GET', path)).body as { items: ConfigMap[] };
    return items.filter(({ metadata }) => /^(made|changed)-/.test(metadata.name));
  }

  async remove(map: ConfigMap | undefined): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace.name}/configmaps/${map?.metadata.name ?? ''}`;
    await this.namespace.api.expect('DELETE', path);
  }

  /** As a source does after the bus has forgotten the ids of its events. */
  publishAgain(event: CloudEvent): void {
    this.nats.publish(`default.${event.source}.${event.subject}`, encodeEvent(event));
  }

  /** So that one pull takes them all. */
  async publishTogether(...events: readonly CloudEvent[]): Promise<void> {
    await eventually(() => this.isListening());
    await this.stage.handle.signal('pause', BY);
    await eventually(async () => !(await this.isListening()));
    for (const event of events) this.publishAgain(event);
    await this.nats.flush();
    await this.stage.handle.signal('resume', BY);
  }

  async isListening(): Promise<boolean> {
    const { raw } = await this.stage.handle.describe();
    return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'sluiceListen');
  }

  runOf(event: CloudEvent): WorkflowHandle {
    const id = sensorRunWorkflowId(this.stage.namespace, this.stage.sensor, eventKey(event));
    return this.world.client.workflow.getHandle(id);
  }

  /** Publishes events until the listener makes a first attempt, which it leaves to the run if a server is slow. */
  async parkedAfterActing(): Promise<WorkflowHandle> {
    return await eventually(async () => {
      const event = this.stage.event('a', randomBytes(4).toString('hex'));
      await this.stage.publish(event);
      const run = this.runOf(event);
      await eventually(async () => (await this.stage.runIds('Parked')).includes(run.workflowId));
      if ((await this.stage.fires(run))[0]?.listenerAttempt !== undefined) return run;
      await run.signal('discard', BY);
      return undefined;
    });
  }

  async decisions(decision: DecisionRecord['decision'], count: number): Promise<DecisionRecord[]> {
    return await eventually(async () => {
      const filter = { namespace: this.stage.namespace, decision };
      const found = await collect((await this.stage.bus()).readDecisions(filter));
      return found.length >= count && found;
    });
  }

  async close(): Promise<void> {
    this.onPosted = () => undefined;
    this.temporal.heal();
    await this.stage.remove();
    for (const worker of this.workers) await worker.stop();
    await this.nats.close();
    await Promise.all([this.api.close(), this.temporal.close(), this.namespace.remove()]);
  }
}

async function openStage(world: SluiceWorld): Promise<ActingStage> {
  const seen: { stage?: ActingStage } = {};
  const api = await startApiProxy(world.kubernetes, async (exchange) => {
    const { stage } = seen;
    if (exchange.method !== 'POST' || !exchange.path.endsWith('/configmaps')) return;
    stage?.posts.push(exchange);
    await stage?.onPosted(exchange);
  });
  const temporal = await startTcpProxy(Number(world.temporalAddress.split(':').at(-1)));
  const nats = await connect({ servers: world.nats.url });
  const namespace = await createTestNamespace(world.kubernetes, 'first');
  return (seen.stage = new ActingStage(world, namespace, api, temporal, nats));
}

describe('a listener that acts first', () => {
  let world: SluiceWorld;
  let acting: ActingStage;
  let stage: Stage;

  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    acting = await openStage(world);
    stage = acting.stage;
  });
  afterEach(() => acting.close());

  it('creates the object before the run is started, and the run records by whom, when and where', async () => {
    await acting.startInProcess();
    const event = stage.event('a', '1');
    let wasThere: boolean | undefined;
    acting.onPosted = async () => {
      wasThere = await acting
        .runOf(event)
        .describe()
        .then(
          () => true,
          (error: unknown) => !(error instanceof WorkflowNotFoundError),
        );
    };
    await stage.apply({ triggers: [mapTrigger()] });
    await stage.publish(event);
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 1, action: 'create' }] });
    expect(wasThere).toBe(false);
    const [fire] = await stage.fires(run);
    const { at = '', tookMs = 0, worker = '' } = fire?.listenerAttempt ?? {};
    const { startTime } = await run.describe();
    expect(Date.parse(at) + tookMs).toBeLessThanOrEqual(startTime.getTime() + 1);
    expect(worker).toMatch(/^\d+@./);
    expect(await currentDetails(run)).toContain('The listener made the first attempt before it started this run: at ');
    expect((await readRunInput(world.client, run.workflowId)).listenerAttempts).toMatchObject({
      worker,
      attempts: [{ fireId: fire?.id, at, tookMs, result: { object: fire?.object, existed: false } }],
    });
    expect(await readableHistory(run)).not.toContain('core_local_activity');
    expect(await acting.maps()).toMatchObject([{ metadata: { uid: fire?.object?.uid } }]);
    expect(await acting.decisions('fired', 1)).toMatchObject([{ triggers: ['t'], runId: run.workflowId }]);
  });

  it('leaves one object and one run if the worker is killed between creating the object and starting the run', async () => {
    const deliveries: string[] = [];
    const inboxes = acting.nats.subscribe('_INBOX.>', {
      callback: (_error, message) => {
        const { reply = '' } = message;
        if (parseDeliveryPosition(reply) && message.string().includes(stage.source)) deliveries.push(reply);
      },
    });
    const worker = await acting.startProcess();
    const event = stage.event('a', '1');
    const killed = new Promise<void>((resolve, reject) => {
      acting.onPosted = async () => {
        await worker.kill().then(resolve, reject);
        throw new Error('nobody is left to take the answer');
      };
    });
    await stage.apply({ triggers: [mapTrigger()] });
    await stage.publish(event);
    await killed;
    await expect(acting.runOf(event).describe()).rejects.toThrow(WorkflowNotFoundError);
    expect(acting.posts).toMatchObject([{ status: 201 }]);
    const [made] = await acting.maps();

    acting.onPosted = () => undefined;
    await acting.startProcess();
    // The bus would deliver it again by itself, after two minutes.
    for (const reply of deliveries) acting.nats.publish(reply, '-NAK');
    inboxes.unsubscribe();
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 1 }] });
    const [fire] = await stage.fires(run);
    expect(fire?.object?.uid).toBe(made?.metadata.uid);
    expect(fire?.listenerAttempt).toBeUndefined();
    expect(acting.posts.map(({ status }) => status)).toEqual([201, 409]);
    expect(await acting.maps()).toHaveLength(1);
    expect(await stage.runIds()).toHaveLength(1);
  });

  it('fires only events in hand during a Temporal outage, and neither loses nor duplicates any', async () => {
    const worker = await acting.startProcess();
    const [first, ...later] = ['1', '2', '3', '4'].map((name) => stage.event('a', name)) as [CloudEvent];
    acting.onPosted = () => acting.temporal.cut();
    await stage.apply({ triggers: [mapTrigger()] });
    await stage.publish(first);
    await eventually(() => acting.posts.length === 1);
    // Delivered for a second time: the first time nothing could be done.
    const again = new Set<number>();
    const inboxes = acting.nats.subscribe('_INBOX.>', {
      callback: (_error, message) => {
        const { deliveryCount = 0, sequence = 0 } = parseDeliveryPosition(message.reply ?? '') ?? {};
        if (deliveryCount > 1 && message.string().includes(stage.source)) again.add(sequence);
      },
    });
    await stage.publish(...later);
    await eventually(() => again.size === 4);
    inboxes.unsubscribe();
    expect(acting.posts).toHaveLength(1);
    // It ends and is deleted while Temporal is away: what the worker made, it still knows.
    await acting.remove((await acting.maps())[0]);

    acting.onPosted = () => undefined;
    acting.temporal.heal();
    const names = await eventually(async () => {
      const found = (await acting.maps()).map(({ data }) => data.event);
      return found.filter((name) => name !== '1').length >= 3 && found;
    });
    expect(names.sort()).toEqual(['2', '3', '4']);
    const [record] = (await acting.decisions('fired', 4)).filter(({ eventKey: key }) => key === eventKey(first));
    const run = world.client.workflow.getHandle(record?.runId ?? '');
    await run.result();
    const fires = await stage.fires(run);
    expect(fires.find(({ events }) => events[0] === eventKey(first))).toMatchObject({
      state: 'Succeeded',
      attempts: 1,
      listenerAttempt: { worker: expect.stringContaining(`${worker.pid}@`) as string },
    });
    expect(acting.posts.filter(({ status }) => status === 201)).toHaveLength(4);
  });

  it('creates nothing for an event that is published again after its object was deleted', async () => {
    await acting.startInProcess();
    await stage.apply({ triggers: [mapTrigger()] });
    const event = stage.event('a', '1');
    await stage.publish(event);
    await (await stage.onlyRun()).result();
    await acting.remove((await acting.maps())[0]);
    acting.publishAgain(event);
    expect(await acting.decisions('duplicate', 1)).toMatchObject([{ runId: acting.runOf(event).workflowId }]);
    expect(acting.posts).toHaveLength(1);
    expect(await acting.maps()).toEqual([]);
  });

  it('creates one object for two copies of an event in one batch', async () => {
    await acting.startInProcess();
    await stage.apply({ triggers: [mapTrigger()] });
    const event = stage.event('a', '1');
    await acting.publishTogether(event, event);
    expect(await acting.decisions('fired', 1)).toHaveLength(1);
    expect(await acting.decisions('duplicate', 1)).toHaveLength(1);
    expect(acting.posts.map(({ status }) => status)).toEqual([201]);
  });

  it('leaves a hanging attempt to its run, without blocking other events', async () => {
    await acting.startInProcess();
    await stage.apply({ triggers: [mapTrigger()] });
    let answered = 0;
    // The first is made and never answered.
    acting.onPosted = () => (++answered === 1 ? new Promise<void>(() => undefined) : undefined);
    await acting.publishTogether(...['1', '2', '3'].map((name) => stage.event('a', name)));
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded' });
    const fires = await stage.fires(run);
    expect(fires.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    expect(fires.filter(({ listenerAttempt }) => listenerAttempt !== undefined)).toHaveLength(2);
    expect(acting.posts.map(({ status }) => status)).toEqual([201, 201, 201, 409]);
    expect(await acting.maps()).toHaveLength(3);
  });

  it('passes a failed attempt to the run, which makes the remaining attempts', async () => {
    await acting.startInProcess();
    const retryStrategy = { steps: 2, duration: '10ms' };
    await stage.apply({ triggers: [mapTrigger({ retryStrategy }, { name: 'Not A Name' })] });
    const refused = await acting.parkedAfterActing();
    // Refused for good: no other attempt follows.
    expect(await stage.fires(refused)).toMatchObject([{ attempts: 1, failure: { retryable: false } }]);
    await refused.signal('discard', BY);

    await stage.configure({ triggers: [mapTrigger({ retryStrategy })] });
    acting.api.behave(500);
    const run = await acting.parkedAfterActing();
    expect(await stage.fires(run)).toMatchObject([{ attempts: 2, failure: { retryable: true } }]);
    acting.api.behave('pass');
    await run.signal('retrigger', BY);
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 3 }] });
    expect(await acting.maps()).toHaveLength(1);
  });

  it('enforces the permissions of the worker, as a run does, and sends nothing', async () => {
    await acting.startProcess({ SLUICE_ALLOWED_KINDS: 'workflows.argoproj.io' });
    await stage.apply({ triggers: [mapTrigger()] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Parked');
    expect(await stage.fires(run)).toMatchObject([
      { attempts: 1, listenerAttempt: {}, failure: { code: 'WORKER_RESTRICTED', retryable: false } },
    ]);
    expect(acting.posts).toEqual([]);
  });

  it('fires the events in hand once when the sensor is paused or changed', async () => {
    await acting.startInProcess();
    await stage.apply({ triggers: [mapTrigger()] });
    for (const [name, act] of [
      ['1', () => stage.handle.signal('pause', BY)],
      ['2', () => stage.configure({ triggers: [mapTrigger({}, { generateName: 'changed-' })] })],
    ] as const) {
      let release: () => void = () => undefined;
      acting.onPosted = () => new Promise<void>((resolve) => (release = resolve));
      const before = acting.posts.length;
      await stage.publish(stage.event('a', name));
      await eventually(() => acting.posts.length > before);
      acting.onPosted = () => undefined;
      await act();
      release();
      const run = await eventually(async () => {
        const handle = acting.runOf(stage.event('a', name));
        return (await handle.describe()).status.name === 'COMPLETED' && handle;
      });
      const [fire] = await stage.fires(run);
      expect(fire?.object?.name).toMatch(/^made-/);
      await stage.handle.signal('resume', BY);
      await eventually(() => acting.isListening());
    }
    expect((await acting.maps()).map(({ data }) => data.event).sort()).toEqual(['1', '2']);
    // The listener of before may take some more.
    const others: string[] = [];
    await eventually(async () => {
      const name = `other-${others.length}`;
      others.push(name);
      await stage.publish(stage.event('a', name));
      return (await acting.maps()).some(({ metadata }) => metadata.name.startsWith('changed-'));
    });
    expect(await acting.decisions('fired', 2 + others.length)).toHaveLength(2 + others.length);
    // A run is recorded once it has started; what the listener left to it follows.
    await eventually(async () => (await acting.maps()).length >= 2 + others.length);
    expect((await acting.maps()).map(({ data }) => data.event).sort()).toEqual(['1', '2', ...others].sort());
  });
});

describe('a listener that acts first, with a lower size limit of Temporal', () => {
  const options: WorldOptions = {
    temporal: {
      own: true,
      headless: true,
      dynamicConfig: { 'limit.blobSize.error': '60000', 'limit.blobSize.warn': '50000' },
    },
  };

  it('splits the attempts with the run, and parks no created object', async () => {
    const world = await openWorld(options);
    const acting = await openStage(world);
    const { stage } = acting;
    try {
      await acting.startInProcess();
      await stage.apply({ triggers: [mapTrigger()] });
      const sized = (name: string, size: number) => stage.event('a', name, { item: 'x'.repeat(size) });
      await acting.publishTogether(sized('1', 40_000), sized('2', 40_000), sized('3', 80_000));
      const records = await acting.decisions('fired', 3);
      expect(records).toHaveLength(3);
      const fires = await Promise.all(
        records.map(async ({ runId = '' }) => {
          const run = world.client.workflow.getHandle(runId);
          expect(await run.result()).toMatchObject({ state: 'Succeeded' });
          return await stage.fires(run);
        }),
      );
      expect(fires.flat()).toMatchObject(Array.from({ length: 3 }, () => ({ attempts: 1, listenerAttempt: {} })));
      expect(acting.posts.map(({ status }) => status)).toEqual([201, 201, 201]);
    } finally {
      await acting.close();
      await world.close();
    }
  });
});
