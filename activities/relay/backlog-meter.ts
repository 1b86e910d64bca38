/** Polls how many events wait in the outside system of a source, for heartbeats and Prometheus. */
import { setTimeout as delay } from 'node:timers/promises';
import { isSluiceError } from '../../src/errors/sluice-error';
import type { Metrics } from '../../src/metrics/metrics';
import type { Source } from '../../src/sources/source';
import type { EventBacklog } from '../../src/contract/event-source-messages';
import type { RelayedName } from './relay-telemetry';
import { GAVE_UP, StopDeadline } from './stop-deadline';

const MEASURE_EVERY_MS = 2_000;
/** Where nothing waits: an idle source costs its server little. */
const MEASURE_IDLE_EVERY_MS = 10_000;

export class BacklogMeter {
  private last: EventBacklog | undefined;

  constructor(
    private readonly source: Source,
    private readonly metrics: Metrics,
    private readonly name: RelayedName,
    /** The source is being read, so that a backlog is soon none. */
    private readonly isRead: boolean,
  ) {}

  /** Undefined until the first measurement, and for sources that keep nothing. */
  latest(): EventBacklog | undefined {
    return this.last;
  }

  /** Runs until the signal aborts; throws errors that an operator must fix. No effect if the source has no backlog. */
  async run(signal: AbortSignal, onMeasured: (backlog: EventBacklog) => Promise<void> = () => Promise.resolve()) {
    if (this.source.backlog === undefined) return;
    // Counting may hang; it must not delay a stop.
    const stopping = new StopDeadline(signal, 0);
    try {
      while (!signal.aborted) {
        try {
          const backlog = await stopping.orGiveUp(this.source.backlog(signal));
          if (backlog === GAVE_UP) return;
          this.last = { ...backlog, at: new Date().toISOString() };
          this.metrics.set('sluice_source_backlog', this.labels(), this.last.entries);
          await onMeasured(this.last);
        } catch (error) {
          if (signal.aborted) return;
          // Transient: the last measurement and its time stay.
          if (!isSluiceError(error) || !error.retryable) throw error;
        }
        await delay(this.pauseMs(), undefined, { signal, ref: false }).catch(() => undefined);
      }
    } finally {
      stopping.dispose();
      this.metrics.forget('sluice_source_backlog', this.labels());
    }
  }

  private pauseMs(): number {
    const isIdle = this.isRead && this.last !== undefined && this.last.entries + this.last.pending === 0;
    return isIdle ? MEASURE_IDLE_EVERY_MS : MEASURE_EVERY_MS;
  }

  private labels() {
    const { namespace, eventSourceName, eventName } = this.name;
    return { namespace, eventsource_name: eventSourceName, event_name: eventName };
  }
}
