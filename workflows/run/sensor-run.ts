/**
 * One run: carries its fires to their outcome.
 *
 * The first attempt of all quick fires is made by the listener, or in one local activity (the fast paths); then each
 * failed fire is retried on its own, visible in the UI as an activity that names trigger and event. A fire that still
 * fails goes to its dead-letter trigger or is parked until an operator decides. Bookkeeping is in src/run, attempts are
 * in fire-attempts.ts; this file contains only the order of steps.
 */
import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { HandlerUnfinishedPolicy } from '@temporalio/common';
import type { SensorActivities } from '../../src/contract/activities';
import { followsOutcome, isQuick } from '../../src/sandbox/run/trigger-traits';
import { describeFailure, readFailure, UNKNOWN_FAILURE } from '../../src/sandbox/run/read-failure';
import { ParkedFires, type WakeUp } from '../../src/sandbox/run/parked-fires';
import { RunLedger } from '../../src/sandbox/run/run-ledger';
import type { Overrides } from '../../src/contract/overrides';
import { describeRun } from '../../src/sandbox/run/run-details';
import type { FireAttempt, FireFailure, FireResult, RunState, WorkflowOutcomeReport } from '../../src/contract/fires';
import { showDuration, showTime } from '../../src/text/readable-times';
import { REPEATABLE } from '../lifecycle/activity-options';
import { refusalOf, RUN_DISCARD_FIELDS, RUN_RETRIGGER_FIELDS } from '../../src/contract/operator-request';
import { FireAttempts } from './fire-attempts';
import { sensorWorkflowId } from '../../src/contract/identity';
import { STATE_ATTRIBUTE } from '../../src/contract/search-attributes';
import { summaryLine } from '../../src/text/summary-line';
import { isOutcomeList, isTicketList } from '../lifecycle/signal-guards';
import { unfitFromTheStart } from './unfireable-run';
import {
  discardSignal,
  firesQuery,
  listedSignal,
  outcomeSignal,
  runRetriggerSignal,
  type RunDiscardRequest,
  type RunRetriggerRequest,
  type SensorRunInput,
} from '../../src/contract/run-messages';
import type { Fire } from '../../src/contract/packed-fires';
import { firesEndedSignal } from '../../src/contract/sensor-messages';

const activities = proxyActivities<SensorActivities>({
  ...REPEATABLE,
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/** A Workflow whose end the watch missed is looked up at this interval. */
const OUTCOME_CHECK_INTERVAL = '1h';
const OUTCOME_CHECK_INTERVAL_MS = 3_600_000;
/** A Workflow that the watch does not see is looked up after a quarter of the time that the run has waited for it. */
const FIRST_LOOK_MS = 2_000;
/** Histories without them come from versions that waited for the next hour, and published each fire's outcome once. */
const LOOK_AT_ONCE = 'look-at-once';
const PUBLISH_LATER_ENDS = 'publish-later-ends';
/** The maximum of a Date, in milliseconds. */
const LAST_TIME = 8.64e15;

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
    description: 'Give up what is parked: {"by": "…", "why": "…", "trigger"?: "…", "fireId"?: "…"}',
  });
  setHandler(outcomeSignal, (reports) => run.takeOutcomes(reports), {
    description: 'Sent by the outcome watch: how created Workflows ended',
  });
  setHandler(listedSignal, (fireIds) => run.lookForOthers(fireIds), {
    description: 'Sent by the outcome watch: fires whose Workflow is there',
    unfinishedPolicy: HandlerUnfinishedPolicy.ABANDON,
  });
  return await run.carry();
}

class Run {
  readonly ledger: RunLedger;
  private readonly attempts: FireAttempts;
  private readonly parked: ParkedFires;
  private shownState: RunState = 'Firing';
  private readonly decisions: string[] = [];
  private readonly returned = new Set<string>();
  private returning: Promise<void> = Promise.resolve();
  /** Fire → the outcome that was published. */
  private readonly published = new Map<string, string>();
  private readonly unwatched = new Set<string>();
  private following = false;
  private publishing: Promise<void> = Promise.resolve();

  private readonly fires: ReadonlyMap<string, Fire>;

  constructor(private readonly input: SensorRunInput) {
    this.fires = new Map(input.fires.map((fire) => [fire.id, fire]));
    this.ledger = new RunLedger(input.fires, input.events, input.listenerAttempts);
    this.attempts = new FireAttempts(input);
    this.parked = new ParkedFires(this.ledger);
  }

