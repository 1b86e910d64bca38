/**
 * Notices events that listeners took from the bus and do not handle: a listener without an owner, or one that hangs.
 * To the bus they are in hand, so neither lag nor an error shows them.
 */
import type { SensorBacklog } from '../../src/bus/bus';

/** A batch may take long; the bus delivers it again after two minutes. */
const STALLED_AFTER_MS = 180_000;

export class StallWatch {
  private floor: number | undefined;
  private since: number | undefined;

  /**
   * How long events have been in hand without the oldest of them being acknowledged, in milliseconds; 0 while there is
   * progress. `isHoldingBack`: the sensor takes no more, so that what was fetched ahead waits on purpose.
   */
  observe(
    { inHand, handledTo }: Pick<SensorBacklog, 'inHand' | 'handledTo'>,
    isHoldingBack: boolean,
    now: number,
  ): number {
    if (inHand === 0 || isHoldingBack || handledTo !== this.floor) this.since = now;
    this.floor = handledTo;
    this.since ??= now;
    return now - this.since;
  }

  /** For a person; undefined while all is well. */
  problem(now: number): string | undefined {
    if (this.since === undefined || now - this.since < STALLED_AFTER_MS) return undefined;
    const time = new Date(this.since).toISOString();
    return `events have been taken from the bus and not acknowledged since ${time}; if it lasts, restart the sensor workers`;
  }
}
