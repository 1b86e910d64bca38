/** One sensor of a test, with a namespace, event source name and HTTP path that no other test uses. */
import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { Bus } from '../../src/bus/bus';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { JsonObject, JsonValue } from '../../src/event/json';
import { parseSensor } from '../../src/validation/parse-manifest';
import { replayWorkflowId, sensorWorkflowId } from '../../src/contract/identity';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { ReplayInput, ReplayProgress, ReplayRequest } from '../../src/contract/replay-messages';
import { firesQuery } from '../../src/contract/run-messages';
import {
  configureSensorUpdate,
  firesEndedSignal,
  sensorDefinitionQuery,
  sensorDependenciesQuery,
  sensorStatusQuery,
  type HeldDependencies,
  type SensorStatus,
} from '../../src/contract/sensor-messages';
import type { SensorInput } from '../../workflows/sensor/sensor';
import { connectTestBus } from '../bus/bus-fixture';
import { eventually } from '../setup/eventually';
import type { RecordedRequest } from '../setup/http-recorder';
import { openWorld, type SluiceWorld, type WorldOptions } from './sluice-world';
import type { FireStatus } from '../../src/contract/fires';
import { cloudEvent } from '../setup/cloud-event';

export interface StageOptions {
  /** A Kubernetes namespace that exists; default: a name that does not. */
  readonly namespace?: string;
  /** Default: `water`. */
  readonly sensor?: string;
  /** Server with a low limit of history: make the sensor continue as new between the steps. */
  readonly continueAsNew?: boolean;
}

export interface SensorFields {
  readonly annotations?: Readonly<Record<string, string>>;
  /** Names; each takes the event of the same name. Or whole dependencies. */
  readonly dependencies?: ReadonlyArray<string | JsonObject>;
  readonly triggers: readonly JsonObject[];
  /** `spec.template.serviceAccountName` */
  readonly serviceAccount?: string;
}

export class Stage {
  readonly source: string;
  readonly namespace: string;
  readonly sensor: string;
  private openedBus: Promise<Bus> | undefined;
  /** Those that were started, by the first and by the last of their executions. */
  readonly replays: Array<{ readonly begun: WorkflowHandle; readonly ended: WorkflowHandle }> = [];
  private published = 0;

  constructor(
    readonly world: SluiceWorld,
    private readonly options: StageOptions = {},
  ) {
    const id = randomBytes(4).toString('hex');
    this.sensor = options.sensor ?? 'water';
    this.source = `source-${id}`;
    this.namespace = options.namespace ?? `ns-${id}`;
  }

  get handle(): WorkflowHandle {
    return this.world.client.workflow.getHandle(sensorWorkflowId(this.namespace, this.sensor));
  }

  define(fields: SensorFields): SensorDefinition {
    const { object, options } = parseSensor({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Sensor',
      metadata: { name: this.sensor, namespace: this.namespace, annotations: { ...fields.annotations } },
      spec: {
        dependencies: (fields.dependencies ?? ['a']).map((dependency) =>
          typeof dependency === 'string'
            ? { name: dependency, eventSourceName: this.source, eventName: dependency }
            : { eventSourceName: this.source, ...dependency },
        ),
        triggers: fields.triggers,
        ...(fields.serviceAccount !== undefined && { template: { serviceAccountName: fields.serviceAccount } }),
      },
    });
    const bus = {
      namespace: this.namespace,
      name: 'default',
      spec: { jetstreamExotic: { url: this.world.nats.url, streamConfig: 'replicas: 1' } },
    };
    return { namespace: this.namespace, name: this.sensor, spec: object.spec, options, bus };
  }

  async apply(fields: SensorFields): Promise<void> {
    const args: [SensorInput] = [{ definition: this.define(fields) }];
    await this.world.client.workflow.start('sensor', {
      workflowId: this.handle.workflowId,
      taskQueue: this.world.taskQueue,
      args,
    });
  }

  async configure(fields: SensorFields): Promise<void> {
    await this.handle.executeUpdate(configureSensorUpdate, { args: [this.define(fields)] });
  }

  /** Waits for its end; where things are made to continue as new, for one that did. */
  async replay(request: ReplayRequest): Promise<ReplayProgress> {
    const args: [ReplayInput] = [{ definition: await this.handle.query(sensorDefinitionQuery), request }];
    const replay = await this.world.client.workflow.start<(input: ReplayInput) => Promise<ReplayProgress>>('replay', {
      workflowId: replayWorkflowId(this.namespace, this.sensor, randomBytes(4).toString('hex')),
      taskQueue: this.world.taskQueue,
      args,
    });
    const { workflow } = this.world.client;
    const ended = workflow.getHandle(replay.workflowId);
    this.replays.push({ begun: workflow.getHandle(replay.workflowId, replay.firstExecutionRunId), ended });
    const progress = await replay.result();
    const { runId } = await ended.describe();
    expect(runId === replay.firstExecutionRunId).toBe(this.options.continueAsNew !== true);
    return progress;
  }

