/** Collects how Argo Workflows ended and tells their runs, one delivery at a time. Plain logic without Temporal. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { describeError } from '../src/errors';
import { cutByBytes } from '../src/event/cut-by-bytes';
import type { WorkflowOutcome } from '../src/kubernetes/workflow-outcomes';
import type { WorkflowOutcomeReport } from '../src/run/run-types';

/** Outcomes of one run that end together are told together: a signal costs the run four events. */
const COLLECT_FOR_MS = 200;
const RETRY_AFTER_MS = 2_000;
/** After a list, thousands of runs may have to be told at once; most of them have ended long ago. */
const CONCURRENT_SIGNALS = 50;
/** Temporal refuses a signal of more than 2 MB. */
const MAX_SIGNAL_BYTES = 1_000_000;

export interface OutcomePostOptions {
  /** Throws WorkflowNotFoundError for a run that is gone, which needs none. */
  signal(runId: string, reports: readonly WorkflowOutcomeReport[]): Promise<void>;
  onTold(outcome: WorkflowOutcome): void;
  /** The run has ended and takes no signals. What rejects is tried again. */
  onClosed?(runId: string, outcomes: readonly WorkflowOutcome[]): Promise<void>;
  warn(message: string): void;
}

export class OutcomePost {
  private readonly waiting = new Map<string, WorkflowOutcome[]>();
  private seen: string | undefined;
  private toldUpTo: string | undefined;

  constructor(private readonly options: OutcomePostOptions) {}

  add(outcome: WorkflowOutcome & { readonly runId: string }): void {
    this.waiting.set(outcome.runId, [...(this.waiting.get(outcome.runId) ?? []), outcome]);
  }

  /** Everything up to this resource version has been added. */
  reached(resourceVersion: string): void {
    this.seen = resourceVersion;
  }

  /** The resource version up to which every outcome has been told: who resumes there misses none. */
  position(): string | undefined {
    return this.toldUpTo;
  }

  /** Tells what comes until `signal` aborts, and what is left then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(COLLECT_FOR_MS, undefined, { signal }).catch(() => undefined);
      if (!(await this.deliver())) await delay(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
    await this.deliver();
  }

  /** False where some have to be told again. */
  private async deliver(): Promise<boolean> {
    const upTo = this.seen;
    const runs = [...this.waiting.keys()];
    const problems: unknown[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let runId = runs[next++]; runId !== undefined; runId = runs[next++]) {
        try {
          await this.tell(runId);
        } catch (error) {
          problems.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_SIGNALS, runs.length) }, lane));
    if (problems.length === 0) {
      this.toldUpTo = upTo;
      return true;
    }
    this.options.warn(`outcomes for ${problems.length} runs will be told again: ${describeError(problems[0])}`);
    return false;
  }

  private async tell(runId: string): Promise<void> {
    const outcomes = this.waiting.get(runId) ?? [];
    this.waiting.delete(runId);
    const portions = cutByBytes(outcomes, MAX_SIGNAL_BYTES);
    while (portions[0] !== undefined) {
      try {
        if (!(await this.deliverTo(runId, portions[0]))) {
          await this.options.onClosed?.(runId, portions.flat());
          return;
        }
      } catch (error) {
        this.waiting.set(runId, [...portions.flat(), ...(this.waiting.get(runId) ?? [])]);
        throw error;
      }
      portions.shift()?.forEach((outcome) => this.options.onTold(outcome));
    }
  }

  /** False where the run has ended. */
  private async deliverTo(runId: string, outcomes: readonly WorkflowOutcome[]): Promise<boolean> {
    try {
      await this.options.signal(runId, outcomes.map(toReport));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}

export function toReport(outcome: WorkflowOutcome): WorkflowOutcomeReport {
  const { fireId, object, phase, message, startedAt, finishedAt, outputs } = outcome;
  return {
    fireId,
    uid: object.uid,
    phase,
    message,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    outputs,
  };
}
