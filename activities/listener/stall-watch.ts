/**
 * Detects events that listeners took from the bus and do not handle: a listener without an owner, or one that hangs.
 * The bus counts them as in hand, so neither lag nor an error shows them.
 */
import type { SensorBacklog } from '../../src/bus/bus';

/** A batch may take long; the bus redelivers it after two minutes. */
const STALLED_AFTER_MS = 180_000;

export class StallWatch {
  private floor: number | undefined;
  private since: number | undefined;

  /**
   * Returns how long events have been in hand without an ack of the oldest one, in milliseconds; 0 while there is
   * progress. `isHoldingBack`: the sensor accepts no more, so events that were fetched ahead wait on purpose.
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

  /** Text for the operator; undefined while all is well. */
  problem(now: number): string | undefined {
    if (this.since === undefined || now - this.since < STALLED_AFTER_MS) return undefined;
    const time = new Date(this.since).toISOString();
    return `events have been taken from the bus and not acknowledged since ${time}; if it lasts, restart the sensor workers`;
  }
}
