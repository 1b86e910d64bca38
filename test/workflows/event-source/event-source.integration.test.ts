import { randomBytes } from 'node:crypto';
import Redis from 'ioredis';
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { startRedis, type RunningRedis } from '../../../dev/servers';
import type { JsonObject } from '../../../src/event/json';
import { parseEventSource } from '../../../src/validation/parse-manifest';
import { eventSourceWorkflowId } from '../../../src/contract/identity';
import type { EventSourceDefinition } from '../../../src/contract/definitions';
import {
  configureEventSourceUpdate,
  eventSourceStatusQuery,
  type EventSourceStatus,
} from '../../../src/contract/event-source-messages';
import { eventually } from '../../setup/eventually';
import { freePort } from '../../sources/free-port';
import { openWorld, type SluiceWorld } from '../sluice-world';
import { currentDetails } from '../what-people-see';

interface Heartbeat {
  readonly event?: string;
  readonly connected?: boolean;
  readonly backlog?: { readonly entries: number };
}

const BY = { by: 'ada', why: 'maintenance' };

describe('an event source', () => {
  let world: SluiceWorld;
  let redis: RunningRedis;
  let client: Redis;
  let name: string;

  beforeAll(async () => {
    world = await openWorld({ role: 'event-source' });
    redis = await startRedis({ own: true });
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
    await world.close();
  });
  beforeEach(() => {
    name = `source-${randomBytes(4).toString('hex')}`;
  });
  afterEach(() => handle().terminate());

  const handle = (): WorkflowHandle => world.client.workflow.getHandle(eventSourceWorkflowId('argo', name));

  function define(spec: JsonObject): EventSourceDefinition {
    const { object, options } = parseEventSource({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'EventSource',
      metadata: { name, namespace: 'argo' },
      spec,
    });
    const bus = {
      namespace: 'argo',
      name: 'default',
      spec: { jetstreamExotic: { url: world.nats.url, streamConfig: 'replicas: 1' } },
    };
    return { namespace: 'argo', name, spec: object.spec, options, bus };
  }

  const streams = (...names: readonly string[]): JsonObject => ({
    redisStream: Object.fromEntries(
      names.map((event) => [
        event,
        { hostAddress: `${redis.host}:${redis.port}`, streams: [`${name}-${event}`], consumerGroup: name },
      ]),
    ),
  });

  async function apply(spec: JsonObject): Promise<void> {
    const args = [{ definition: define(spec) }];
    await world.client.workflow.start('eventSource', {
      workflowId: handle().workflowId,
      taskQueue: world.taskQueue,
      args,
    });
  }

  const add = (event: string, scene: string): Promise<unknown> => client.xadd(`${name}-${event}`, '*', 'scene', scene);

  /** Scenes that this event source has brought to the bus, in order. */
  async function onBus(event = 'scenes'): Promise<string[]> {
    const scenes: string[] = [];
    for await (const stored of world.bus.readEvents({})) {
      const { event: found } = stored;
      if (found?.source !== name || found.subject !== event) continue;
      const { values } = found.data as { values: { scene: string } };
      scenes.push(values.scene);
    }
    return scenes;
  }

  const arrived = (count: number, event?: string): Promise<string[]> =>
    eventually(async () => {
      const scenes = await onBus(event);
      return scenes.length >= count ? scenes : undefined;
    });

  async function activityTypes(): Promise<string[]> {
    const { raw } = await handle().describe();
    return (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? '');
  }

  /** Waits until the one activity tells this. */
  async function beats(isWanted: (beat: Heartbeat) => boolean): Promise<void> {
    await eventually(async () => {
      const [only, ...others] = (await handle().describe()).raw.pendingActivities ?? [];
      const [payload] = only?.heartbeatDetails?.payloads ?? [];
      return payload && others.length === 0 && isWanted(defaultPayloadConverter.fromPayload<Heartbeat>(payload));
    });
  }

  /** The most readers that were open together, by the history. */
  async function mostReaders(): Promise<number> {
    const { events } = await handle().fetchHistory();
    const open = new Set<string>();
    let most = 0;
    for (const event of events ?? []) {
      const { activityTaskScheduledEventAttributes: scheduled } = event;
      if (scheduled?.activityType?.name === 'sluiceRelayEvents') open.add(String(event.eventId));
      most = Math.max(most, open.size);
      const closed =
        event.activityTaskFailedEventAttributes ??
        event.activityTaskCanceledEventAttributes ??
        event.activityTaskCompletedEventAttributes ??
        event.activityTaskTimedOutEventAttributes;
      open.delete(String(closed?.scheduledEventId));
    }
    return most;
  }

  const status = (): Promise<EventSourceStatus> => handle().query(eventSourceStatusQuery);

  it('continues on another worker at the position of the first', async () => {
    const first = await world.startWorker(`${world.taskQueue}-handover`);
    const args = [{ definition: define(streams('scenes')) }];
    const taskQueue = `${world.taskQueue}-handover`;
    await world.client.workflow.start('eventSource', { workflowId: handle().workflowId, taskQueue, args });
    await add('scenes', '1');
    await arrived(1);
    await first.stop();
    await add('scenes', '2');
    expect(await onBus()).toEqual(['1']);
    const second = await world.startWorker(taskQueue);
    await add('scenes', '3');
    expect(await arrived(3)).toEqual(['1', '2', '3']);
    const { raw } = await handle().describe();
    expect(raw.pendingActivities?.map(({ activityType }) => activityType?.name)).toEqual(['sluiceRelayEvents']);
    await handle().terminate();
    await second.stop();
    await apply(streams('scenes'));
  });

  it('reads nothing while paused, and continues after resume', async () => {
    await apply(streams('scenes'));
    await add('scenes', '1');
    await arrived(1);
    await handle().signal('pause', BY);
    await eventually(async () => !(await activityTypes()).includes('sluiceRelayEvents'));
    expect(await status()).toMatchObject({ paused: BY, events: [{ name: 'scenes', state: 'Paused' }] });
    expect(await currentDetails(handle())).toContain(BY.why);
    await add('scenes', '2');
    await handle().signal('resume', BY);
    expect(await arrived(2)).toEqual(['1', '2']);
    expect(await status()).toMatchObject({ events: [{ state: 'Reading' }] });
  });

  it('rejects pause and resume without by and why, and shows the rejection', async () => {
    // Already there when the workflow begins.
    await world.client.workflow.signalWithStart('eventSource', {
      workflowId: handle().workflowId,
      taskQueue: world.taskQueue,
      args: [{ definition: define(streams('scenes')) }],
      signal: 'pause',
      signalArgs: [{}],
    });
    await eventually(async () => (await status()).refusals?.length === 1);
    expect(await status()).toMatchObject({
      events: [{ state: 'Reading' }],
      refusals: [expect.stringContaining('pause')],
    });
    expect(await currentDetails(handle())).toMatch(/refused.* pause: .*"why"/);
    await handle().signal('pause', BY);
    await handle().signal('resume', { by: 'ada' });
    await eventually(async () => (await status()).refusals?.length === 2);
    expect((await status()).paused).toMatchObject(BY);
  });

  it('shows the backlog that grows while it is paused, and loses none of it', async () => {
    await apply(streams('scenes'));
    await add('scenes', '0');
    await arrived(1);
    await handle().signal('pause', BY);
    await eventually(async () => !(await activityTypes()).includes('sluiceRelayEvents'));
    const scenes = Array.from({ length: 25 }, (_, index) => `${index + 1}`);
    for (const scene of scenes) await add('scenes', scene);
    await eventually(async () => (await status()).events[0]?.backlog?.entries === 25);
    expect((await status()).events).toMatchObject([{ state: 'Paused', backlog: { entries: 25, pending: 0 } }]);
    expect(await currentDetails(handle())).toMatch(/\*\*Paused\*\* `scenes`.*backlog 25, as of /);
    await beats((beat) => beat.event === 'scenes' && beat.connected === true && beat.backlog?.entries === 25);
    expect(await onBus()).toEqual(['0']);
    await handle().signal('resume', BY);
    expect(await arrived(26)).toEqual(['0', ...scenes]);
    await beats((beat) => beat.backlog?.entries === 0);
    expect(await activityTypes()).toEqual(['sluiceRelayEvents']);
    expect((await status()).events[0]).not.toHaveProperty('backlog');
  });

  it('reports why it cannot count the backlog while paused, and counts again once Redis is back', async () => {
    const moving = await startRedis({ own: true });
    const event = { hostAddress: `${moving.host}:${moving.port}`, streams: ['moved'], consumerGroup: name };
    await apply({ redisStream: { moved: event } });
    await eventually(async () => (await activityTypes()).includes('sluiceRelayEvents'));
    await handle().signal('pause', BY);
    await moving.stopKeepingData();
    await eventually(async () => (await activityTypes()).includes('sluiceWatchBacklog'));
    await beats((beat) => beat.connected === false);
    await moving.restart();
    const other = new Redis(moving.url);
    await other.set('moved', 'no stream any more');
    await eventually(async () => {
      const { raw } = await handle().describe();
      return raw.pendingActivities?.some(({ lastFailure }) => lastFailure?.message?.includes('WRONGTYPE'));
    });
    other.disconnect();
    await moving.stop();
  });

  it('reports that a source without a backlog keeps nothing', async () => {
    const address = { hostAddress: `${redis.host}:${redis.port}` };
    await apply({
      redis: { said: { ...address, channels: ['c'] } },
      webhook: { called: { port: String(await freePort()), endpoint: '/c' } },
    });
    await handle().signal('pause', BY);
    await eventually(async () => (await status()).events.every(({ state }) => state === 'Paused'));
    await eventually(async () => (await activityTypes()).length === 0);
    const details = await currentDetails(handle());
    expect(details).toMatch(/\*\*Paused\*\* `said` · redis<br>not kept while paused/);
    expect(details).toMatch(/\*\*Paused\*\* `called` · webhook<br>not kept while paused/);
  });

  it('reads by a changed configuration from then on', async () => {
    await apply(streams('scenes'));
    await add('scenes', '1');
    await arrived(1);
    await handle().executeUpdate(configureEventSourceUpdate, { args: [define(streams('tiles'))] });
    await add('tiles', '2');
    expect(await arrived(1, 'tiles')).toEqual(['2']);
    expect((await status()).events.map((event) => event.name)).toEqual(['tiles']);
  });

  it('starts no reader before the former ones have stopped, even while one waits for a retry', async () => {
    await client.lpush(`${name}-broken`, 'a list is no stream');
    await apply(streams('scenes', 'broken'));
    await add('scenes', '1');
    await arrived(1);
    await eventually(async () => (await status()).events.some(({ state }) => state === 'Failed'));
    await handle().executeUpdate(configureEventSourceUpdate, { args: [define(streams('scenes', 'tiles'))] });
    await add('tiles', '2');
    expect(await arrived(1, 'tiles')).toEqual(['2']);
    expect(await mostReaders()).toBe(2);
  });

  it('shows unsupported kinds and the problem of a misconfigured event, and reads the others', async () => {
    const broken = { hostAddress: `${redis.host}:${redis.port}`, streams: [`${name}-list`], consumerGroup: name };
    await client.lpush(`${name}-list`, 'a list is no stream');
    const { redisStream } = streams('scenes');
    await apply({
      redisStream: { ...(redisStream as JsonObject), broken },
      nsq: { often: { hostAddress: 'nsq:4150', topic: 'often', channel: 'a' } },
    });
    await add('scenes', '1');
    await arrived(1);
    const events = await eventually(async () => {
      const found = (await status()).events;
      return found.some(({ state }) => state === 'Failed') ? found : undefined;
    });
    expect(Object.fromEntries(events.map((event) => [event.name, event.state]))).toEqual({
      scenes: 'Reading',
      broken: 'Failed',
      often: 'NotSupported',
    });
    expect(events.find((event) => event.name === 'broken')?.problem).toContain('EVENT_SOURCE_MISCONFIGURED');
    expect(await currentDetails(handle())).toContain('EVENT\\_SOURCE\\_MISCONFIGURED');
  });

  it('disconnects from the outside system when it is deleted', async () => {
    await apply(streams('scenes'));
    await add('scenes', '1');
    await arrived(1);
    await handle().signal('delete', { by: 'ada', why: 'test' });
    await handle().result();
    await apply(streams('scenes'));
  });
});
