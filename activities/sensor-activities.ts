/** All activities of the Sensor plugin, in one place. */
import { Context } from '@temporalio/activity';
import { describeError } from '../src/errors/sluice-error';
import { sensorWorkflowId } from '../src/contract/identity';
import { sensorDefinitionQuery } from '../src/contract/sensor-messages';
import type { SensorActivities } from '../src/contract/activities';
import { runTriggers } from '../src/contract/run-trigger';
import { toApplicationFailure } from './worker/failures';
import { createFireActivities } from './firing/fire-triggers';
import { createFiring } from './firing/firing';
import { createHeldRunActivities } from './starting/held-runs';
import { sluiceFindLostPlaces, sluiceReportShares } from './starting/group-places';
import { createListenActivities } from './listener/listen';
import { createPausedSensorActivities } from './listener/watch-paused-sensor';
import { createPublishOutcomes } from './outcomes/publish-outcomes';
import { createRateLimits } from './firing/reserve-fire';
import { createReplayActivities } from './operations/replay-events';
import { createRetriggerActivities } from './operations/retrigger-runs';
import { stopAtOnce } from './worker/stop-at-once';
import { createOutcomeActivities } from './outcomes/watch-outcomes';
import type { PluginActivities, WorkerDependencies } from './worker/worker-dependencies';

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
    ...createHeldRunActivities(dependencies),
    sluiceWatchPausedSensor: longActivities.bound('sluiceWatchPausedSensor', (request) =>
      paused.sluiceWatchPausedSensor(request),
    ),
    ...outcomes,
    sluiceListen: longActivities.bound('sluiceListen', (request) => listening.sluiceListen(request)),
    sluiceWatchOutcomes: longActivities.bound('sluiceWatchOutcomes', (request) =>
      outcomes.sluiceWatchOutcomes(request),
    ),
    sluiceStopListening: stopAtOnce,
    ...createRetriggerActivities(dependencies),
    ...createReplayActivities(dependencies),
    ...outcomeActivities,
    sluiceReportShares,
    sluiceFindLostPlaces,
    sluiceReserveFire: createRateLimits(dependencies),

    async sluiceCurrentTriggers({ namespace, name }) {
      try {
        const handle = Context.current().client.workflow.getHandle(sensorWorkflowId(namespace, name));
        const { spec } = await handle.query(sensorDefinitionQuery);
        return runTriggers(spec);
      } catch {
        // The sensor was deleted and its workflow no longer responds: the run continues with its own triggers.
        return undefined;
      }
    },

    sluiceRecordDecisions({ bus, records }) {
      // The sensor does not wait for an unavailable bus: records are written when it is back, like those of listeners.
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
    await listening.close();
    await firing.close();
  };
  return { activities, close };
}
