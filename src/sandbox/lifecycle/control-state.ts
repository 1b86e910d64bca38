/** What operators asked of an applied object, for its status and over continue-as-new. Pure. */
import type { ControlStatus } from '../../contract/lifecycle-messages';
import type { RequestedBy } from '../../contract/requester';
import { showTime } from '../../text/readable-times';

const KEPT_REFUSALS = 5;

export class ControlState {
  private paused: ControlStatus['paused'];
  private refusals: readonly string[];

  constructor(carried: ControlStatus = {}) {
    this.paused = carried.paused;
    this.refusals = carried.refusals ?? [];
  }

  get isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** `now`: milliseconds since the epoch. No effect while paused. */
  pause(request: RequestedBy, now: number): void {
    this.paused ??= { ...request, since: new Date(now).toISOString() };
  }

  resume(): void {
    this.paused = undefined;
  }

  /** Records a rejected request. */
  refuse(reason: string, now: number): void {
    this.refusals = [...this.refusals, `${showTime(now)} ${reason}`].slice(-KEPT_REFUSALS);
  }

  status(): ControlStatus {
    return {
      ...(this.paused && { paused: this.paused }),
      ...(this.refusals.length > 0 && { refusals: this.refusals }),
    };
  }
}
