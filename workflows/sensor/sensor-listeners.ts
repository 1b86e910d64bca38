/** Keeps the listeners and the outcome watch of a sensor alive. */
import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  log,
  patched,
  proxyActivities,
} from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { StoppedPart } from '../../src/contract/sensor-messages';
import type { SensorMemory } from '../../src/sandbox/sensor/sensor-memory';

const longRunning = proxyActivities<SensorActivities>({
  startToCloseTimeout: '3650d',
  heartbeatTimeout: '10s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  // Each worker that hands over or dies counts as an attempt, so that the interval of an old sensor is the longest one.
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '3s' },
});

/** Since then, a paused sensor watches what waits for it. */
const WATCH_PAUSED = 'watch-paused-sensor';

type OnStopped = (part: StoppedPart['part'], name: string, error: unknown) => void;

/** Each runs until it is cancelled. `onStopped`: a part has ended over what a person must repair. */
export function listen(memory: SensorMemory, onStopped: OnStopped): readonly Promise<void>[] {
  const { definition, appliedAt } = memory;
  const tasks = memory.isPaused()
    ? watchPaused(definition)
    : Array.from({ length: definition.options.listeners }, (_, index) =>
        keepRunning(
          `bus → ${definition.name}`,
          (options) =>
            longRunning.sluiceListen.executeWithOptions(options, [{ definition, listener: `${index + 1}`, appliedAt }]),
          (error) => onStopped('listener', `listener ${index + 1}`, error),
        ),
      );
  if (memory.followsOutcomes()) {
    tasks.push(
      keepRunning(
        'outcomes of Argo Workflows → runs',
        (options) => longRunning.sluiceWatchOutcomes.executeWithOptions(options, [{ definition }]),
        (error) => onStopped('outcomes', 'the watch for outcomes of Argo Workflows', error),
      ),
    );
  }
  return tasks;
}

/** Histories of before show no such activity. */
function watchPaused(definition: SensorDefinition): Array<Promise<void>> {
  if (!patched(WATCH_PAUSED)) return [];
  const summary = `what waits for ${definition.name} on the bus`;
  return [longRunning.sluiceWatchPausedSensor.executeWithOptions({ summary }, [{ definition }])];
}

/** A listener ends by itself only over what a person must repair: say so, stay visible as failed and wait for that. */
async function keepRunning(
  summary: string,
  run: (options: { summary: string }) => Promise<void>,
  onStopped: (error: unknown) => void,
): Promise<void> {
  try {
    await run({ summary });
  } catch (error) {
    if (isCancellation(error)) throw error;
    onStopped(error);
    log.error(`${summary} has stopped; repair its cause and apply the sensor again`, { error });
  }
  await CancellationScope.current().cancelRequested;
}
