import { Ledger, type Entry, type Fate, type Observation } from './ledger';

const entry = (eventName: string, n: number): Entry => ({
  eventName,
  n,
  eventKey: `faults/${eventName}:${eventName}:${n}-0`,
});
const keyOf = (eventName: string, n: number): string => entry(eventName, n).eventKey;

function fatesOf(ledger: Ledger, seen: Partial<Observation>): Fate[] {
  return [...ledger.fates({ effects: new Map(), parked: new Set(), decisions: new Map(), ...seen }).values()];
}

function ledgerOf(...entries: readonly Entry[]): Ledger {
  const ledger = new Ledger();
  for (const one of entries) ledger.record(one);
  return ledger;
}

describe('the ledger of a run of faults', () => {
  it('counts one effect as correct, two as doubled and none as missing', () => {
    const ledger = ledgerOf(entry('plain', 1), entry('plain', 2), entry('plain', 3));
    const effects = new Map([
      ['plain:1', new Set(['a'])],
      ['plain:2', new Set(['b', 'c'])],
    ]);
    expect(fatesOf(ledger, { effects })).toEqual(['effect', 'doubled', 'missing']);
  });

  it('accepts a parked run or a decision, but not a mere start of a run', () => {
    const ledger = ledgerOf(entry('plain', 1), entry('plain', 2), entry('plain', 3));
    const parked = new Set([keyOf('plain', 1)]);
    const decisions = new Map([
      [keyOf('plain', 2), new Set(['filtered'])],
      [keyOf('plain', 3), new Set(['fired', 'duplicate'])],
    ]);
    expect(fatesOf(ledger, { parked, decisions })).toEqual(['parked', 'decided', 'missing']);
  });

  it('counts two effects as doubled even for an entry at risk outside', () => {
    const ledger = ledgerOf(entry('plain', 1), entry('plain', 2));
    ledger.putAtRisk(['plain:1', 'plain:2']);
    const effects = new Map([['plain:1', new Set(['a', 'b'])]]);
    expect(fatesOf(ledger, { effects })).toEqual(['doubled', 'lost outside']);
  });

  it('lets an event wait only for a partner of its own pair that was lost outside', () => {
    const ledger = ledgerOf(entry('left', 1), entry('right', 1), entry('left', 2), entry('plain', 9));
    ledger.putAtRisk(['right:1']);
    const decisions = new Map([
      [keyOf('left', 1), new Set(['joined'])],
      [keyOf('left', 2), new Set(['joined'])],
      [keyOf('plain', 9), new Set(['joined'])],
    ]);
    expect(fatesOf(ledger, { decisions })).toEqual(['held', 'lost outside', 'missing', 'missing']);
  });
});
