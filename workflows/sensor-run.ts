/**
 * One run: carries its fires to their outcome.
 *
 * First attempt of all quick fires in one local activity (the fast path), then each failing fire on its own, visible
 * in the UI as an activity that names trigger and event. What still fails goes to its dead-letter trigger or is
 * parked until a person decides. Bookkeeping is in src/run; this file is only the order of steps.
 */
import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { FireAttempt, FireTriggersRequest, SensorActivities } from '../activities/contracts';
import { planRetries } from '../src/run/retry-plan';
import { followsOutcome, isQuick, triggerDeadline } from '../src/run/trigger-traits';
import { describeFailure, readAttempts, readFailure, UNKNOWN_FAILURE } from '../src/run/read-failure';
import { RunLedger } from '../src/run/run-ledger';
import { describeRun } from '../src/run/run-details';
import type { FireFailure, FireResult, RunState, WorkflowOutcomeReport } from '../src/run/run-types';
import type { TriggerSpec } from '../src/manifest/sensor';
import { missingAccount } from './accountable';
import { sensorWorkflowId } from './identity';
import { STATE_ATTRIBUTE } from './search-attributes';
import {
  discardSignal,
  firesEndedSignal,
  firesQuery,
  outcomeSignal,
  runRetriggerSignal,
  type Accountable,
  type Fire,
  type RunRetriggerRequest,
  type SensorRunInput,
} from './messages';

