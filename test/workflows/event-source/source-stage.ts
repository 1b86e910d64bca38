/** One event source of a test that reads streams of a Redis of its own. */
import { randomBytes } from 'node:crypto';
import Redis from 'ioredis';
import type { WorkflowHandle } from '@temporalio/client';
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
import type { EventSourceInput } from '../../../workflows/event-source/event-source';
import { eventually } from '../../setup/eventually';
import type { SluiceWorld } from '../sluice-world';

export class SourceStage {
  readonly name = `source-${randomBytes(4).toString('hex')}`;
  private firstRunId: string | undefined;

  private constructor(
    readonly world: SluiceWorld,
    private readonly redis: RunningRedis,
    readonly client: Redis,
    private readonly continueAsNew: boolean,
  ) {}

  /** `continueAsNew`: the server has a low limit of history; continue as new between the steps. */
  static async open(world: SluiceWorld, continueAsNew = false): Promise<SourceStage> {
    const redis = await startRedis({ own: true });
    return new SourceStage(world, redis, new Redis(redis.url), continueAsNew);
  }

  get handle(): WorkflowHandle {
    return this.world.client.workflow.getHandle(eventSourceWorkflowId('argo', this.name));
  }

  /** The execution that was started, which others may have continued. */
  get begun(): WorkflowHandle {
    return this.world.client.workflow.getHandle(this.handle.workflowId, this.firstRunId);
  }

  /** A stream for each event name. */
  streams(...names: readonly string[]): JsonObject {
    const { host, port } = this.redis;
    const reading = (event: string): JsonObject => ({
      hostAddress: `${host}:${port}`,
      streams: [`${this.name}-${event}`],
      consumerGroup: this.name,
    });
    return { redisStream: Object.fromEntries(names.map((event) => [event, reading(event)])) };
  }

  async apply(spec: JsonObject): Promise<void> {
    const args: [EventSourceInput] = [{ definition: this.define(spec) }];
    const { firstExecutionRunId } = await this.world.client.workflow.start('eventSource', {
      workflowId: this.handle.workflowId,
      taskQueue: this.world.taskQueue,
      args,
    });
    this.firstRunId = firstExecutionRunId;
  }

  async configure(spec: JsonObject): Promise<void> {
    await this.handle.executeUpdate(configureEventSourceUpdate, { args: [this.define(spec)] });
  }

  async add(event: string, scene: string): Promise<void> {
    await this.client.xadd(`${this.name}-${event}`, '*', 'scene', scene);
  }

  /** Waits until the event source has brought so many scenes to the bus; answers them in their order. */
  async arrived(count: number, event = 'scenes'): Promise<string[]> {
    return await eventually(async () => {
      const scenes: string[] = [];
      for await (const { event: found } of this.world.bus.readEvents({})) {
        if (found?.source !== this.name || found.subject !== event) continue;
        const { values } = found.data as { values: { scene: string } };
        scenes.push(values.scene);
      }
      return scenes.length >= count && scenes;
    });
  }

  async status(): Promise<EventSourceStatus> {
    return await this.handle.query(eventSourceStatusQuery);
  }

  async readsNothing(): Promise<void> {
    await eventually(async () => {
      const { raw } = await this.handle.describe();
      return !(raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'sluiceRelayEvents');
    });
  }

  /** Between two steps of a scenario: nothing, or a continue-as-new of the event source. */
  async interlude(): Promise<void> {
    if (!this.continueAsNew) return;
    const { runId } = await this.handle.describe();
    await eventually(async () => {
      if ((await this.handle.describe()).runId !== runId) return true;
      // Changes nothing, as it does not say who asks; the refusals are of no interest here.
      await this.handle.signal('resume', {});
      return false;
    });
  }

  async remove(): Promise<void> {
    await this.handle.terminate('the test is over').catch(() => undefined);
    this.client.disconnect();
    await this.redis.stop();
  }

  private define(spec: JsonObject): EventSourceDefinition {
    const { object, options } = parseEventSource({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'EventSource',
      metadata: { name: this.name, namespace: 'argo' },
      spec,
    });
    const bus = {
      namespace: 'argo',
      name: 'default',
      spec: { jetstreamExotic: { url: this.world.nats.url, streamConfig: 'replicas: 1' } },
    };
    return { namespace: 'argo', name: this.name, spec: object.spec, options, bus };
  }
}
