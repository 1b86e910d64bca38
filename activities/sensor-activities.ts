/** All activities of the Sensor plugin, in one place. */
import { Context } from '@temporalio/activity';
import { describeError } from '../src/errors';
import type { PluginActivities } from '../src/plugin/sluice-plugin';
import { sensorWorkflowId } from '../workflows/identity';
import { sensorDefinitionQuery } from '../workflows/messages';
import type { SensorActivities } from './contracts';
import { toApplicationFailure } from './failures';
import { createFireActivities } from './fire-triggers';
import { createFiring } from './firing';
import { createHeldContentActivities } from './held-contents';
import { createListenActivities } from './listen';
import { createPausedSensorActivities } from './watch-paused-sensor';
import { createPublishOutcomes } from './publish-outcomes';
import { createRateLimits } from './rate-limits';
import { createReplayActivities } from './replay-events';
import { createRetriggerActivities } from './retrigger';
import { createOutcomeActivities } from './watch-outcomes';
import type { WorkerDependencies } from './worker-dependencies';

/** Records outlive the activity that hands them over. */
const NEVER = new AbortController().signal;

export function createSensorActivities(dependencies: WorkerDependencies): PluginActivities {
  const firing = createFiring(dependencies);
  const { close: closeOutcomes, publish, ...outcomeActivities } = createPublishOutcomes(dependencies);
  const { buses, fireLoad, longActivities } = dependencies;
  const listening = createListenActivities(dependencies, firing);
  const outcomes = createOutcomeActivities(dependencies, publish);
  const paused = createPausedSensorActivities(dependencies);
  const activities: SensorActivities = {
    ...createFireActivities(firing, fireLoad),
    ...createHeldContentActivities(dependencies),
    sluiceWatchPausedSensor: longActivities.bound('sluiceWatchPausedSensor', (request) =>
      paused.sluiceWatchPausedSensor(request),
    ),
    ...outcomes,
    sluiceListen: longActivities.bound('sluiceListen', (request) => listening.sluiceListen(request)),
    sluiceWatchOutcomes: longActivities.bound('sluiceWatchOutcomes', (request) =>
      outcomes.sluiceWatchOutcomes(request),
    ),
    ...createRetriggerActivities(),
    ...createReplayActivities(dependencies),
    ...outcomeActivities,
    sluiceReserveFire: createRateLimits(dependencies),

    async sluiceCurrentTriggers({ namespace, name }) {
      try {
        const handle = Context.current().client.workflow.getHandle(sensorWorkflowId(namespace, name));
        const { spec } = await handle.query(sensorDefinitionQuery);
        return Object.fromEntries(spec.triggers.map((trigger) => [trigger.template.name, trigger]));
      } catch {
        // The sensor was deleted, its workflow answers no more: the run goes on with the triggers that it has.
        return undefined;
      }
    },

    sluiceRecordDecisions({ bus, records }) {
      // The sensor does not wait for a bus that is away: records are written when it is back, like those of listeners.
      buses
        .use(bus, NEVER, (open) => Promise.resolve(open.recordDecisions(records)))
        .catch((error: unknown) =>
          dependencies.log.warn(`${records.length} decisions not recorded: ${describeError(error)}`),
        );
      return Promise.resolve();
    },

    async sluiceForgetSensor({ bus, namespace, name }) {
      try {
        await buses.use(bus, Context.current().cancellationSignal, (open) => open.forgetSensor(namespace, name));
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
  };
  const close = async (): Promise<void> => {
    closeOutcomes();
    await firing.close();
  };
  return { activities, close };
}
