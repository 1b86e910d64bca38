import { ParkedFires } from '../../../src/sandbox/run/parked-fires';
import { RunLedger } from '../../../src/sandbox/run/run-ledger';

const ADA = { by: 'ada', why: 'the receiver is repaired' };
const FAILURE = { code: 'TRIGGER_REFUSED', message: 'no', retryable: false } as const;
const WEEK = { since: '2026-01-01T00:00:00Z', until: '2026-01-08T00:00:00Z' };

/** A run with two fires of trigger `post` and one of `note`; those named are parked. */
function withParked(...ids: readonly string[]) {
  const fires = [
    { id: 'p1', trigger: 'post', dependencies: {} },
    { id: 'p2', trigger: 'post', dependencies: {} },
    { id: 'n1', trigger: 'note', dependencies: {} },
  ];
  const ledger = new RunLedger(fires, []);
  for (const id of ids) ledger.park(id, 1, FAILURE, WEEK);
  return { ledger, parked: new ParkedFires(ledger) };
}

describe('parked fires', () => {
  it.each([
    ['all of them', {}, ['p1', 'p2', 'n1']],
    ['one', { fireId: 'p2' }, ['p2']],
    ['those of one trigger', { trigger: 'post' }, ['p1', 'p2']],
    ['none, if another trigger is named', { fireId: 'p1', trigger: 'note' }, []],
  ])('are retriggered: %s', (_what, selection, woken) => {
    const { parked } = withParked('p1', 'p2', 'n1');
    const wakeUp = { ...ADA, ...selection };
    expect(parked.retrigger(wakeUp)).toContain('ada');
    const decided = ['p1', 'p2', 'n1'].filter((id) => parked.isDecided(id));
    expect(decided).toEqual(woken);
    for (const id of decided) expect(parked.takeDecision(id)).toEqual(wakeUp);
  });

  it('record the values that an operator replaced', () => {
    const { parked } = withParked('p1');
    expect(parked.retrigger({ ...ADA, overrides: { 'metadata.namespace': 'other' } })).toContain(
      '(with metadata.namespace = other)',
    );
  });

  it('are discarded, but not fires parked later', () => {
    const { ledger, parked } = withParked('p1');
    expect(parked.discard(ADA)).toContain(ADA.why);
    ledger.park('p2', 1, FAILURE, WEEK);
    expect(parked.takeDecision('p1')).toBe('discarded');
    expect(parked.isDecided('p2')).toBe(false);
  });

  it('stay discarded if they are retriggered at the same time', () => {
    const { parked } = withParked('p1');
    parked.retrigger(ADA);
    parked.discard(ADA);
    expect(parked.takeDecision('p1')).toBe('discarded');
    expect(parked.isDecided('p1')).toBe(false);
  });

  it('can be acted on each time they are parked', () => {
    const { parked } = withParked('p1');
    parked.retrigger(ADA);
    expect(parked.takeDecision('p1')).toEqual(ADA);
    expect(parked.takeDecision('p1')).toBeUndefined();
  });

  it.each(['retrigger', 'discard'] as const)('report if %s finds none', (decision) => {
    const { parked } = withParked();
    expect(parked[decision](ADA)).toContain('nothing was parked');
    expect(['p1', 'p2', 'n1'].some((id) => parked.isDecided(id))).toBe(false);
  });
});