  async carry(): Promise<SensorRunResult> {
    const overrides = this.input.retriggerOf?.overrides;
    const failure = unfitFromTheStart(this.input);
    if (failure !== undefined) {
      const fired = this.attempts.byListener(this.input.fires).filter((attempt) => this.noteFired(attempt));
      const unmade = this.input.fires.filter(({ id }) => !fired.some(({ fireId }) => fireId === id));
      await Promise.all(unmade.map((fire) => this.finish(fire, { fireId: fire.id, failure }, overrides, 0)));
      await this.awaitOutcomes();
      return await this.conclude();
    }
    const quick = this.input.fires.filter((fire) => isQuick(this.attempts.triggerOf(fire)));
    const slow = this.input.fires.filter((fire) => !isQuick(this.attempts.triggerOf(fire)));
    const attempts = quick.length === 0 ? [] : await this.attempts.together(quick, overrides);
    // Fires that succeeded at once, nearly all in a storm, are noted without a promise and a UI update for each.
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
    if (this.isRefused('retrigger', refusalOf(request, RUN_RETRIGGER_FIELDS))) return;
    this.tell(this.parked.retrigger(request));
    this.show();
  }

  discard(request: RunDiscardRequest): void {
    if (this.isRefused('discard', refusalOf(request, RUN_DISCARD_FIELDS))) return;
    this.tell(this.parked.discard(request));
    this.show();
  }

  /** Signals are also typed by hand; an invalid one is shown and ignored. */
  private isRefused(what: string, refusal: string | undefined): boolean {
    if (refusal === undefined) return false;
    this.tell(`${what} refused: ${refusal}`);
    this.show();
    return true;
  }

  takeOutcomes(reports: readonly WorkflowOutcomeReport[]): void {
    const refusal = isOutcomeList(reports) ? undefined : 'it is not what the watch for outcomes sends';
    if (this.isRefused('outcome', refusal)) return;
    for (const report of reports) this.ledger.ended(report);
    this.show();
  }

  /** The watch has listed everything: a Workflow missing from its list has vanished, or was never in its scope. */
  async lookForOthers(listed: readonly string[]): Promise<void> {
    if (this.isRefused('listed', isTicketList(listed) ? undefined : 'it is not what the watch for outcomes sends'))
      return;
    const there = new Set(listed);
    await this.lookUp((id) => !there.has(id));
  }

  /** Returns false if the attempt failed. */
  private noteFired({ fireId, result, attempts }: FireAttempt): boolean {
    if (result === undefined) return false;
    const follows = this.follows(this.fire(fireId), result);
    this.ledger.fired(fireId, attempts ?? 1, result, follows);
    if (follows && result.kind === 'object' && (result.unwatched || result.existed)) this.followClosely(fireId);
    return true;
  }

  /** For Workflows that the watch does not see, or reports to the other run that created them. */
  private followClosely(fireId: string): void {
    if (!patched(LOOK_AT_ONCE)) return;
    this.unwatched.add(fireId);
    if (this.following) return;
    this.following = true;
    const isOver = (): boolean => !this.ledger.waiting().some(({ id }) => this.unwatched.has(id));
    const follow = async (): Promise<void> => {
      const since = Date.now();
      while (!isOver()) {
        await this.lookUp((id) => this.unwatched.has(id));
        const pauseMs = Math.min(OUTCOME_CHECK_INTERVAL_MS, Math.max(FIRST_LOOK_MS, (Date.now() - since) / 4));
        await condition(isOver, pauseMs, { summary: 'next look at Workflows that the watch does not see' });
      }
      this.following = false;
    };
    follow().catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  }

  /** Runs one fire until it is fired, dead-lettered, discarded or expired. */
  private async finish(
    fire: Fire,
    first: FireAttempt | undefined,
    overrides: Overrides | undefined,
    attemptsMade = 1,
  ): Promise<void> {
    let attempt = first;
    if (attempt === undefined) attempt = await this.attempts.alone(fire, overrides);
    else if (attempt.failure?.retryable) {
      this.ledger.failed(fire.id, 1, attempt.failure);
      this.show();
      attempt = await this.attempts.alone(fire, overrides, attempt.failure);
    } else if (attempt.failure !== undefined) this.ledger.failed(fire.id, attemptsMade, attempt.failure);

    for (;;) {
      if (this.noteFired(attempt)) {
        this.show();
        return;
      }
      if (this.input.parkedBecause === undefined && (await this.deadLetter(fire))) return;
      const wakeUp = await this.park(fire, attempt.failure, attempt.attempts ?? 0);
      if (wakeUp === undefined) return;
      if (this.input.contentMissing !== undefined) {
        this.tell('not retriggered: without the content of its events it would do something else');
        continue;
      }
      attempt = await this.attempts.alone(fire, wakeUp.overrides ?? overrides);
    }
  }

  private async deadLetter(fire: Fire): Promise<boolean> {
    const { dlqTrigger } = this.attempts.triggerOf(fire);
    if (dlqTrigger === undefined) return false;
    try {
      this.ledger.deadLettered(fire.id, await this.attempts.deadLetter(fire, dlqTrigger));
      this.show();
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.tell(`dead letter ${dlqTrigger.template.name} failed: ${readFailure(error).message}`);
      return false;
    }
  }

