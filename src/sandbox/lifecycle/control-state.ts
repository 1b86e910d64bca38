/** What operators asked of an applied object, for its status and over continue-as-new. Pure. */
import type { AppliedRecord, ApplyRequest, ControlStatus } from '../../contract/lifecycle-messages';
import type { RequestedBy } from '../../contract/requester';
import { showTime } from '../../text/readable-times';

const KEPT_REFUSALS = 5;

export class ControlState {
  private applied: AppliedRecord | undefined;
  private paused: ControlStatus['paused'];
  private refusals: readonly string[];

  constructor(carried: ControlStatus = {}) {
    this.applied = carried.applied;
    this.paused = carried.paused;
    this.refusals = carried.refusals ?? [];
  }

  get isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** `now`: milliseconds since the epoch. A request of an earlier version is unknown. */
  apply(request: ApplyRequest | undefined, now: number): void {
    if (request === undefined) {
      this.applied = undefined;
      return;
    }
    const { by, why, annotations = this.applied?.annotations } = request;
    this.applied = { by, why, ...(annotations && { annotations }), at: new Date(now).toISOString() };
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
      ...(this.applied && { applied: this.applied }),
      ...(this.paused && { paused: this.paused }),
      ...(this.refusals.length > 0 && { refusals: this.refusals }),
    };
  }
}
