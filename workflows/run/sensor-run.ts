/**
 * One run: carries its fires to their outcome.
 *
 * The first attempt of all quick fires is made by the listener, or in one local activity (the fast paths); then each
 * failed fire is retried on its own, visible in the UI as an activity that names trigger and event. A fire that still
 * fails goes to its dead-letter trigger or is parked until an operator decides. Bookkeeping is in src/sandbox/run; this
 * file contains only the order of steps.
 */
import { HandlerUnfinishedPolicy } from '@temporalio/common';
import { ApplicationFailure, condition, isCancellation, setHandler } from '@temporalio/workflow';
import type {
  FireAttempt,
  FireFailure,
  FireResult,
  RunState,
  TimedAttempt,
  WorkflowOutcomeReport,
} from '../../src/contract/fires';
import { requestRefusal, RUN_DISCARD_FIELDS, RUN_RETRIGGER_FIELDS } from '../../src/contract/operator-request';
import type { Overrides } from '../../src/contract/overrides';
import type { Fire } from '../../src/contract/packed-fires';
import {
  attemptedSignal,
  discardSignal,
  firesQuery,
  listedSignal,
  outcomeSignal,
  runRetriggerSignal,
  type RunDiscardRequest,
  type RunRetriggerRequest,
  type SensorRunInput,
} from '../../src/contract/run-messages';
import { ParkedFires, type WakeUp } from '../../src/sandbox/run/parked-fires';
import { readFailure, UNKNOWN_FAILURE } from '../../src/sandbox/run/read-failure';
import { RunLedger } from '../../src/sandbox/run/run-ledger';
import { followsOutcome, isQuick } from '../../src/sandbox/run/trigger-traits';
import { showDuration } from '../../src/text/readable-times';
import { summaryLine } from '../../src/text/summary-line';
import { isAttemptList, isOutcomeList, isTicketList } from '../lifecycle/signal-guards';
import { FireAttempts } from './fire-attempts';
import { ListenerCalls } from './listener-calls';
import { OutcomeLookups } from './outcome-lookups';
import { OutcomePublisher } from './outcome-publisher';
import { RunPage } from './run-page';
import { TicketReturns } from './ticket-returns';
import { unfitFromTheStart } from './unfireable-run';

/** The maximum of a Date, in milliseconds. */
const LAST_TIME = 8.64e15;
const NOT_OF_THE_WATCH = 'it is not a message of the outcome watch';
const NOT_OF_THE_LISTENER = 'it is not a message of a listener';

export interface SensorRunResult {
  readonly state: RunState;
  readonly fires: ReturnType<RunLedger['statuses']>;
}

export async function sensorRun(input: SensorRunInput): Promise<SensorRunResult> {
  const run = new Run(input);
  setHandler(firesQuery, () => run.ledger.statuses(), { description: 'Every fire of this run and its state' });
  setHandler(runRetriggerSignal, (request) => run.retrigger(request), {
    description:
      'Fire the parked fires again: {"by": "…", "why": "…", "trigger"?: "…", "fireId"?: "…", "overrides"?: {}}',
  });
  setHandler(discardSignal, (request) => run.discard(request), {
    description: 'Discard the parked fires: {"by": "…", "why": "…", "trigger"?: "…", "fireId"?: "…"}',
  });
  setHandler(attemptedSignal, (attempts) => run.takeAttempts(attempts), {
    description: 'Sent by the listener: the results of first attempts that were under way when it started this run',
  });
  setHandler(outcomeSignal, (reports) => run.takeOutcomes(reports), {
    description: 'Sent by the outcome watch: how created Workflows ended',
  });
  setHandler(listedSignal, (fireIds) => run.takeList(fireIds), {
    description: 'Sent by the outcome watch: fires whose Workflow is there',
    unfinishedPolicy: HandlerUnfinishedPolicy.ABANDON,
  });
  return await run.carry();
}

class Run {
  readonly ledger: RunLedger;
  private readonly fires: ReadonlyMap<string, Fire>;
  private readonly overrides: Overrides | undefined;
  private readonly attempts: FireAttempts;
  private readonly calls: ListenerCalls;
  private readonly parked: ParkedFires;
  private readonly page: RunPage;
  private readonly tickets: TicketReturns;
  private readonly publisher: OutcomePublisher;
  private readonly outcomes: OutcomeLookups;