  /** Sends the names of the events of `payload`'s dependencies to the receiver. */
  httpTrigger(name: string, dependencies: readonly string[], fields: JsonObject = {}): JsonObject {
    const { template, ...rest } = fields;
    return {
      ...rest,
      template: {
        name,
        ...(typeof template === 'object' && !Array.isArray(template) ? template : {}),
        http: {
          url: `${this.world.receiver.url}${this.path(name)}`,
          method: 'POST',
          payload: dependencies.map((dependencyName) => ({
            src: { dependencyName, dataKey: 'name', value: 'none', useRawData: true },
            dest: dependencyName,
          })),
        },
      },
    };
  }

  path(trigger: string): string {
    return `/${this.source}/${trigger}`;
  }

  answerNext(trigger: string, answers: ReadonlyArray<{ status: number; headers?: Record<string, string> }>): void {
    this.world.receiver.answerNext(this.path(trigger), answers);
  }

  event(dependency: string, name: string, data: JsonObject = {}, fields: Partial<CloudEvent> = {}): CloudEvent {
    this.published += 1;
    const time = new Date(Date.UTC(2026, 0, 1) + this.published * 1000).toISOString();
    const event = { id: `${dependency}-${name}`, source: this.source, subject: dependency, time };
    return cloudEvent({ ...event, data: { name, ...data }, ...fields });
  }

  /** One after the other: their order on the bus is that of the arguments. */
  async publish(...events: readonly CloudEvent[]): Promise<void> {
    for (const event of events) {
      const [outcome] = await this.world.bus.publishEvents([event]);
      if (outcome?.kind !== 'published') throw new Error(`not published: ${JSON.stringify(outcome)}`);
    }
  }

  requests(trigger = 't'): readonly RecordedRequest[] {
    return this.world.receiver.requests(this.path(trigger));
  }

  /** Waits until the trigger has sent this many requests; answers their bodies. */
  async bodies(count: number, trigger = 't'): Promise<JsonValue[]> {
    await eventually(() => this.requests(trigger).length >= count);
    return this.requests(trigger).map(({ body }) => body);
  }

  async status(): Promise<SensorStatus> {
    return await this.handle.query(sensorStatusQuery);
  }

  /** Waits until the joined triggers hold this. */
  async holds(probe: (held: readonly HeldDependencies[]) => boolean): Promise<void> {
    let last: readonly HeldDependencies[] = [];
    try {
      await eventually(async () => probe((last = await this.handle.query(sensorDependenciesQuery))));
    } catch (error) {
      throw new Error(`the sensor holds ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Waits until the one trigger of the sensor holds the events of these names. */
  async holdsEvents(...names: readonly string[]): Promise<void> {
    const wanted = names.map((name) => `${this.source}/${name}`).sort();
    await this.holds(
      ([only]) => JSON.stringify((only?.held ?? []).map(({ eventKey }) => eventKey).sort()) === JSON.stringify(wanted),
    );
  }

  /** Every run of the sensor, also the ended ones. */
  async runIds(state?: string): Promise<string[]> {
    const clause = state === undefined ? '' : ` AND SluiceState = '${state}'`;
    const ids: string[] = [];
    const query = `SluiceSensor = '${this.namespace}/${this.sensor}'${clause}`;
    for await (const run of this.world.client.workflow.list({ query })) ids.push(run.workflowId);
    return ids;
  }

  async onlyRun(state?: string): Promise<WorkflowHandle> {
    return await eventually(async () => {
      const [id, ...others] = await this.runIds(state);
      if (others.length > 0) throw new Error(`there are ${others.length + 1} runs`);
      return id === undefined ? undefined : this.world.client.workflow.getHandle(id);
    });
  }

  async fires(run: WorkflowHandle): Promise<readonly FireStatus[]> {
    return await run.query(firesQuery);
  }

  /** Between two steps of a scenario: nothing, or a continue-as-new of the sensor. */
  async interlude(): Promise<void> {
    if (this.options.continueAsNew !== true) return;
    const before = (await this.handle.describe()).runId;
    await eventually(async () => {
      if ((await this.handle.describe()).runId !== before) return true;
      await this.handle.signal(firesEndedSignal, []);
      return false;
    });
  }

  /** What its sensor writes lies under the names of its namespace. */
  bus(): Promise<Bus> {
    this.openedBus ??= connectTestBus(this.world.nats, { namespace: this.namespace });
    return this.openedBus;
  }

  async remove(): Promise<void> {
    await this.handle.terminate('the test is over').catch(() => undefined);
    await (await this.openedBus)?.close();
  }
}

/** Opens a world for the tests of a block, and passes on a stage of its own for each test. */
export function useStage(take: (stage: Stage) => void, world: WorldOptions = {}, options: StageOptions = {}): void {
  let opened: SluiceWorld | undefined;
  let stage: Stage | undefined;
  beforeAll(async () => {
    opened = await openWorld(world);
  });
  beforeEach(() => {
    if (opened !== undefined) take((stage = new Stage(opened, options)));
  });
  afterEach(() => stage?.remove());
  afterAll(() => opened?.close());
}
