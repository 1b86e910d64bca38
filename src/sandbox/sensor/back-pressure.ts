/**
 * When a sensor holds back: too many fires wait for their turn, so the bus has to keep what comes next.
 *
 * Listeners ask how many more events the sensor takes, and pull no more than that. It takes none from the moment the
 * upper mark is reached until the lower one is; in between lies what keeps slow triggers busy until listeners ask
 * again. Of several listeners each gets its share, and what others were granted before may still be on its way, so
 * that at most about twice the upper mark waits.
 */
const HOLD_BACK_AT = 500;
const TAKE_AGAIN_AT = 250;

export class BackPressure {
  private holding: boolean;

  constructor(waiting: number) {
    this.holding = waiting >= HOLD_BACK_AT;
  }

  /** `waiting`: events of fires that wait for their turn. */
  look(waiting: number): void {
    this.holding = this.holding ? waiting > TAKE_AGAIN_AT : waiting >= HOLD_BACK_AT;
  }

  isHolding(): boolean {
    return this.holding;
  }

  /** How many more events the sensor takes now, over all of its listeners. */
  room(waiting: number): number {
    return this.holding ? 0 : HOLD_BACK_AT - waiting;
  }
}
