import { AbsenceChecks } from '../../../activities/listener/absence-checks';
import { eventually } from '../../setup/eventually';

/** A watch whose looks end when the test says so. */
class ControlledWatch {
  readonly looks: boolean[] = [];
  private readonly endings: Array<(error?: Error) => void> = [];

  look(_now: number, isCaughtUp: boolean): Promise<void> {
    this.looks.push(isCaughtUp);
    return new Promise((resolve, reject) =>
      this.endings.push((error) => {
        if (error) reject(error);
        else resolve();
      }),
    );
  }

  end(error?: Error): void {
    this.endings.shift()?.(error);
  }
}

describe('the checks for absences', () => {
  let watch: ControlledWatch;
  let warnings: string[];
  let checks: AbsenceChecks;

  beforeEach(() => {
    watch = new ControlledWatch();
    warnings = [];
    checks = new AbsenceChecks(
      watch,
      () => false,
      (text) => warnings.push(text),
    );
  });
  afterEach(async () => {
    const closing = checks.close();
    watch.end();
    watch.end();
    await closing;
  });

  it('look again after a look under way, which may have read too early', async () => {
    const first = checks.check(false);
    await eventually(() => watch.looks.length === 1);
    const closing = checks.close();
    expect(watch.looks).toHaveLength(1);
    watch.end();
    await first;
    await eventually(() => watch.looks.length === 2);
    watch.end();
    await closing;
  });

  it('look once for all that was asked meanwhile', async () => {
    void checks.check(false);
    await eventually(() => watch.looks.length === 1);
    const later = [checks.check(false), checks.check(true), checks.check(false)];
    watch.end();
    await eventually(() => watch.looks.length === 2);
    watch.end();
    await Promise.all(later);
    expect(watch.looks).toEqual([false, true]);
  });

  it('do not keep a listener from ending while the bus is away', async () => {
    void checks.check(false);
    await checks.close();
    expect(watch.looks).toEqual([false]);
  });

  it('warn once of a bus that is away, and go on', async () => {
    for (const _ of ['first', 'second']) {
      const check = checks.check(false);
      await eventually(() => watch.looks.length > 0);
      watch.end(new Error('away'));
      watch.looks.length = 0;
      await check;
    }
    expect(warnings).toEqual(['absences cannot be checked now: away']);
  });
});