  /** Waits for an operator; returns undefined if the fire was discarded, has expired or has succeeded after all. */
  private async park(fire: Fire, failure: FireFailure | undefined, attempts: number): Promise<WakeUp | undefined> {
    const { parkForMs } = this.input.options;
    const now = Date.now();
    const until = new Date(Math.min(now + parkForMs, LAST_TIME)).toISOString();
    this.ledger.park(fire.id, attempts, failure ?? UNKNOWN_FAILURE, { since: new Date(now).toISOString(), until });
    this.show();
    await condition(() => this.parked.isDecided(fire.id) || !this.ledger.isParked(fire.id), parkForMs, {
      summary: summaryLine(`${fire.trigger} is parked: retrigger or discard`),
    });
    const decision = this.parked.takeDecision(fire.id);
    if (!this.ledger.isParked(fire.id)) this.tell(`${fire.trigger}: its Workflow has succeeded after all`);
    else if (decision === 'discarded') this.ledger.discarded(fire.id);
    else if (decision === undefined) {
      const why = `nobody decided within ${showDuration(parkForMs)}`;
      this.ledger.expired(fire.id, why);
      this.tell(`${fire.trigger}: ${why}`);
    } else {
      await this.attempts.refreshTriggers();
      this.ledger.refire(fire.id);
      this.show();
      return decision;
    }
    this.show();
    return undefined;
  }

  private async awaitOutcomes(): Promise<void> {
    while (
      !(await condition(() => this.ledger.isSettled(), OUTCOME_CHECK_INTERVAL, { summary: 'next look at outcomes' }))
    ) {
      await this.lookUp(() => true);
    }
  }

  /** Queries the cluster for the Workflows that these fires wait for. */
  private async lookUp(isWanted: (fireId: string) => boolean): Promise<void> {
    const waiting = this.ledger.waiting().filter(({ id }) => isWanted(id));
    if (waiting.length === 0) return;
    try {
      const summary = `how ${waiting.length} Argo ${waiting.length === 1 ? 'Workflow' : 'Workflows'} ended`;
      this.takeOutcomes(await activities.sluiceReadOutcomes.executeWithOptions({ summary }, [waiting]));
    } catch (error) {
      this.note(`outcomes cannot be looked up: ${describeFailure(error)}`, error);
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

  /** Publishes each outcome once (`argo retry` leads to another). Never rejects: failing to publish changes no fire. */
  private publishOutcomes(): Promise<void> {
    const fires = this.ledger
      .statuses()
      .filter(
        ({ id, outcome }) => outcome !== undefined && this.ledger.isAtRest(id) && this.isUnpublished(id, outcome),
      );
    if (fires.length === 0) return this.publishing;
    for (const { id, outcome } of fires) if (outcome !== undefined) this.published.set(id, endOf(outcome));
    const { sensor, bus, events, options } = this.input;
    const request = { sensor, bus, runId: workflowInfo().workflowId, options, events, fires };
    this.publishing = this.publishing
      .then(() => activities.sluicePublishOutcomes.executeWithOptions({ summary: 'outcomes → bus' }, [request]))
      .catch((error: unknown) => {
        if (!isCancellation(error)) this.note(`the outcome could not be published: ${describeFailure(error)}`, error);
      });
    return this.publishing;
  }

  private isUnpublished(fireId: string, outcome: WorkflowOutcomeReport): boolean {
    const published = this.published.get(fireId);
    if (published === undefined) return true;
    return published !== endOf(outcome) && patched(PUBLISH_LATER_ENDS);
  }

  /** Notes a failure that does not change the state of the fires. */
  private note(text: string, error: unknown): void {
    if (isCancellation(error)) throw error;
    // The same failure may occur at each lookup, for days.
    if (this.decisions.at(-1)?.endsWith(` ${text}`)) return;
    this.tell(text);
    this.show();
  }

  /** Adds a line to the details, for operators. */
  private tell(text: string): void {
    this.decisions.push(`${showTime(Date.now())} ${text}`);
  }

  private show(): void {
    this.returnTickets();
    // Retries and parked fires may take days: the outcomes of other fires must not wait for them.
    const isMoving = this.ledger.statuses().some(({ state }) => state === 'Firing' || state === 'Waiting');
    if (!isMoving && !this.ledger.isSettled()) void this.publishOutcomes();
    const { namespace, name } = this.input.sensor;
    const surroundings = {
      temporalNamespace: workflowInfo().namespace,
      sensorWorkflowId: sensorWorkflowId(namespace, name),
    };
    setCurrentDetails(describeRun(this.input, surroundings, this.ledger, this.decisions));
    const state = this.ledger.state();
    if (state === this.shownState) return;
    this.shownState = state;
    upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: state }]);
  }

  /** Limited triggers: a fire that has ended, or is parked, lets the next one start. */
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

  private follows(fire: Fire, result: FireResult): boolean {
    return this.input.options.followOutcome && followsOutcome(this.attempts.triggerOf(fire), result);
  }

  private fire(id: string): Fire {
    const fire = this.fires.get(id);
    if (fire === undefined) throw new Error(`run has no fire ${id}`);
    return fire;
  }
}

/** One Workflow may end several times: `argo retry` continues it. */
function endOf({ phase, finishedAt = '' }: WorkflowOutcomeReport): string {
  return `${phase} ${finishedAt}`;
}
