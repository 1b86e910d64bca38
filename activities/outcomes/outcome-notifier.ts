/** Collects outcomes of Argo Workflows and signals their runs, one delivery at a time. Plain logic without Temporal. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { concurrently } from '../../src/concurrency/concurrently';
import { describeError, isSluiceError } from '../../src/errors/sluice-error';
import { cutByBytes } from '../../src/text/cut-by-bytes';
import type { WorkflowOutcome } from '../../src/kubernetes/workflow-outcomes';
import { jsonBytes } from '../../src/text/json-bytes';
import type { WorkflowOutcomeReport } from '../../src/contract/fires';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';
import { MAX_REPORT_BYTES, toReport } from './outcome-report';

/** Outcomes of one run that end together share a signal, which costs the run four history events. */
const COLLECT_FOR_MS = 200;
const RETRY_AFTER_MS = 2_000;
const MAX_RETRY_AFTER_MS = 30_000;
/** After a list, thousands of runs may have to be signalled at once; most of them have ended long ago. */
const CONCURRENT_SIGNALS = 50;

export interface OutcomeNotifierOptions {
  /** Throws WorkflowNotFoundError for a run that no longer exists, which needs no signal. */
  signal(runId: string, reports: readonly WorkflowOutcomeReport[]): Promise<void>;
  onTold(outcome: WorkflowOutcome): void;
  /** The run has ended and accepts no signals. Retried if it rejects. */
  onClosed?(runId: string, outcomes: readonly WorkflowOutcome[]): Promise<void>;
  /** Temporal rejects this outcome, however often it is sent. */
  onRefused(outcome: WorkflowOutcome, runId: string, reason: string): void;
  warn(message: string): void;
}

type Delivery =
  | { readonly kind: 'delivered' }
  /** The run has ended. */
  | { readonly kind: 'closed' }
  /** `refused`: permanently. */
  | { readonly kind: 'refused' | 'failed'; readonly error: unknown };

export class OutcomeNotifier {
  private readonly waiting = new Map<string, WorkflowOutcome[]>();
  private seen: string | undefined;
  private deliveredUpTo: string | undefined;
  /** Something was added since the last delivery, or is to be sent again. */
  private hasNews = false;
  private wakeUp: () => void = () => undefined;

  constructor(private readonly options: OutcomeNotifierOptions) {}

  add(outcome: WorkflowOutcome & { readonly runId: string }): void {
    this.waiting.set(outcome.runId, [...(this.waiting.get(outcome.runId) ?? []), outcome]);
    this.wake();
  }

  /** Everything up to this resource version has been added. */
  reached(resourceVersion: string): void {
    this.seen = resourceVersion;
    this.wake();
  }

  /** Returns the resource version up to which every outcome was delivered: a watch that resumes there misses none. */
  position(): string | undefined {
    return this.deliveredUpTo;
  }

  /** Delivers outcomes until `signal` aborts, then those that remain. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let retryAfterMs = RETRY_AFTER_MS;
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) {
      if (!this.hasNews) await new Promise<void>((resolve) => (this.wakeUp = resolve));
      await delay(COLLECT_FOR_MS, undefined, { signal }).catch(() => undefined);
      if (await this.deliver()) retryAfterMs = RETRY_AFTER_MS;
      else {
        await delay(retryAfterMs, undefined, { signal }).catch(() => undefined);
        retryAfterMs = Math.min(MAX_RETRY_AFTER_MS, 2 * retryAfterMs);
      }
    }
    await this.deliver();
  }

  private wake(): void {
    this.hasNews = true;
    this.wakeUp();
  }

  /** Returns false if some deliveries have to be retried. */
  private async deliver(): Promise<boolean> {
    this.hasNews = false;
    const upTo = this.seen;
    const problems: unknown[] = [];
    await concurrently([...this.waiting.keys()], CONCURRENT_SIGNALS, async (runId) => {
      await this.send(runId).catch((error: unknown) => problems.push(error));
    });
    if (problems.length === 0) {
      this.deliveredUpTo = upTo;
      return true;
    }
    this.hasNews = true;
    this.options.warn(`outcomes of ${problems.length} runs will be delivered again: ${describeError(problems[0])}`);
    return false;
  }

  private async send(runId: string): Promise<void> {
    const outcomes = this.waiting.get(runId) ?? [];
    this.waiting.delete(runId);
    const portions = cutByBytes(outcomes, MAX_REPORT_BYTES, (outcome) => jsonBytes(toReport(outcome)));
    for (let portion = portions.shift(); portion !== undefined; portion = portions.shift()) {
      const delivery = await this.deliverTo(runId, portion);
      switch (delivery.kind) {
        case 'delivered':
          for (const outcome of portion) this.options.onTold(outcome);
          break;
        case 'closed':
          return await this.reportClosed(runId, [...portion, ...portions.flat()]);
        case 'refused':
          // One outcome may be the cause of the rejection: sends each of them alone.
          if (portion.length > 1) portions.unshift(...portion.map((outcome) => [outcome]));
          else this.refuse(runId, portion, delivery.error);
          break;
        case 'failed':
          this.keep(runId, [...portion, ...portions.flat()]);
          throw delivery.error;
      }
    }
  }

  private async deliverTo(runId: string, outcomes: readonly WorkflowOutcome[]): Promise<Delivery> {
    const reports = outcomes.map((outcome) => toReport(outcome));
    try {
      await this.options.signal(runId, reports);
      return { kind: 'delivered' };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { kind: 'closed' };
      const failure = classifyTemporalFailure(error);
      return { kind: failure.kind === 'permanent' ? 'refused' : 'failed', error: failure.error };
    }
  }

  private async reportClosed(runId: string, outcomes: readonly WorkflowOutcome[]): Promise<void> {
    try {
      await this.options.onClosed?.(runId, outcomes);
    } catch (error) {
      if (isSluiceError(error) && !error.retryable) return this.refuse(runId, outcomes, error);
      this.keep(runId, outcomes);
      throw error;
    }
  }

  private keep(runId: string, outcomes: readonly WorkflowOutcome[]): void {
    this.waiting.set(runId, [...outcomes, ...(this.waiting.get(runId) ?? [])]);
  }

  private refuse(runId: string, outcomes: readonly WorkflowOutcome[], error: unknown): void {
    for (const outcome of outcomes) this.options.onRefused(outcome, runId, describeError(error));
  }
}
