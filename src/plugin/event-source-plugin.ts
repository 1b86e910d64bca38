import type { EventSourceActivities } from '../contract/activities';
import { createRelayActivities } from '../../activities/relay/relay-events';
import { stopAtOnce } from '../../activities/worker/stop-at-once';
import { createBacklogActivities } from '../../activities/relay/watch-backlog';
import type { PluginActivities, WorkerDependencies } from '../../activities/worker/worker-dependencies';
import { SluicePlugin, type SluicePluginOptions } from './sluice-plugin';

/** The `name` of the plugin. */
export const EVENT_SOURCE_PLUGIN_NAME = 'sluice.EventSourcePlugin';

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
  constructor(options: SluicePluginOptions = {}) {
    super(EVENT_SOURCE_PLUGIN_NAME, options);
  }

  protected override createActivities(dependencies: WorkerDependencies): PluginActivities {
    const { longActivities } = dependencies;
    const relays = createRelayActivities(dependencies);
    const backlogs = createBacklogActivities(dependencies);
    const activities: EventSourceActivities = {
      sluiceRelayEvents: longActivities.bound('sluiceRelayEvents', (request) => relays.sluiceRelayEvents(request)),
      sluiceWatchBacklog: longActivities.bound('sluiceWatchBacklog', (request) => backlogs.sluiceWatchBacklog(request)),
      sluiceStopReading: stopAtOnce,
    };
    return { activities, close: () => Promise.resolve() };
  }
}
