/** The EventSource plugin: makes any Temporal worker read event sources. `new EventSourcePlugin()` in `plugins`. */
import type { EventSourceActivities } from '../activities/contracts';
import { createRelayActivities } from '../activities/relay-events';
import { createBacklogActivities } from '../activities/watch-backlog';
import type { WorkerDependencies } from '../activities/worker-dependencies';
import { SluicePlugin, type PluginActivities, type SluicePluginOptions } from './plugin/sluice-plugin';

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
    };
    return { activities, close: () => Promise.resolve() };
  }
}
