/**
 * Back-pressure of a sensor: while too many fires wait for their turn, further events stay on the bus.
 *
 * Listeners ask how many more events the sensor accepts, and pull no more than that. It accepts none from the moment
 * the upper mark is reached until waiting falls to the lower one; the distance between them keeps slow triggers busy
 * until listeners ask again. Each listener gets its share, and events granted earlier to others may still be in flight,
 * so at most about twice the upper mark waits.
 */
const UPPER_MARK = 500;
const LOWER_MARK = 250;

export class BackPressure {
  private holding: boolean;

  constructor(waiting: number) {
    this.holding = waiting >= UPPER_MARK;
  }

  /** `waiting`: events of fires that wait for their turn. */
  look(waiting: number): void {
    this.holding = this.holding ? waiting > LOWER_MARK : waiting >= UPPER_MARK;
  }

  isHolding(): boolean {
    return this.holding;
  }

  /** How many more events the sensor accepts now, over all of its listeners. */
  capacity(waiting: number): number {
    return this.holding ? 0 : UPPER_MARK - waiting;
  }
}
