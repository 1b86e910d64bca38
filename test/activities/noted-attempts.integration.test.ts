/** The listener calls servers before it starts the run: docs/decisions/221-http-calls-are-noted-first.md. */
import { randomBytes } from 'node:crypto';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { parseDeliveryPosition } from '../../src/clients/nats/delivery-position';
import { sensorRunWorkflowId } from '../../src/contract/identity';
import { eventKey, type CloudEvent } from '../../src/event/cloud-event';
import { encodeEvent } from '../../src/event/encode-event';
import type { JsonObject } from '../../src/event/json';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy';
import { collect } from '../setup/collect';
import { eventually } from '../setup/eventually';
import { startGatedReceiver, type GatedReceiver } from '../setup/gated-receiver';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';
import { currentDetails, readableHistory } from '../workflows/what-people-see';

jest.setTimeout(240_000);

const { PENDING_ACTIVITY_STATE_STARTED } = temporal.api.enums.v1.PendingActivityState;
const ONCE = { retryStrategy: { steps: 1 } };

describe('a listener that calls a server before it starts the run', () => {
  let world: SluiceWorld;
  let receiver: GatedReceiver;
  let proxy: TcpProxy;
  let nats: NatsConnection;
  let queue: string;
  let stage: Stage;
  let workers: RunningWorker[];

  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    receiver = await startGatedReceiver();
    proxy = await startTcpProxy(Number(world.temporalAddress.split(':').at(-1)));
    nats = await connect({ servers: world.nats.url });
    queue = `noted-${randomBytes(4).toString('hex')}`;
    stage = new Stage({ ...world, taskQueue: queue });
    workers = [];
  });
  afterEach(async () => {
    proxy.heal();
    await stage.remove();
    for (const worker of workers) await worker.stop();
    await nats.close();
    await Promise.all([receiver.close(), proxy.close()]);
  });

  /** A process of its own, to be killed or cut off from Temporal. */
  async function startProcess(): Promise<RunningWorker> {
    const worker = await startWorker('sensor', {
      TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
      TEMPORAL_NAMESPACE: 'default',
      SLUICE_SENSOR_TASK_QUEUE: queue,
      SLUICE_LOG_LEVEL: 'warn',
    });
    workers.push(worker);
    return worker;
  }

  function call(fields: JsonObject = {}): JsonObject {
    const payload = [{ src: { dependencyName: 'a', dataKey: 'name' }, dest: 'name' }];
    return { template: { name: 't', http: { url: receiver.url, method: 'POST', timeout: 5, payload } }, ...fields };
  }

  function runOf(event: CloudEvent): WorkflowHandle {
    const id = sensorRunWorkflowId(stage.namespace, stage.sensor, eventKey(event));
    return world.client.workflow.getHandle(id);
  }

  /** Addresses at which the bus takes back the events that it delivers from now on: it would wait for two minutes. */
  function watchDeliveries(): { redeliver(): void } {
    const replies: string[] = [];
    const inboxes = nats.subscribe('_INBOX.>', {
      callback: (_error, message) => {
        const { reply = '' } = message;
        if (parseDeliveryPosition(reply) && message.string().includes(stage.source)) replies.push(reply);
      },
    });
    return {
      redeliver() {
        inboxes.unsubscribe();
        for (const reply of replies) nats.publish(reply, '-NAK');
      },
    };
  }

  async function isStarted(event: CloudEvent): Promise<boolean> {
    return await runOf(event)
      .describe()
      .then(
        () => true,
        (error: unknown) => !(error instanceof WorkflowNotFoundError),
      );
  }

  it('makes no activity of a call that is answered at once, and says by whom it was made', async () => {
    receiver.open();
    await world.startWorker(queue);
    await stage.apply({ triggers: [call()] });
    const event = stage.event('a', '1');
    await stage.publish(event);
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 1, listenerAttempt: {} }] });
    expect(receiver.names()).toEqual(['1']);
    expect(await readableHistory(run)).not.toContain('ActivityTaskScheduled');
    expect(await currentDetails(run)).toContain('The listener made the first attempt before it started this run: at ');
  });

  it('starts the run while the server has not answered, and reports the answer to it', async () => {
    await world.startWorker(queue);
    await stage.apply({ triggers: [call()] });
    const event = stage.event('a', 'slow');
    await stage.publish(event);
    const run = await stage.onlyRun();
    expect(receiver.names()).toEqual(['slow']);
    await eventually(async () => (await currentDetails(run)).includes('it waits for the response'));
    expect(await stage.fires(run)).toMatchObject([{ state: 'Firing', listenerAttempt: {} }]);

    receiver.open();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 1 }] });
    const [fire] = await stage.fires(run);
    expect(fire?.listenerAttempt?.tookMs).toBeGreaterThanOrEqual(500);
    expect(receiver.names()).toEqual(['slow']);
  });

  it('retries a call that was refused as its trigger says', async () => {
    await world.startWorker(queue);
    await stage.apply({
      triggers: [stage.httpTrigger('t', ['a'], { retryStrategy: { steps: 2, duration: '10ms' } })],
    });
    stage.answerNext('t', [{ status: 503 }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 2, listenerAttempt: {} }] });
    const [first, second] = stage.requests();
    expect(first?.headers['idempotency-key']).toBe(second?.headers['idempotency-key']);
  });

  it.each([
    ['parks a call of which a killed worker did not report the answer', ONCE, 'Parked', 1],
    ['repeats such a call if its trigger may retry', { retryStrategy: { steps: 2, duration: '10ms' } }, 'Succeeded', 2],
  ])('%s', async (_name, fields, state, calls) => {
    const deliveries = watchDeliveries();
    const worker = await startProcess();
    await stage.apply({ triggers: [call(fields)] });
    const event = stage.event('a', '1');
    await stage.publish(event);
    await eventually(() => receiver.underWay() === 1);
    await worker.kill();
    receiver.open();
    expect(await isStarted(event)).toBe(false);

    await startProcess();
    deliveries.redeliver();
    const run = await stage.onlyRun(state);
    const [fire] = await stage.fires(run);
    expect(fire).toMatchObject({ state, attempts: calls });
    if (state === 'Parked')
      expect(fire?.failure?.message).toMatch(/the listener on worker \d+@.* began the first attempt/);
    expect(receiver.names()).toHaveLength(calls);
  });

  it('takes a call for lost whose worker was killed after the run was started', async () => {
    const worker = await startProcess();
    await stage.apply({ triggers: [call(ONCE)] });
    const event = stage.event('a', '1');
    await stage.publish(event);
    const run = await stage.onlyRun();
    await worker.kill();
    await startProcess();
    await eventually(async () => (await stage.runIds('Parked')).includes(run.workflowId));
    expect(await stage.fires(run)).toMatchObject([{ attempts: 1, failure: { code: 'TRIGGER_UNREACHABLE' } }]);
    expect(receiver.names()).toEqual(['1']);
  });

  it('reports the answer when it stops in the midst of a call', async () => {
    const worker = await startProcess();
    await stage.apply({ triggers: [call()] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    const stopping = worker.stop();
    await eventually(async () => !(await isListening()));
    receiver.open();
    await stopping;
    await startProcess();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 1 }] });
    expect(receiver.names()).toEqual(['1']);
  });

  it('calls once although Temporal is away when the server answers', async () => {
    await startProcess();
    await stage.apply({ triggers: [call()] });
    await eventually(isListening);
    const event = stage.event('a', '1');
    await stage.publish(event);
    await eventually(() => receiver.underWay() === 1);
    proxy.cut();
    receiver.open();
    const again = new Set<number>();
    const inboxes = nats.subscribe('_INBOX.>', {
      callback: (_error, message) => {
        const { deliveryCount = 0, sequence = 0 } = parseDeliveryPosition(message.reply ?? '') ?? {};
        if (deliveryCount > 1 && message.string().includes(stage.source)) again.add(sequence);
      },
    });
    await eventually(() => again.size === 1);
    inboxes.unsubscribe();
    proxy.heal();
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 1, listenerAttempt: {} }] });
    expect(receiver.names()).toEqual(['1']);
  });

  it('calls once for an event that is published twice, together or later', async () => {
    receiver.open();
    await world.startWorker(queue);
    await stage.apply({ triggers: [call()] });
    await eventually(isListening);
    const event = stage.event('a', '1');
    const publish = (): void => nats.publish(`default.${event.source}.${event.subject}`, encodeEvent(event));
    publish();
    publish();
    await (await stage.onlyRun()).result();
    publish();
    const filter = { namespace: stage.namespace, decision: 'duplicate' as const };
    await eventually(async () => (await collect((await stage.bus()).readDecisions(filter))).length === 2);
    expect(receiver.names()).toEqual(['1']);
  });

  it('does not let a server that is slow hold up the events behind it', async () => {
    await world.startWorker(queue);
    await stage.apply({ triggers: [call()] });
    await eventually(isListening);
    const events = Array.from({ length: 300 }, (_, index) => stage.event('a', `${index}`));
    await stage.publish(...events.slice(0, 50));
    await eventually(() => receiver.underWay() > 0);
    receiver.open();
    await stage.publish(...events.slice(50));
    await eventually(async () => (await stage.runIds('Succeeded')).length > 0 && receiver.names().length >= 300);
    await eventually(async () => (await stage.runIds('Firing')).length === 0);
    expect(new Set(receiver.names()).size).toBe(300);
    expect(receiver.names()).toHaveLength(300);
    expect(await stage.runIds('Parked')).toEqual([]);
  });

  async function isListening(): Promise<boolean> {
    const { raw } = await stage.handle.describe();
    return (raw.pendingActivities ?? []).some(
      ({ activityType, state }) => activityType?.name === 'sluiceListen' && state === PENDING_ACTIVITY_STATE_STARTED,
    );
  }
});
