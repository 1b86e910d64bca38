/** Everything around a sensor, all of it real: Temporal, a bus, an API server, an HTTP receiver, and a worker. */
import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { pino } from 'pino';
import {
  startKubernetes,
  startNats,
  startTemporal,
  type OwnKubernetes,
  type RunningNats,
  type StartKubernetesOptions,
  type StartTemporalOptions,
} from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { EventSourcePlugin } from '../../src/plugin/event-source-plugin';
import { connectTestBus } from '../bus/bus-fixture';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { startHttpRecorder, type HttpRecorder } from '../setup/http-recorder';
import { loadWorkflowBundle } from '../../workers/workflow-bundle';

export interface WorldOptions {
  /** Default: the run's shared server. */
  readonly temporal?: StartTemporalOptions;
  readonly kubernetes?: StartKubernetesOptions;
  /** 0: every workflow task replays from the start. */
  readonly maxCachedWorkflows?: number;
  readonly role?: 'sensor' | 'event-source';
}

/** The server proposes to continue as new after so few events of history that it happens in the middle of things. */
export function proposeContinueAsNewAfter(events: number): WorldOptions {
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': `${events}` };
  return { temporal: { own: true, headless: true, dynamicConfig } };
}

export interface TestWorker {
  /** Ends it as a rolling update would. */
  stop(): Promise<void>;
}

export interface SluiceWorld {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly taskQueue: string;
  readonly temporalAddress: string;
  readonly nats: RunningNats;
  readonly bus: Bus;
  readonly kubernetes: OwnKubernetes;
  readonly receiver: HttpRecorder;
  /** Default: the world's queue, and all rights in the cluster. */
  startWorker(taskQueue?: string, kubeconfigPath?: string): Promise<TestWorker>;
  close(): Promise<void>;
}

let bundle: Promise<WorkflowBundleOption> | undefined;

/** Workers of one test file share the bundle: making it takes longer than most tests. */
export function workflowBundle(): Promise<WorkflowBundleOption> {
  installRuntime();
  bundle ??= loadWorkflowBundle({ logger: new DefaultLogger('ERROR') });
  return bundle;
}

let isInstalled = false;

/** Temporal's warnings are of no interest here: tests make things fail on purpose. */
export function installRuntime(): void {
  if (isInstalled) return;
  isInstalled = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
    shutdownSignals: [],
  });
}

export async function openWorld(options: WorldOptions = {}): Promise<SluiceWorld> {
  installRuntime();
  const [temporal, nats, kubernetes, receiver] = await Promise.all([
    startTemporal(options.temporal),
    startNats({ own: true }),
    options.kubernetes === undefined ? sharedKubernetes() : startKubernetes({ ...options.kubernetes, own: true }),
    startHttpRecorder(),
  ]);
  const [connection, bus] = await Promise.all([
    NativeConnection.connect({ address: temporal.address }),
    connectTestBus(nats),
  ]);
  const workers: TestWorker[] = [];
  const connections: NativeConnection[] = [];
  const taskQueue = `test-${randomBytes(4).toString('hex')}`;
  const startWorker = async (queue = taskQueue, kubeconfigPath = kubernetes.kubeconfigPath): Promise<TestWorker> => {
    const Plugin = options.role === 'event-source' ? EventSourcePlugin : SensorPlugin;
    const plugin = new Plugin({
      kubernetes: { kubeconfigPath },
      log: pino({ level: process.env['SLUICE_TEST_LOG'] ?? 'silent' }),
    });
    // As in a process of its own: the SDK takes one worker for each queue of a connection.
    const ownConnection = await NativeConnection.connect({ address: temporal.address });
    connections.push(ownConnection);
    const worker = await Worker.create({
      connection: ownConnection,
      taskQueue: queue,
      plugins: [plugin],
      workflowBundle: await workflowBundle(),
      ...(options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: options.maxCachedWorkflows }),
    });
    const running = worker.run();
    const started: TestWorker = {
      stop: async () => {
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await running;
      },
    };
    workers.push(started);
    return started;
  };
  await startWorker();
  return {
    client: new Client({ connection }),
    connection,
    taskQueue,
    temporalAddress: temporal.address,
    nats,
    bus,
    kubernetes,
    receiver,
    startWorker,
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await bus.close();
      await Promise.all([connection, ...connections].map((open) => open.close()));
      await Promise.all([temporal.stop(), nats.stop(), kubernetes.stop(), receiver.close()]);
    },
  };
}
