/** The EventSource plugin: makes any Temporal worker read event sources. `new EventSourcePlugin()` in `plugins`. */
import type { EventSourceActivities } from '../contract/activities';
import { createRelayActivities } from '../../activities/relay/relay-events';
import { stopAtOnce } from '../../activities/worker/stop-at-once';
import { createBacklogActivities } from '../../activities/relay/watch-backlog';
import type { PluginActivities, WorkerDependencies } from '../../activities/worker/worker-dependencies';
import { SluicePlugin, type SluicePluginOptions } from './sluice-plugin';

export const EVENT_SOURCE_PLUGIN_NAME = 'sluice.EventSourcePlugin';

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
