/** A back-fill of a test: a STAC API of its own, an event source by name, and the bus of a world. */
import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { ChangingStacApi } from '../../../dev/changing-stac-api';
import {
  backfillProgressQuery,
  type BackfillInput,
  type BackfillRequest,
  type BackfillStatus,
} from '../../../src/contract/backfill-messages';
import type { EventSourceDefinition } from '../../../src/contract/definitions';
import { backfillWorkflowId } from '../../../src/contract/identity';
import type { CloudEvent } from '../../../src/event/cloud-event';
import type { JsonObject } from '../../../src/event/json';
import { parseEventSource } from '../../../src/validation/parse-manifest';
import { eventually } from '../../setup/eventually';
import type { SluiceWorld } from '../sluice-world';

export const RANGE = { from: '2026-01-01T00:00:00Z', to: '2026-01-11T00:00:00Z' };
const DAYS_MS = 10 * 24 * 3_600_000;

export class BackfillStage {
  readonly name = `scenes-${randomBytes(4).toString('hex')}`;
  readonly api = new ChangingStacApi();
  private firstRunId: string | undefined;

  private constructor(readonly world: SluiceWorld) {}

  static async open(world: SluiceWorld): Promise<BackfillStage> {
    const stage = new BackfillStage(world);
    await stage.api.start();
    return stage;
  }

  get handle(): WorkflowHandle {
    return this.world.client.workflow.getHandle(backfillWorkflowId('argo', this.name, 'test'));
  }

  /** The execution that was started, which others may have continued. */
  get begun(): WorkflowHandle {
    return this.world.client.workflow.getHandle(this.handle.workflowId, this.firstRunId);
  }

  /** Scenes that are spread over the range. */
  putScenes(count: number, prefix = 'scene'): void {
    for (let index = 0; index < count; index += 1) {
      const datetime = new Date(Date.parse(RANGE.from) + (index * DAYS_MS) / count).toISOString();
      this.api.put({
        ...{ type: 'Feature', stac_version: '1.0.0', id: `${prefix}-${index}`, collection: 'c', geometry: null },
        properties: { datetime, updated: '2026-02-01T00:00:00Z', index },
        ...{ links: [], assets: {} },
      });
    }
  }

  async start(request: Partial<BackfillRequest> = {}, spec: JsonObject = {}): Promise<void> {
    const args: [BackfillInput] = [
      {
        definition: this.define(spec),
        request: { by: 'ada', why: 'the sensor is new', eventName: 'announced', ...RANGE, ...request },
      },
    ];
    const { firstExecutionRunId } = await this.world.client.workflow.start('backfill', {
      workflowId: this.handle.workflowId,
      taskQueue: this.world.taskQueue,
      args,
    });
    this.firstRunId = firstExecutionRunId;
  }

  async status(): Promise<BackfillStatus> {
    return await this.handle.query(backfillProgressQuery);
  }

  async until(isMet: (status: BackfillStatus) => boolean): Promise<BackfillStatus> {
    return await eventually(async () => {
      const status = await this.status();
      return isMet(status) && status;
    });
  }

  /** The events of the source on the bus. */
  async events(): Promise<CloudEvent[]> {
    const events: CloudEvent[] = [];
    for await (const { event } of this.world.bus.readEvents({})) if (event?.source === this.name) events.push(event);
    return events;
  }

  /** Starts one of 100 items that has published 50, and whose API then answers no more; returns what lets it answer. */
  async startHalf(): Promise<() => void> {
    this.putScenes(100);
    let goOn: (() => void) | undefined;
    this.api.fault = () => {
      goOn ??= this.api.hang();
      return undefined;
    };
    await this.start({}, { limit: 50 });
    await this.arrived(50);
    return () => {
      this.api.fault = undefined;
      goOn?.();
    };
  }

  /** Waits until the bus has so many. */
  async arrived(count: number): Promise<void> {
    await eventually(async () => (await this.events()).length >= count);
  }

  async remove(): Promise<void> {
    await this.handle.terminate('the test is over').catch(() => undefined);
    await this.api.stop();
  }

  private define(spec: JsonObject): EventSourceDefinition {
    const { object, options } = parseEventSource({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'EventSource',
      metadata: { name: this.name, namespace: 'argo' },
      spec: { stac: { announced: { url: this.api.url, collections: ['c'], ...spec } } },
    });
    const bus = {
      namespace: 'argo',
      name: 'default',
      spec: { jetstreamExotic: { url: this.world.nats.url, streamConfig: 'replicas: 1' } },
    };
    return { namespace: 'argo', name: this.name, spec: object.spec, options, bus };
  }
}
