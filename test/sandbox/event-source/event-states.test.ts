import { EventStates } from '../../../src/sandbox/event-source/event-states';

const SCENES = { kind: 'redisStream', name: 'scenes' };
const TILES = { kind: 'redisStream', name: 'tiles' };
const OTHER = { kind: 'sftp', name: 'files' };
const BACKLOG = { entries: 3, pending: 0, at: '2026-07-01T12:00:00Z' };

function begun(isPaused: boolean, failures: Readonly<Record<string, string>> = {}): EventStates {
  const states = new EventStates();
  states.begin([SCENES, TILES, OTHER], isPaused, failures, (kind) => kind !== OTHER.kind);
  return states;
}

describe('the events of an event source', () => {
  it('are read, unless their kind is not supported', () => {
    expect(begun(false).all()).toEqual([
      { ...SCENES, state: 'Reading' },
      { ...TILES, state: 'Reading' },
      { ...OTHER, state: 'NotSupported' },
    ]);
  });

  it('keep their failure and its problem over continue-as-new', () => {
    const states = begun(false);
    states.failed(TILES, 'NOAUTH');
    expect(states.failures()).toEqual({ tiles: 'NOAUTH' });
    expect(begun(false, states.failures()).all()[1]).toEqual({ ...TILES, state: 'Failed', problem: 'NOAUTH' });
    states.reading(TILES);
    expect(states.hasFailed()).toBe(false);
  });

  it('are paused rather than failed', () => {
    expect(begun(true, { tiles: 'NOAUTH' }).hasFailed()).toBe(false);
  });

  it('show a backlog while they are paused only', () => {
    const [paused, reading] = [begun(true), begun(false)];
    for (const states of [paused, reading]) states.backlog({ eventName: 'scenes', backlog: BACKLOG });
    expect(paused.all()[0]).toEqual({ ...SCENES, state: 'Paused', backlog: BACKLOG });
    expect(reading.all()[0]).toEqual({ ...SCENES, state: 'Reading' });
  });
});
