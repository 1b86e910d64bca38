/** Keeps the listeners and the outcome watch of a sensor alive. */
import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  log,
  patched,
  proxyActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import { COVERED_FAIL_OVER_MS, OUTCOME_FAIL_OVER_MS } from '../../src/contract/fail-over';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { StoppedPart } from '../../src/contract/sensor-messages';
import { STOP_AT_ONCE } from '../lifecycle/activity-options';
import type { SensorMemory } from '../../src/sandbox/sensor/sensor-memory';

const LONG_RUNNING = {
  startToCloseTimeout: '3650d',
  heartbeatTimeout: COVERED_FAIL_OVER_MS,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  // Each worker that hands over or dies counts as an attempt, so an old sensor always waits the maximum interval.
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '3s' },
} as const satisfies ActivityOptions;
const longRunning = proxyActivities<SensorActivities>(LONG_RUNNING);
const watching = proxyActivities<SensorActivities>({ ...LONG_RUNNING, heartbeatTimeout: OUTCOME_FAIL_OVER_MS });

export const { sluiceStopListening: stopListening } = proxyActivities<SensorActivities>(STOP_AT_ONCE);

/** Versions with this patch watch the pending events of a paused sensor. */
const WATCH_PAUSED = 'watch-paused-sensor';

type OnStopped = (part: StoppedPart['part'], name: string, error: unknown) => void;

/** Each part runs until it is cancelled. `onStopped`: a part ended with an error that an operator must fix. */
export function listen(memory: SensorMemory, onStopped: OnStopped): ReadonlyArray<Promise<void>> {
  const { definition, appliedAt } = memory;
  const tasks = memory.controls.isPaused
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
        (options) => watching.sluiceWatchOutcomes.executeWithOptions(options, [{ definition }]),
        (error) => onStopped('outcomes', 'the watch for outcomes of Argo Workflows', error),
      ),
    );
  }
  return tasks;
}

/** Histories of earlier versions have no such activity. */
function watchPaused(definition: SensorDefinition): Array<Promise<void>> {
  if (!patched(WATCH_PAUSED)) return [];
  const summary = `what waits for ${definition.name} on the bus`;
  return [longRunning.sluiceWatchPausedSensor.executeWithOptions({ summary }, [{ definition }])];
}

/** A listener ends by itself only with an error that an operator must fix: report it, stay visible as failed, wait. */
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