  constructor(private readonly input: SensorRunInput) {
    this.fires = new Map(input.fires.map((fire) => [fire.id, fire]));
    this.overrides = input.retriggerOf?.overrides;
    this.ledger = new RunLedger(input.fires, input.events, input.listenerAttempts);
    this.attempts = new FireAttempts(input);
    this.calls = new ListenerCalls(input.listenerAttempts);
    this.parked = new ParkedFires(this.ledger);
    this.page = new RunPage(input, this.ledger, () => this.passOn());
    this.tickets = new TicketReturns(input, this.ledger);
    this.publisher = new OutcomePublisher(input, this.ledger, (text, error) => this.page.addFailure(text, error));
    this.outcomes = new OutcomeLookups(this.ledger, this.page);
  }

  async carry(): Promise<SensorRunResult> {
    const failure = unfitFromTheStart(this.input);
    if (failure !== undefined) await Promise.all(this.finishUnfit(failure));
    else await this.fireAll();
    await this.outcomes.settled();
    return await this.conclude();
  }

  takeAttempts(attempts: readonly TimedAttempt[]): void {
    if (this.page.isRefused('attempted', isAttemptList(attempts) ? undefined : NOT_OF_THE_LISTENER)) return;
    for (const attempt of this.calls.take(attempts)) this.ledger.attemptedEarly(attempt);
  }

  retrigger(request: RunRetriggerRequest): void {
    if (this.page.isRefused('retrigger', requestRefusal(request, RUN_RETRIGGER_FIELDS))) return;
    this.page.add(this.parked.retrigger(request));
    this.page.show();
  }

  discard(request: RunDiscardRequest): void {
    if (this.page.isRefused('discard', requestRefusal(request, RUN_DISCARD_FIELDS))) return;
    this.page.add(this.parked.discard(request));
    this.page.show();
  }

  takeOutcomes(reports: readonly WorkflowOutcomeReport[]): void {
    if (!this.page.isRefused('outcome', isOutcomeList(reports) ? undefined : NOT_OF_THE_WATCH))
      this.outcomes.take(reports);
  }

  async takeList(listed: readonly string[]): Promise<void> {
    if (this.page.isRefused('listed', isTicketList(listed) ? undefined : NOT_OF_THE_WATCH)) return;
    await this.outcomes.lookUpOthers(listed);
  }

  /** Fires that the listener had attempted may have succeeded; the others wait for an operator. */
  private finishUnfit(failure: FireFailure): Array<Promise<void>> {
    const fired = this.attempts.byListener().filter((attempt) => this.noteFired(attempt));
    const unmade = this.input.fires.filter(({ id }) => !fired.some(({ fireId }) => fireId === id));
    return unmade.map(async (fire) => {
      const attempt = await this.calls.attempted(fire.id);
      if (attempt === undefined || !this.noteFired(attempt)) await this.finish(fire, { fireId: fire.id, failure }, 0);
    });
  }

  /** Fires that succeeded at once, nearly all in a storm, are noted without a promise and a UI update for each. */
  private async fireAll(): Promise<void> {
    const made = this.attempts.byListener();
    const attempted = new Set(made.map(({ fireId }) => fireId));
    const calling = this.input.fires.filter(({ id }) => this.calls.has(id));
    const others = this.input.fires.filter(({ id }) => !attempted.has(id) && !this.calls.has(id));
    const isQuickFire = (fire: Fire): boolean => isQuick(this.attempts.triggerOf(fire));
    const quick = await this.attempts.together(others.filter(isQuickFire), this.overrides);
    const slow = others.filter((fire) => !isQuickFire(fire));
    const groups = this.attempts.shareCalls(slow);
    const sharing = new Set(groups.flat());
    await Promise.all([
      ...this.finishAttempted([...made, ...quick]),
      ...calling.map((fire) => this.finishCall(fire)),
      ...groups.map((fires) => this.finishTogether(fires)),
      ...slow.filter((fire) => !sharing.has(fire)).map((fire) => this.finish(fire, undefined)),
    ]);
  }

  private async finishCall({ id }: Fire): Promise<void> {
    const attempt = await this.calls.attempted(id);
    if (attempt !== undefined) await Promise.all(this.finishAttempted([attempt]));
  }

  private async finishTogether(fires: readonly Fire[]): Promise<void> {
    await Promise.all(this.finishAttempted(await this.attempts.callTogether(fires, this.overrides)));
  }

