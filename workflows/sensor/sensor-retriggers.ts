/** Starts triggers of a sensor again, as operators request it by signal or update. */
import { isCancellation, proxyActivities, setHandler } from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import { requestRefusal, requireRequest, SENSOR_RETRIGGER_FIELDS } from '../../src/contract/operator-request';
import { retriggerSignal, retriggerUpdate, type RetriggerRequest } from '../../src/contract/sensor-messages';
import { createUpdateRefusal } from '../../src/contract/update-refusal';
import { describeFailure, readFailure } from '../../src/sandbox/run/read-failure';
import type { SensorMemory } from '../../src/sandbox/sensor/sensor-memory';
import { describeRequester } from '../../src/text/requester-name';
import { summaryLine } from '../../src/text/summary-line';
import { REPEATABLE } from '../lifecycle/activity-options';
import type { OperatorControls } from '../lifecycle/operator-controls';

/** An operator waits for the response, and so does a sensor that continues as new: respond, even with an error. */
const activities = proxyActivities<SensorActivities>({
  ...REPEATABLE,
  ...{ startToCloseTimeout: '5m', scheduleToCloseTimeout: '15m', retry: { maximumInterval: '30s' } },
});

export class SensorRetriggers {
  constructor(
    private readonly memory: SensorMemory,
    private readonly controls: OperatorControls,
  ) {}

  handleSignal(): void {
    setHandler(retriggerSignal, (request) => this.bySignal(request), {
      description:
        'Fire a run, or the runs of an event, again: {"by": "…", "why": "…", "runId" or "eventId": "…", "trigger"?: "…", "overrides"?: {}, "again"?: true}',
    });
  }

  handleUpdate(): void {
    setHandler(retriggerUpdate, (request) => this.byUpdate(request), {
      description: 'Like the signal, but returns the ids of the runs: {"by": "…", "why": "…", "runId"?: "…", …}',
      validator: (request) => requireRequest(request, SENSOR_RETRIGGER_FIELDS),
    });
  }

  private async bySignal(request: RetriggerRequest): Promise<void> {
    if (this.controls.isRefused('retrigger', requestRefusal(request, SENSOR_RETRIGGER_FIELDS))) return;
    // An error that leaves a signal handler would end the sensor, so it is shown instead.
    try {
      await this.start(request);
      this.controls.show();
    } catch (error) {
      if (!isCancellation(error)) this.controls.isRefused('retrigger', describeFailure(error));
    }
  }

  private async byUpdate(request: RetriggerRequest): Promise<readonly string[]> {
    try {
      return await this.start(request);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, message, fix } = readFailure(error);
      throw createUpdateRefusal(code, fix === undefined ? message : `${message}. ${fix}`);
    }
  }

  private start(request: RetriggerRequest): Promise<readonly string[]> {
    const summary = describeRetrigger(request);
    return this.controls.lifetime.run(() =>
      activities.sluiceRetrigger.executeWithOptions({ summary }, [this.memory.definition, request]),
    );
  }
}

function describeRetrigger({ runId, eventId, trigger, by, why }: RetriggerRequest): string {
  return summaryLine(
    `retrigger${trigger === undefined ? '' : ` ${trigger}`} by ${describeRequester(by)}: ${why} (${runId ?? eventId ?? ''})`,
  );
}
