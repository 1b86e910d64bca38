import { SluiceError } from '../errors/sluice-error';
import { CUSTOM_SOURCE_NAME } from '../manifest/sources/custom';
import type { CustomSource } from '../sources/custom-source';
import type { EventSourceActivities } from '../contract/activities';
import { createBackfillActivities } from '../../activities/relay/backfill-portion';
import { EventQuotas } from '../../activities/relay/event-quota';
import { createRelayActivities } from '../../activities/relay/relay-events';
import { stopAtOnce } from '../../activities/worker/stop-at-once';
import { createBacklogActivities } from '../../activities/relay/watch-backlog';
import type { PluginActivities, WorkerDependencies } from '../../activities/worker/worker-dependencies';
import { SluicePlugin, type SluicePluginOptions } from './sluice-plugin';

/** The `name` of the plugin. */
export const EVENT_SOURCE_PLUGIN_NAME = 'sluice.EventSourcePlugin';

export interface EventSourcePluginOptions extends SluicePluginOptions {
  /** Event sources of your own, which manifests name under `spec.custom`. */
  readonly sources?: readonly CustomSource[];
}

/**
 * Makes any Temporal worker read event sources: adds the workflows of Sluice and the activities that bring events to the
 * bus. Pass it once, in `plugins` of the worker. Event sources are applied to the task queue of this worker by
 * `sluice apply --event-source-task-queue`.
 *
 * @example
 * ```ts
 * import { NativeConnection, Worker } from '@temporalio/worker';
 * import { EventSourcePlugin } from 'sluice';
 *
 * async function main(): Promise<void> {
 *   const worker = await Worker.create({
 *     connection: await NativeConnection.connect({ address: 'localhost:7233' }),
 *     taskQueue: 'sluice-event-sources',
 *     plugins: [new EventSourcePlugin({ busUrl: 'nats://localhost:4222' })],
 *   });
 *   await worker.run();
 * }
 *
 * void main();
 * ```
 */
export class EventSourcePlugin extends SluicePlugin {
  private readonly sources: readonly CustomSource[];

  /** @throws SluiceError PLUGIN_MISUSED for sources whose names cannot be used, or of which two are equal */
  constructor({ sources = [], ...options }: EventSourcePluginOptions = {}) {
    super(EVENT_SOURCE_PLUGIN_NAME, options);
    requireUsableNames(sources);
    this.sources = [...sources];
  }

  protected override createActivities(dependencies: WorkerDependencies): PluginActivities {
    const { longActivities } = dependencies;
    const relaying = { ...dependencies, customSources: this.sources, eventQuotas: new EventQuotas() };
    const relays = createRelayActivities(relaying);
    const backlogs = createBacklogActivities(relaying);
    const activities: EventSourceActivities = {
      sluiceRelayEvents: longActivities.bound('sluiceRelayEvents', (request) => relays.sluiceRelayEvents(request)),
      sluiceWatchBacklog: longActivities.bound('sluiceWatchBacklog', (request) => backlogs.sluiceWatchBacklog(request)),
      ...createBackfillActivities(relaying),
      sluiceStopReading: stopAtOnce,
    };
    return { activities, close: () => Promise.resolve() };
  }
}

function requireUsableNames(sources: readonly CustomSource[]): void {
  const names = sources.map(({ name }) => name);
  const refused = names.find((name, index) => !CUSTOM_SOURCE_NAME.test(name) || names.indexOf(name) !== index);
  if (refused === undefined) return;
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `the custom source "${refused}" has a name that is not usable, or that another one has`,
    fix: 'Name each source differently, with letters, digits, "-", "_" and ".", e.g. tide-gauge',
  });
}