const local = proxyLocalActivities<SensorActivities>({
  startToCloseTimeout: '20s',
  retry: { maximumAttempts: 1 },
});
const regular = proxyActivities<SensorActivities>({
  startToCloseTimeout: '2m',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/** A Workflow whose end the watch missed is looked up this often. */
const OUTCOME_CHECK_INTERVAL = '1h';

export interface SensorRunResult {
  readonly state: RunState;
  readonly fires: ReturnType<RunLedger['statuses']>;
}

export async function sensorRun(input: SensorRunInput): Promise<SensorRunResult> {
  const run = new Run(input);
  setHandler(firesQuery, () => run.ledger.statuses(), { description: 'Every fire of this run and what became of it' });
  setHandler(runRetriggerSignal, (request) => run.retrigger(request), {
    description:
      'Fire again what is parked: {"by": "…", "why": "…", "trigger"?: "…", "fireId"?: "…", "overrides"?: {}}',
  });
  setHandler(discardSignal, (request) => run.discard(request), {
    description: 'Give up what is parked: {"by": "…", "why": "…"}',
  });
  setHandler(outcomeSignal, (reports) => run.takeOutcomes(reports), {
    description: 'Sent by the outcome watch: how created Workflows ended',
  });
  return await run.carry();
}

class Run {
  readonly ledger: RunLedger;
  private triggers: Readonly<Record<string, TriggerSpec>>;
  private shownState: RunState = 'Firing';
  private readonly wakeUps = new Map<string, RunRetriggerRequest>();
  private readonly decisions: string[] = [];
  private readonly discarded = new Set<string>();
  private readonly returned = new Set<string>();
  private returning: Promise<void> = Promise.resolve();
  private readonly published = new Set<string>();
  private publishing: Promise<void> = Promise.resolve();

  private readonly fires: ReadonlyMap<string, Fire>;

  constructor(private readonly input: SensorRunInput) {
    this.fires = new Map(input.fires.map((fire) => [fire.id, fire]));
    this.ledger = new RunLedger(input.fires, input.events);
    this.triggers = input.triggers;
  }

  async carry(): Promise<SensorRunResult> {
    const overrides = this.input.retriggerOf?.overrides;
    const { parkedBecause } = this.input;
    if (parkedBecause !== undefined) {
      const failure: FireFailure = { code: 'SENSOR_EVENTS_INCOMPLETE', message: parkedBecause, retryable: false };
      await Promise.all(this.input.fires.map((fire) => this.finish(fire, { fireId: fire.id, failure }, overrides, 0)));
      await this.awaitOutcomes();
      return await this.conclude();
    }
    const quick = this.input.fires.filter((fire) => isQuick(this.trigger(fire)));
    const slow = this.input.fires.filter((fire) => !isQuick(this.trigger(fire)));
    const attempts = quick.length === 0 ? [] : await this.attemptTogether(quick, overrides);
    // What succeeded at once, in a storm nearly everything, is noted without a promise and a page for each fire.
    const unfinished = attempts.filter((attempt) => !this.noteFired(attempt));
    this.show();
    await Promise.all([
      ...unfinished.map((attempt) => this.finish(this.fire(attempt.fireId), attempt, overrides)),
      ...slow.map((fire) => this.finish(fire, undefined, overrides)),
    ]);
    await this.awaitOutcomes();
    return await this.conclude();
  }

  retrigger(request: RunRetriggerRequest): void {
    if (this.refuses('retrigger', request)) return;
    const { fireId, trigger } = request;
    const wanted = this.ledger
      .parked()
      .filter((id) => fireId === undefined || id === fireId)
      .filter((id) => trigger === undefined || this.fire(id).trigger === trigger);
    for (const id of wanted) this.wakeUps.set(id, request);
    this.decisions.push(`retriggered by ${request.by}: ${request.why}${wanted.length === 0 ? NOTHING_PARKED : ''}`);
    this.show();
  }

  /** Only what is parked now: what fails later waits for a decision of its own. */
  discard(request: Accountable): void {
    if (this.refuses('discard', request)) return;
    const parked = this.ledger.parked();
    for (const id of parked) this.discarded.add(id);
    this.decisions.push(`discarded by ${request.by}: ${request.why}${parked.length === 0 ? NOTHING_PARKED : ''}`);
    this.show();
  }

  /** Signals are also typed by hand; one that makes no sense is shown, not obeyed. */
  private refuses(what: string, request: Accountable): boolean {
    const missing = missingAccount(request);
    if (missing === undefined) return false;
    this.decisions.push(`${what} refused: ${missing}`);
    this.show();
    return true;
  }

  takeOutcomes(reports: readonly WorkflowOutcomeReport[]): void {
    for (const report of reports) this.ledger.ended(report);
    this.show();
  }

  /** One attempt for all: when the activity as a whole is lost, nothing is known of any, and each is retried. */
  private async attemptTogether(
    fires: readonly Fire[],
    overrides: FireTriggersRequest['overrides'],
  ): Promise<readonly FireAttempt[]> {
    try {
      return await local.sluiceFireTriggers(this.request(fires, overrides));
    } catch (error) {
      const failure = readFailure(error);
      return fires.map((fire) => ({ fireId: fire.id, failure: { ...failure, retryable: true } }));
    }
  }

  /** False for an attempt that failed. */
  private noteFired({ fireId, result, attempts }: FireAttempt): boolean {
    if (result === undefined) return false;
    this.ledger.fired(fireId, attempts ?? 1, result, this.follows(this.fire(fireId), result));
    return true;
  }

  /** Carries one fire until it is fired, dead-lettered, discarded or expired. */
  private async finish(
    fire: Fire,
    first: FireAttempt | undefined,
    overrides: FireTriggersRequest['overrides'],
    attemptsMade = 1,
  ): Promise<void> {
    let attempt = first;
    if (attempt === undefined) attempt = await this.attemptAlone(fire, overrides, 0);
    else if (attempt.failure?.retryable) {
      this.ledger.failed(fire.id, 1, attempt.failure, 'Retrying');
      this.show();
      attempt = await this.attemptAlone(fire, overrides, 1, attempt.failure.retryAfterMs);
    } else if (attempt.failure !== undefined) this.ledger.failed(fire.id, attemptsMade, attempt.failure, 'Retrying');

    for (;;) {
      if (this.noteFired(attempt)) {
        this.show();
        return;
      }
      if (this.input.parkedBecause === undefined && (await this.deadLetter(fire))) return;
      const wakeUp = await this.park(fire, attempt.failure, attempt.attempts ?? 0);
      if (wakeUp === undefined) return;
      attempt = await this.attemptAlone(fire, wakeUp.overrides ?? overrides, 0);
    }
  }

  /** Waits for a slot where the trigger is rate limited, then lets Temporal retry by the trigger's plan. */
  private async attemptAlone(
    fire: Fire,
    overrides: FireTriggersRequest['overrides'],
    attemptsSoFar: number,
    waitMs = 0,
  ): Promise<FireAttempt> {
    const trigger = this.trigger(fire);
    const plan = planRetries(trigger.retryStrategy);
    if (plan.attempts !== undefined && attemptsSoFar >= plan.attempts) {
      const last = this.ledger.statuses().find(({ id }) => id === fire.id);
      return { fireId: fire.id, ...(last?.failure ? { failure: last.failure } : {}) };
    }
    if (attemptsSoFar > 0) {
      await sleep(Math.max(plan.initialIntervalMs, waitMs), { summary: `before trying ${fire.trigger} again` });
    }
    const deadlineMs = triggerDeadline(trigger);
    const options: ActivityOptions = {
      startToCloseTimeout: deadlineMs,
      heartbeatTimeout: '30s',
      summary: `${fire.trigger} ← ${this.nameEvents(fire)}`.slice(0, 200),
      retry: {
        initialInterval: plan.initialIntervalMs,
        backoffCoefficient: plan.coefficient,
        maximumInterval: plan.maximumIntervalMs,
        ...(plan.attempts === undefined ? {} : { maximumAttempts: plan.attempts - attemptsSoFar }),
      },
      // A single attempt may take longer than all of them are meant to: a policy that polls for hours.
      ...(plan.withinMs === undefined ? {} : { scheduleToCloseTimeout: Math.max(plan.withinMs, deadlineMs) }),
    };
    try {
      await this.awaitSlot(fire, trigger);
      const { result, attempts } = await proxyActivities<SensorActivities>(options).sluiceFireTrigger({
        ...this.request([fire], overrides),
        attemptsBefore: attemptsSoFar,
      });
      return { fireId: fire.id, result, attempts };
    } catch (error) {
      // Somebody cancels the run: that is no failure of the fire.
      if (isCancellation(error)) throw error;
      return { fireId: fire.id, failure: readFailure(error), attempts: readAttempts(error) };
    }
  }

  private async awaitSlot(fire: Fire, trigger: TriggerSpec): Promise<void> {
    if (trigger.rateLimit === undefined) return;
    const { sensor, bus } = this.input;
    const waitMs = await regular.sluiceReserveFire({
      sensor,
      bus,
      trigger: fire.trigger,
      rateLimit: trigger.rateLimit,
      fireId: fire.id,
    });
    if (waitMs > 0) await sleep(waitMs, { summary: `rate limit of ${fire.trigger}` });
  }

  private async deadLetter(fire: Fire): Promise<boolean> {
    const deadLetterTrigger = this.trigger(fire).dlqTrigger;
    if (deadLetterTrigger === undefined) return false;
    const name = deadLetterTrigger.template.name;
    const plan = planRetries(deadLetterTrigger.retryStrategy);
    try {
      const { result } = await proxyActivities<SensorActivities>({
        startToCloseTimeout: triggerDeadline(deadLetterTrigger),
        heartbeatTimeout: '30s',
        summary: `dead letter ${name} ← ${this.nameEvents(fire)}`.slice(0, 200),
        retry: {
          initialInterval: plan.initialIntervalMs,
          backoffCoefficient: plan.coefficient,
          maximumInterval: plan.maximumIntervalMs,
          ...(plan.attempts === undefined ? {} : { maximumAttempts: plan.attempts }),
        },
        ...(plan.withinMs === undefined ? {} : { scheduleToCloseTimeout: plan.withinMs }),
      }).sluiceFireTrigger({
        ...this.request([{ ...fire, id: `${fire.id}-dlq`, trigger: name }]),
        triggers: { [name]: deadLetterTrigger },
      });
      this.ledger.deadLettered(fire.id, result);
      this.show();
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.decisions.push(`dead letter ${name} failed: ${readFailure(error).message}`);
      return false;
    }
  }

  /** Waits for a person; undefined when the fire was discarded or nobody came in time. */
  private async park(
    fire: Fire,
    failure: FireFailure | undefined,
    attempts: number,
  ): Promise<RunRetriggerRequest | undefined> {
    this.ledger.failed(fire.id, attempts, failure ?? UNKNOWN_FAILURE, 'Parked');
    this.show();
    const woken = await condition(
      () => this.discarded.has(fire.id) || this.wakeUps.has(fire.id),
      this.input.options.parkForMs,
      { summary: `${fire.trigger} is parked` },
    );
    const wakeUp = this.wakeUps.get(fire.id);
    this.wakeUps.delete(fire.id);
    if (this.discarded.has(fire.id)) this.ledger.discarded(fire.id);
    else if (!woken || wakeUp === undefined) {
      this.ledger.expired(fire.id);
      this.decisions.push(`${fire.trigger}: nobody decided within ${formatDuration(this.input.options.parkForMs)}`);
    } else {
      // The person may have repaired the sensor meanwhile: fire what is applied now.
      this.triggers = { ...this.triggers, ...(await regular.sluiceCurrentTriggers(this.input.sensor)) };
      this.ledger.refire(fire.id);
      this.show();
      return wakeUp;
    }
    this.show();
    return undefined;
  }

  private async awaitOutcomes(): Promise<void> {
    while (
      !(await condition(() => this.ledger.isSettled(), OUTCOME_CHECK_INTERVAL, { summary: 'next look at outcomes' }))
    ) {
      try {
        this.takeOutcomes(await regular.sluiceReadOutcomes(this.ledger.waiting()));
      } catch (error) {
        this.note(`outcomes cannot be looked up: ${describeFailure(error)}`, error);
      }
    }
  }

  private async conclude(): Promise<SensorRunResult> {
    await this.publishOutcomes();
    const fires = this.ledger.statuses();
    this.show();
    await this.returning;
    const state = this.ledger.state();
    if (state !== 'Failed') return { state, fires };
    const bad = fires.filter((fire) => fire.state === 'Failed' || fire.state === 'DeadLettered');
    const reasons = bad.map((fire) => fire.outcome?.message || fire.failure?.message || fire.state);
    throw ApplicationFailure.nonRetryable(
      `${bad.length} of ${fires.length} fires failed: ${[...new Set(reasons)].slice(0, 3).join('; ')}`,
      'RUN_FAILED',
      { state, fires },
    );
  }

  /** Each outcome once. Never rejects: what cannot be published does not change what became of the fires. */
  private publishOutcomes(): Promise<void> {
    const fires = this.ledger
      .statuses()
      .filter(({ id, outcome }) => outcome !== undefined && this.ledger.isAtRest(id) && !this.published.has(id));
    if (fires.length === 0) return this.publishing;
    for (const { id } of fires) this.published.add(id);
    const { sensor, bus, events, options } = this.input;
    const request = { sensor, bus, runId: workflowInfo().workflowId, options, events, fires };
    this.publishing = this.publishing
      .then(() => regular.sluicePublishOutcomes(request))
      .catch((error: unknown) => {
        if (!isCancellation(error)) this.note(`the outcome could not be published: ${describeFailure(error)}`, error);
      });
    return this.publishing;
  }

  /** What went wrong beside the fires does not change what became of them. */
  private note(text: string, error: unknown): void {
    if (isCancellation(error)) throw error;
    this.decisions.push(text);
    this.show();
  }

  private show(): void {
    this.returnTickets();
    // Retries and parked fires may take days: nobody waits for them who waits for the outcomes of the others.
    const isMoving = this.ledger.statuses().some(({ state }) => state === 'Firing' || state === 'Waiting');
    if (!isMoving && !this.ledger.isSettled()) void this.publishOutcomes();
    setCurrentDetails(describeRun(this.input, this.ledger, this.decisions));
    const state = this.ledger.state();
    if (state === this.shownState) return;
    this.shownState = state;
    upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: state }]);
  }

  /** Limited triggers: a fire that has ended, or waits for a person, lets the next one go. */
  private returnTickets(): void {
    const tickets = this.input.fires.flatMap(({ id, ticket }) =>
      ticket !== undefined && !this.returned.has(ticket) && this.ledger.isAtRest(id) ? [ticket] : [],
    );
    if (tickets.length === 0) return;
    for (const ticket of tickets) this.returned.add(ticket);
    const { namespace, name } = this.input.sensor;
    const sensor = getExternalWorkflowHandle(sensorWorkflowId(namespace, name));
    this.returning = this.returning
      .then(() => sensor.signal(firesEndedSignal, tickets))
      .catch((error: unknown) => log.warn('the sensor is gone, so nobody waits for these fires', { tickets, error }));
  }

  private request(fires: readonly Fire[], overrides?: FireTriggersRequest['overrides']): FireTriggersRequest {
    const { sensor, events } = this.input;
    const request = { sensor, runId: workflowInfo().workflowId, triggers: this.triggers };
    if (fires.length === this.input.fires.length) return { ...request, events, fires, ...(overrides && { overrides }) };
    // Only what this fire needs: its copy of the events goes into the history.
    const kept: number[] = [...new Set(fires.flatMap((fire) => Object.values(fire.dependencies).flat()))];
    const position = new Map(kept.map((index, at) => [index, at]));
    return {
      ...request,
      triggers: Object.fromEntries(fires.map((fire) => [fire.trigger, this.trigger(fire)])),
      events: kept.map((index) => events[index]).filter((event) => event !== undefined),
      fires: fires.map((fire) => ({
        ...fire,
        dependencies: Object.fromEntries(
          Object.entries(fire.dependencies).map(([name, indexes]) => [
            name,
            indexes.map((index) => position.get(index) ?? 0),
          ]),
        ),
      })),
      ...(overrides && { overrides }),
    };
  }

  private follows(fire: Fire, result: FireResult): boolean {
    return this.input.options.followOutcome && followsOutcome(this.trigger(fire), result);
  }

  private fire(id: string): Fire {
    const fire = this.fires.get(id);
    if (fire === undefined) throw new Error(`run has no fire ${id}`);
    return fire;
  }

  private trigger(fire: Fire): TriggerSpec {
    const trigger = this.triggers[fire.trigger];
    if (trigger === undefined) throw new Error(`run has no trigger ${fire.trigger}`);
    return trigger;
  }

  private nameEvents(fire: Fire): string {
    return Object.values(fire.dependencies)
      .flat()
      .map((index) => this.input.events[index]?.id ?? '')
      .join(', ');
  }
}

function formatDuration(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return hours >= 1 ? `${Math.round(hours)} hours` : `${Math.ceil(ms / 1_000)} seconds`;
}

const NOTHING_PARKED = ' (nothing was parked)';
