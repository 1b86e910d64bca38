/**
 * A back-fill: announces the older items of a STAC API through an event source, portion by portion. Everything that may
 * take long is waited for here, so that a pause or a cancellation has its effect at once.
 */
import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { EventSourceActivities } from '../../src/contract/activities';
import {
  backfillProgressQuery,
  cancelSignal,
  type BackfillInput,
  type BackfillPause,
  type BackfillProgress,
  type BackfillStatus,
} from '../../src/contract/backfill-messages';
import { pauseSignal, resumeSignal } from '../../src/contract/lifecycle-messages';
import { missingRequester } from '../../src/contract/operator-request';
import type { RequestedBy } from '../../src/contract/requester';
import { beginBackfill } from '../../src/sandbox/backfill/backfill-pace';
import { ControlState } from '../../src/sandbox/lifecycle/control-state';
import { STOP_AT_ONCE } from '../lifecycle/activity-options';
import { describeBackfill } from './backfill-details';

const { sluiceBackfillPortion } = proxyActivities<EventSourceActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
  // It returns how far it came.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
const { sluiceStopReading } = proxyActivities<EventSourceActivities>(STOP_AT_ONCE);

export async function backfill(input: BackfillInput): Promise<BackfillStatus> {
  const job = new Backfill(input);
  job.handleMessages();
  return await job.run();
}

class Backfill {
  private readonly startedAt: string;
  private readonly control: ControlState;
  private progress: BackfillProgress;
  private pause: BackfillPause | undefined;
  private activeMs: number;
  private state: BackfillStatus['state'] = 'Running';
  private cancelled: BackfillStatus['cancelled'];

  constructor(private readonly input: BackfillInput) {
    const { request, carried } = input;
    this.startedAt = carried?.startedAt ?? workflowInfo().startTime.toISOString();
    this.control = new ControlState(carried);
    this.progress = carried?.progress ?? beginBackfill(request.from);
    this.pause = carried?.pause;
    this.activeMs = carried?.activeMs ?? 0;
  }

  handleMessages(): void {
    setHandler(backfillProgressQuery, () => this.status(), { description: 'How far the back-fill has come' });
    this.handle(pauseSignal, 'Stop searching, until it is resumed', (request) =>
      this.control.pause(request, Date.now()),
    );
    this.handle(resumeSignal, 'Continue where it stopped', () => this.control.resume());
    this.handle(cancelSignal, 'End it; what is on the bus stays there', (request) => {
      this.cancelled ??= { ...request, at: new Date().toISOString() };
    });
  }

  async run(): Promise<BackfillStatus> {
    try {
      while (!this.progress.isComplete && this.cancelled === undefined) {
        if (this.control.isPaused) await this.untilResumed();
        else await this.goOn();
        if (workflowInfo().continueAsNewSuggested && !this.progress.isComplete && this.cancelled === undefined) {
          await this.continueAsNew();
        }
      }
    } catch (error) {
      this.finish(isCancellation(error) ? 'Cancelled' : 'Failed');
      throw error;
    }
    this.finish(this.progress.isComplete ? 'Completed' : 'Cancelled');
    return this.status();
  }

  private async untilResumed(): Promise<void> {
    this.show('Paused');
    await condition(() => !this.control.isPaused || this.cancelled !== undefined);
  }

  private async goOn(): Promise<void> {
    const startedAt = Date.now();
    try {
      if (this.pause === undefined) await this.advance();
      else await this.wait(this.pause);
    } finally {
      this.activeMs += Date.now() - startedAt;
    }
  }

  private async wait({ ms }: BackfillPause): Promise<void> {
    this.show('Waiting');
    await condition(() => this.isInterrupted(), ms);
    this.pause = undefined;
  }

  private async advance(): Promise<void> {
    this.show('Running');
    const { definition, request } = this.input;
    const scope = new CancellationScope();
    const portion = scope.run(() =>
      sluiceBackfillPortion.executeWithOptions({ summary: `from ${this.progress.doneTo}` }, [
        { definition, request, progress: this.progress },
      ]),
    );
    const settled = portion.then(
      () => true,
      () => true,
    );
    let isOver = false;
    void settled.then(() => (isOver = true));
    try {
      await condition(() => isOver || this.isInterrupted());
    } finally {
      await CancellationScope.nonCancellable(async () => {
        const stopping = new CancellationScope();
        if (!isOver) {
          scope.cancel();
          // If it fails, the portion ends with its next heartbeat.
          stopping
            .run(() => sluiceStopReading(1))
            .catch((error: unknown) => log.debug('not stopped at once', { error }));
        }
        await settled;
        stopping.cancel();
        this.take(await portion.catch(ignoreCancellation));
      });
    }
  }

  private take(portion: { readonly progress: BackfillProgress; readonly pause?: BackfillPause } | undefined): void {
    if (portion === undefined) return;
    this.progress = portion.progress;
    this.pause = portion.pause;
  }

  private isInterrupted(): boolean {
    return this.control.isPaused || this.cancelled !== undefined;
  }

  private async continueAsNew(): Promise<void> {
    const { definition, request } = this.input;
    const { paused, refusals } = this.control.status();
    const { startedAt, activeMs, progress, pause } = this;
    await continueAsNew<typeof backfill>({
      definition,
      request,
      carried: {
        ...{ startedAt, activeMs, progress },
        ...(paused && { paused }),
        ...(refusals && { refusals }),
        ...(pause && { pause }),
      },
    });
  }

  private finish(state: BackfillStatus['state']): void {
    this.show(state);
  }

  private show(state = this.state): void {
    this.state = state;
    setCurrentDetails(describeBackfill(this.input.definition, this.status(), workflowInfo().namespace));
  }

  private status(): BackfillStatus {
    const { paused, refusals } = this.control.status();
    const { known: _known, ...progress } = this.progress;
    return {
      state: this.state,
      request: this.input.request,
      startedAt: this.startedAt,
      ...progress,
      activeMs: this.activeMs,
      ...(this.state === 'Waiting' && this.pause && { waitsFor: this.pause.why }),
      ...(paused && { paused }),
      ...(this.cancelled && { cancelled: this.cancelled }),
      ...(refusals && { refusals }),
    };
  }

  private handle(signal: typeof pauseSignal, description: string, obey: (request: RequestedBy) => void): void {
    setHandler(
      signal,
      (request) => {
        const refusal = missingRequester(request);
        if (refusal === undefined) obey(request);
        else this.control.refuse(`${signal.name}: ${refusal}`, Date.now());
        this.show();
      },
      { description: `${description}: {"by": "…", "why": "…"}` },
    );
  }
}

function ignoreCancellation(error: unknown): undefined {
  if (!isCancellation(error)) throw error;
  return undefined;
}
