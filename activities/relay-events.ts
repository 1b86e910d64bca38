/** The relay as an activity: heartbeats tell how far it has read; cancellation lets go of the outside system. */
import { CancelledFailure, Context, heartbeat } from '@temporalio/activity';
import { sources } from '../src/sources/registry';
import { SluiceError } from '../src/errors';
import type { PluginActivities } from '../src/plugin/sluice-plugin';
import type { EventSourceActivities, RelayEventsRequest } from './contracts';
import { EventRelay } from './event-relay';
import { toApplicationFailure } from './failures';
import type { WorkerDependencies } from './worker-dependencies';

const HEARTBEAT_EVERY_MS = 1_000;

export function createRelayActivities(dependencies: WorkerDependencies): PluginActivities {
  const activities: EventSourceActivities = {
    async sluiceRelayEvents(request) {
      const context = Context.current();
      try {
        await relay(request, context, dependencies);
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        throw toApplicationFailure(error);
      }
      // Tells Temporal why it ended: cancelled, paused, or a worker that shuts down and hands over.
      await context.cancelled;
    },
  };
  return { activities, close: () => Promise.resolve() };
}
