/** The activities of an event source: each event is read, or its backlog is counted while the source is paused. */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  patched,
  proxyActivities,
  sleep,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { EventSourceActivities } from '../../src/contract/activities';
import type { EventSourceDefinition } from '../../src/contract/definitions';
import { COVERED_FAIL_OVER_MS, URGENT_FAIL_OVER_MS } from '../../src/contract/fail-over';
import type { SourceEvent } from '../../src/contract/source-events';
import { unreadFate } from '../../src/kinds/source-kinds';
import { STOP_AT_ONCE } from '../lifecycle/activity-options';
import type { EventState, EventStates } from '../../src/sandbox/event-source/event-states';

const RETRIES_FAILED_EVENTS = 'retries-failed-events';

const LONG_RUNNING: ActivityOptions = {
  startToCloseTimeout: '3650d',
  heartbeatTimeout: COVERED_FAIL_OVER_MS,
  // Each worker that hands over or dies counts as an attempt, so an old source always waits the maximum interval.
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '3s' },
};
export const { sluiceStopReading: stopReading } = proxyActivities<EventSourceActivities>(STOP_AT_ONCE);

/** An operator may have fixed the cause of a permanent failure: a right, a password, an address. */
const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 5 * 60_000;

export class EventReaders {
  constructor(
    private readonly definition: EventSourceDefinition,
    private readonly states: EventStates,
    private readonly show: () => void,
  ) {}

  /** Each runs until it is cancelled. */
  start(): ReadonlyArray<Promise<void>> {
    return this.states.all().map((event) => this.startOne(event));
  }

  private startOne(event: EventState): Promise<void> {
    if (event.state === 'Reading') return this.relay(event, false);
    if (event.state === 'Failed' && patched(RETRIES_FAILED_EVENTS)) return this.relay(event, true);
    if (event.state === 'Paused' && unreadFate(event.kind) === 'wait') return this.watchBacklog(event);
    return Promise.resolve();
  }

  private async relay(event: SourceEvent, hasFailed: boolean): Promise<void> {
    let pauseMs = FIRST_RETRY_MS;
    const pause = (): Promise<void> => sleep(pauseMs, { summary: `before reading ${event.name} again` });
    if (hasFailed) await pause();
    for (;;) {
      const startedAt = Date.now();
      this.states.reading(event);
      this.show();
      try {
        await this.read(event);
      } catch (error) {
        if (isCancellation(error)) return;
        this.states.failed(event, readProblem(error));
        this.show();
      }
      if (!patched(RETRIES_FAILED_EVENTS)) return await CancellationScope.current().cancelRequested;
      if (Date.now() - startedAt > LONGEST_RETRY_MS) pauseMs = FIRST_RETRY_MS;
      await pause();
      pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
    }
  }

  private read({ kind, name }: SourceEvent): Promise<void> {
    const { sluiceRelayEvents } = proxyActivities<EventSourceActivities>({
      ...LONG_RUNNING,
      heartbeatTimeout: unreadFate(kind) === 'wait' ? COVERED_FAIL_OVER_MS : URGENT_FAIL_OVER_MS,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      summary: `${kind} ${name} → bus`,
    });
    return sluiceRelayEvents({ definition: this.definition, kind, eventName: name });
  }

  /** Failures need no handling here: the activity is retried, and nothing depends on it. */
  private watchBacklog({ kind, name }: SourceEvent): Promise<void> {
    const { sluiceWatchBacklog } = proxyActivities<EventSourceActivities>({
      ...LONG_RUNNING,
      // Reading may begin before the activity has stopped.
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      summary: `what waits in ${kind} ${name}`,
    });
    return sluiceWatchBacklog({ definition: this.definition, kind, eventName: name });
  }
}

function readProblem(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return `${cause.type ?? 'error'}: ${cause.message}`;
  return cause instanceof Error ? cause.message : String(cause);
}