  private finishAttempted(attempts: readonly FireAttempt[]): Array<Promise<void>> {
    const unfinished = attempts.filter((attempt) => !this.noteFired(attempt));
    this.page.show();
    return unfinished.map((attempt) => this.finish(this.fire(attempt.fireId), attempt));
  }

  /** Returns false if the attempt failed. */
  private noteFired({ fireId, result, attempts }: FireAttempt): boolean {
    if (result === undefined) return false;
    const follows = this.follows(this.fire(fireId), result);
    this.ledger.fired(fireId, attempts ?? 1, result, follows);
    if (follows && result.kind === 'object' && (result.unwatched || result.existed))
      this.outcomes.followClosely(fireId);
    return true;
  }

  /** Runs one fire until it is fired, dead-lettered, discarded or expired. */
  private async finish(fire: Fire, first: FireAttempt | undefined, attemptsMade = 1): Promise<void> {
    let attempt = first;
    if (attempt === undefined) attempt = await this.attempts.alone(fire, this.overrides);
    else if (attempt.failure?.retryable) {
      this.ledger.failed(fire.id, 1, attempt.failure);
      this.page.show();
      attempt = await this.attempts.alone(fire, this.overrides, attempt.failure);
    } else if (attempt.failure !== undefined) this.ledger.failed(fire.id, attemptsMade, attempt.failure);

    for (;;) {
      if (this.noteFired(attempt)) {
        this.page.show();
        return;
      }
      if (this.input.parkedBecause === undefined && (await this.deadLetter(fire))) return;
      const wakeUp = await this.park(fire, attempt.failure, attempt.attempts ?? 0);
      if (wakeUp === undefined) return;
      if (this.input.contentMissing !== undefined) {
        this.page.add('not retriggered: the content of its events is missing');
        continue;
      }
      attempt = await this.attempts.alone(fire, wakeUp.overrides ?? this.overrides);
    }
  }

  private async deadLetter(fire: Fire): Promise<boolean> {
    const { dlqTrigger } = this.attempts.triggerOf(fire);
    if (dlqTrigger === undefined) return false;
    try {
      this.ledger.deadLettered(fire.id, await this.attempts.deadLetter(fire, dlqTrigger));
      this.page.show();
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.page.add(`dead letter ${dlqTrigger.template.name} failed: ${readFailure(error).message}`);
      return false;
    }
  }

  /** Waits for an operator; returns undefined if the fire was discarded, has expired or has succeeded after all. */
  private async park(fire: Fire, failure: FireFailure | undefined, attempts: number): Promise<WakeUp | undefined> {
    const { parkForMs } = this.input.options;
    const now = Date.now();
    const until = new Date(Math.min(now + parkForMs, LAST_TIME)).toISOString();
    this.ledger.park(fire.id, attempts, failure ?? UNKNOWN_FAILURE, { since: new Date(now).toISOString(), until });
    this.page.show();
    await condition(() => this.parked.isDecided(fire.id) || !this.ledger.isParked(fire.id), parkForMs, {
      summary: summaryLine(`${fire.trigger} is parked: retrigger or discard`),
    });
    const decision = this.parked.takeDecision(fire.id);
    if (!this.ledger.isParked(fire.id)) this.page.add(`${fire.trigger}: its Workflow has succeeded after all`);
    else if (decision === 'discarded') this.ledger.discarded(fire.id);
    else if (decision === undefined) {
      const why = `no operator decided within ${showDuration(parkForMs)}`;
      this.ledger.expired(fire.id, why);
      this.page.add(`${fire.trigger}: ${why}`);
    } else {
      await this.attempts.refreshTriggers();
      this.ledger.refire(fire.id);
      this.page.show();
      return decision;
    }
    this.page.show();
    return undefined;
  }

  private async conclude(): Promise<SensorRunResult> {
    await this.publisher.publishNew();
    const fires = this.ledger.statuses();
    this.page.show();
    await this.tickets.idle();
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

  /** Before the state of the fires is shown: what others wait for. */
  private passOn(): void {
    this.tickets.returnNew();
    // Retries and parked fires may take days: the outcomes of other fires must not wait for them.
    const isMoving = this.ledger.statuses().some(({ state }) => state === 'Firing' || state === 'Waiting');
    if (!isMoving && !this.ledger.isSettled()) void this.publisher.publishNew();
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
