import { ControlState } from '../../../src/sandbox/lifecycle/control-state';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const ADA = { by: 'ada', why: 'upgrade' };

describe('the control state of an applied object', () => {
  it('is empty at first', () => {
    const state = new ControlState();
    expect(state.isPaused).toBe(false);
    expect(state.status()).toEqual({});
  });

  it('names the first operator that paused it, until it is resumed', () => {
    const state = new ControlState();
    state.pause(ADA, NOON);
    state.pause({ by: 'bob', why: 'later' }, NOON + 1_000);
    expect(state.status()).toEqual({ paused: { ...ADA, since: '2026-07-01T12:00:00.000Z' } });
    state.resume();
    expect(state.isPaused).toBe(false);
  });

  it('keeps the last five rejected requests', () => {
    const state = new ControlState();
    for (const number of [1, 2, 3, 4, 5, 6]) state.refuse(`pause: ${number}`, NOON);
    expect(state.status().refusals).toHaveLength(5);
    expect(state.status().refusals?.[0]).toBe('2026-07-01 12:00:00 UTC pause: 2');
  });

  it('is carried over continue-as-new', () => {
    const state = new ControlState();
    state.pause(ADA, NOON);
    state.refuse('resume: "by" and "why" are required', NOON);
    expect(new ControlState(state.status()).status()).toEqual(state.status());
  });
});
