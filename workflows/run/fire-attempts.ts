/** How fires of a run are attempted: by which activity, with which input, how long and how often. */
import {
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { FireTriggersRequest, SensorActivities } from '../../src/contract/activities';
import { jsonBytes } from '../../src/text/json-bytes';
import type { TriggerSpec } from '../../src/manifest/sensor';
import { actingAs, type RunTrigger } from '../../src/contract/run-trigger';
import { triggerDeadline } from '../../src/sandbox/run/trigger-traits';
import { shareCalls } from '../../src/sandbox/run/shared-calls';
import { pauseAfterFirst, timeAttempts } from '../../src/sandbox/run/attempt-timing';
import { readAttempts, readFailure } from '../../src/sandbox/run/read-failure';
import type { Overrides } from '../../src/contract/overrides';
import type { FireAttempt, FireFailure, FireResult } from '../../src/contract/fires';
import { deadLetterOf, eventsOf, repackFires, type Fire } from '../../src/contract/packed-fires';
import { REPEATABLE } from '../lifecycle/activity-options';
import { Admission } from './admission';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { summaryLine } from '../../src/text/summary-line';

const local = proxyLocalActivities<SensorActivities>({
  startToCloseTimeout: '20s',
  retry: { maximumAttempts: 1 },
});
const regular = proxyActivities<SensorActivities>({
  ...REPEATABLE,
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/** In earlier versions each of these fires had an activity of its own. */
const SHARED_CALLS = 'calls-share-activities';
/** A worker of an earlier version ignores them: it made the first attempt by a local activity. */
const LISTENER_ATTEMPTS = 'listener-attempts';

export class FireAttempts {
  private triggers: Readonly<Record<string, RunTrigger>>;
  private readonly admission = new Admission();

  constructor(private readonly input: SensorRunInput) {
    this.triggers = input.triggers;
  }

  triggerOf(fire: Fire): RunTrigger {
    const trigger = this.triggers[fire.trigger];
    if (trigger === undefined) throw new Error(`run has no trigger ${fire.trigger}`);
    return trigger;
  }

  /** An operator who retriggers may have fixed the sensor meanwhile: loads its triggers as currently applied. */
  async refreshTriggers(): Promise<void> {
    const current = await regular.sluiceCurrentTriggers.executeWithOptions(
      { summary: 'the triggers as they are applied now' },
      [this.input.sensor],
    );
    this.triggers = { ...this.triggers, ...current };
  }

  /** Attempts that the listener made before it started the run. */
  byListener(): readonly FireAttempt[] {
    const made = this.input.listenerAttempts?.attempts ?? [];
    return made.length > 0 && patched(LISTENER_ATTEMPTS) ? made : [];
  }

  /** One local activity for the first attempts of all these fires. */
  async together(fires: readonly Fire[], overrides: Overrides | undefined): Promise<readonly FireAttempt[]> {
    if (fires.length === 0) return [];
    try {
      return await local.sluiceFireTriggers.executeWithOptions({ summary: this.nameFires(fires) }, [
        this.request(fires, this.triggersOf(fires), overrides),
      ]);
    } catch (error) {
      return retryEach(fires, error);
    }
  }

  /** Groups of fires that may wait for their target, each with one activity for its first attempts. */
  shareCalls(fires: readonly Fire[]): ReadonlyArray<readonly Fire[]> {
    const groups = shareCalls(fires, (fire) => this.triggerOf(fire));
    return groups.length > 0 && patched(SHARED_CALLS) ? groups : [];
  }

  /** First attempts of a group of `shareCalls`. */
  async callTogether(fires: readonly Fire[], overrides: Overrides | undefined): Promise<readonly FireAttempt[]> {
    const request = this.request(fires, this.triggersOf(fires), overrides);
    try {
      return await this.admission.run(jsonBytes(request), () =>
        proxyActivities<SensorActivities>({
          startToCloseTimeout: Math.max(...fires.map((fire) => triggerDeadline(this.triggerOf(fire)))),
          heartbeatTimeout: '30s',
          retry: { maximumAttempts: 1 },
          summary: this.nameFires(fires),
        }).sluiceFireTriggers(request),
      );
    } catch (error) {
      return retryEach(fires, error);
    }
  }

  /**
   * Waits for a slot where the trigger is rate limited, then lets Temporal retry by the trigger's plan.
   * @param first failure of a first attempt that was already made
   */
  async alone(fire: Fire, overrides: Overrides | undefined, first?: FireFailure): Promise<FireAttempt> {
    const trigger = this.triggerOf(fire);
    const attemptsBefore = first === undefined ? 0 : 1;
    if (first !== undefined) {
      const pauseMs = pauseAfterFirst(trigger, first.retryAfterMs);
      if (pauseMs === undefined) return { fireId: fire.id, failure: first };
      await sleep(pauseMs, { summary: summaryLine(`before trying ${fire.trigger} again`) });
    }
    try {
      await this.awaitSlot(fire, trigger);
      const request = { ...this.request([fire], this.triggersOf([fire]), overrides), attemptsBefore };
      const { result, attempts } = await this.admission.run(jsonBytes(request), () =>
        proxyActivities<SensorActivities>({
          ...timeAttempts(trigger, attemptsBefore),
          heartbeatTimeout: '30s',
          summary: summaryLine(`${fire.trigger} ← ${this.nameEvents(fire)}`),
        }).sluiceFireTrigger(request),
      );
      return { fireId: fire.id, result, attempts };
    } catch (error) {
      // The run was cancelled, which is not a failure of the fire.
      if (isCancellation(error)) throw error;
      return { fireId: fire.id, failure: readFailure(error), attempts: readAttempts(error) };
    }
  }

  /** Fires the dead-letter trigger with the events of a failed fire. Throws if that fails too. */
  async deadLetter(fire: Fire, deadLetterTrigger: TriggerSpec): Promise<FireResult> {
    const name = deadLetterTrigger.template.name;
    const { result } = await proxyActivities<SensorActivities>({
      ...timeAttempts(deadLetterTrigger),
      heartbeatTimeout: '30s',
      summary: summaryLine(`dead letter ${name} ← ${this.nameEvents(fire)}`),
    }).sluiceFireTrigger(
      this.request([deadLetterOf(fire, name)], { [name]: actingAs(deadLetterTrigger, this.triggerOf(fire).actsAs) }),
    );
    return result;
  }

  private async awaitSlot(fire: Fire, { rateLimit }: TriggerSpec): Promise<void> {
    if (rateLimit === undefined) return;
    const { sensor, bus } = this.input;
    const waitMs = await regular.sluiceReserveFire.executeWithOptions(
      { summary: summaryLine(`a turn for ${fire.trigger} within its rate limit`) },
      [{ sensor, bus, trigger: fire.trigger, rateLimit, fireId: fire.id }],
    );
    if (waitMs > 0) await sleep(waitMs, { summary: summaryLine(`rate limit of ${fire.trigger}`) });
  }

  private triggersOf(fires: readonly Fire[]): FireTriggersRequest['triggers'] {
    return Object.fromEntries(fires.map((fire) => [fire.trigger, this.triggerOf(fire)]));
  }

  private request(
    fires: readonly Fire[],
    triggers: FireTriggersRequest['triggers'],
    overrides?: Overrides,
  ): FireTriggersRequest {
    const { sensor, events } = this.input;
    // The activity's copy of the events is in the history, so only used events are sent.
    const used = fires.length === this.input.fires.length ? { fires, events } : repackFires(fires, events);
    return { sensor, runId: workflowInfo().workflowId, triggers, ...used, ...(overrides && { overrides }) };
  }

  private nameFires(fires: readonly Fire[]): string {
    const [first, ...others] = fires;
    if (first === undefined || others.length > 0) return `first attempt of ${fires.length} fires`;
    return summaryLine(`${first.trigger} ← ${this.nameEvents(first)}`);
  }

  private nameEvents(fire: Fire): string {
    return eventsOf(fire, this.input.events)
      .map(({ id }) => id)
      .join(', ');
  }
}

/** The activity was lost as a whole, so the result of each fire is unknown. */
function retryEach(fires: readonly Fire[], error: unknown): readonly FireAttempt[] {
  // The run was cancelled, which is not a failure of the fires.
  if (isCancellation(error)) throw error;
  const failure = readFailure(error);
  return fires.map((fire) => ({ fireId: fire.id, failure: { ...failure, retryable: true } }));
}
