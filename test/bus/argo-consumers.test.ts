import { argoConsumerName } from '../../src/bus/argo-consumers';
import { firstUnhandled, isHandledByArgo, readPositions, writePositions } from '../../src/bus/argo-positions';

describe('the consumers of an Argo Events sensor', () => {
  // Computed with Go's hash/fnv, as Argo Events does.
  it.each([
    ['water-bodies', 'create', 'item', 'group-2957628710'],
    ['s', 'tür', 'd', 'group-797388387'],
  ])('have the names that Argo Events gives them: %s %s %s', (sensor, trigger, dependency, name) => {
    expect(argoConsumerName(sensor, trigger, dependency)).toBe(name);
  });
});

describe('positions of Argo Events', () => {
  const positions = [
    { trigger: 'both', dependency: 'a', handledTo: 20, held: 7 },
    { trigger: 'both', dependency: 'b', handledTo: 15 },
    { trigger: 'added', dependency: 'a', since: '2026-01-01T00:00:10Z' },
  ];
  const at = (sequence: number, second = 0) => ({ sequence, publishedAt: Date.UTC(2026, 0, 1, 0, 0, second) });

  it('begin at the first event that some trigger has not handled, or holds', () => {
    expect(firstUnhandled(positions)).toBe(7);
    expect(firstUnhandled(positions.slice(1))).toBe(16);
  });

  it('leave out what was handled, except for the event that is held', () => {
    expect([6, 7, 20, 21].map((sequence) => isHandledByArgo(positions, 'both', 'a', at(sequence)))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(isHandledByArgo(positions, 'other', 'a', at(1))).toBe(false);
  });

  it('leave out what was published before a trigger existed', () => {
    expect(isHandledByArgo(positions, 'added', 'a', at(30, 9))).toBe(true);
    expect(isHandledByArgo(positions, 'added', 'a', at(30, 10))).toBe(false);
  });

  it('are kept in the metadata of a consumer', () => {
    expect(readPositions(writePositions(positions))).toEqual(positions);
    expect(readPositions(undefined)).toEqual([]);
  });
});
