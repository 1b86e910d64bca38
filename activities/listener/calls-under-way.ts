/**
 * First attempts that this worker has begun and whose targets have not responded yet. Their runs are started meanwhile,
 * so that a slow target delays neither its batch nor the record; each run hears of the response by a signal.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallUnderWay, TimedAttempt } from '../../src/contract/fires';
import { attemptedSignal } from '../../src/contract/run-messages';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';
import { describeError } from '../../src/errors/sluice-error';
import type { UnrecordedAttempts } from './unrecorded-attempts';

const SIGNAL_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** While Temporal is away, the timer of the run does not fire either. */
const GIVE_UP_AFTER_MS = 3_600_000;
/** Of a worker that stops: a response that is about to come need not be asked for by an operator. */
const CLOSE_WITHIN_MS = 3_000;

export interface OpenCall {
  readonly call: CallUnderWay;
  /** Workflow id of the run that was planned. */
  readonly runId: string;
  /** Never rejects. */
  readonly attempt: Promise<TimedAttempt>;
  readonly abort: () => void;
}

interface Entry extends OpenCall {
  /** Where to report it, by workflow id: its run, once that exists, and that of a copy of its event. */
  readonly runs: Map<string, Client>;
  result?: TimedAttempt;
  /** Its run could not be started: the response is kept for the event's next delivery. */
  isUnrecorded?: boolean;
}

export class CallsUnderWay {
  private readonly entries = new Map<string, Entry>();
  private readonly reporting = new Set<Promise<void>>();
  private isClosing = false;

  constructor(
    private readonly unrecorded: UnrecordedAttempts,
    private readonly log: Logger,
  ) {}

  add(open: OpenCall): void {
    const entry: Entry = { ...open, runs: new Map() };
    this.entries.set(open.call.fireId, entry);
    this.follow(
      open.attempt.then(async (result) => {
        entry.result = result;
        await this.settle(entry);
      }),
    );
  }

  get(fireId: string): OpenCall | undefined {
    return this.entries.get(fireId);
  }

  /** A run was started that names the call. */
  reportTo(fireId: string, client: Client, runId: string): void {
    const entry = this.entries.get(fireId);
    if (entry === undefined || entry.runs.has(runId)) return;
    entry.runs.set(runId, client);
    this.follow(this.settle(entry));
  }

  /** For a run that may have been started while the call was under way. Another run ignores it. */
  report(attempt: TimedAttempt, client: Client, runId: string): void {
    this.follow(this.send(client, runId, attempt));
  }

  /** Its run could not be started yet. */
  keep(fireId: string): void {
    const entry = this.entries.get(fireId);
    if (entry === undefined) return;
    entry.isUnrecorded = true;
    this.follow(this.settle(entry));
  }

  /** No run waits for it, unless one was started before. */
  drop(fireId: string): void {
    if (this.entries.get(fireId)?.runs.size === 0) this.entries.delete(fireId);
  }

  /** Aborts what does not end within a moment. Resolves when all results are reported, or cannot be. */
  async close(): Promise<void> {
    this.isClosing = true;
    const timer = setTimeout(() => {
      for (const { abort } of this.entries.values()) abort();
    }, CLOSE_WITHIN_MS);
    while (this.reporting.size > 0) await Promise.all(this.reporting);
    clearTimeout(timer);
  }

  private follow(work: Promise<void>): void {
    this.reporting.add(work);
    void work.finally(() => this.reporting.delete(work));
  }

  private async settle(entry: Entry): Promise<void> {
    const { runs, result, isUnrecorded, runId, call } = entry;
    if (result === undefined || this.entries.get(call.fireId) !== entry) return;
    if (runs.size > 0) {
      this.entries.delete(call.fireId);
      await Promise.all([...runs].map(([id, client]) => this.send(client, id, result)));
    } else if (isUnrecorded) {
      this.entries.delete(call.fireId);
      this.unrecorded.keep(call.fireId, { attempt: result, runId, kind: 'noted' });
    }
  }

  /** Tries until the run has it, or has ended. */
  private async send(client: Client, runId: string, result: TimedAttempt): Promise<void> {
    const handle = client.workflow.getHandle(runId);
    const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        await client.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, () => handle.signal(attemptedSignal, [result]));
        return;
      } catch (error) {
        const isFinal = error instanceof WorkflowNotFoundError || classifyTemporalFailure(error).kind === 'permanent';
        if (isFinal || this.isClosing || performance.now() > giveUpAt) {
          this.log.warn(`run ${runId} was not told of a response to ${result.fireId}: ${describeError(error)}`);
          return;
        }
      }
      await delay(pauseMs);
    }
  }
}
