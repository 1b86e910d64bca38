import { parseObjectAddresses } from '../../src/control/applied-kinds';

describe('addresses of objects', () => {
  const read = (...words: readonly string[]) =>
    parseObjectAddresses(words, 'argo').map(({ kind, namespace, name }) => `${kind.kind} ${namespace}/${name}`);

  it.each([
    [['sensor/water-bodies'], ['Sensor argo/water-bodies']],
    [['sensor', 'water-bodies'], ['Sensor argo/water-bodies']],
    [
      ['sensors', 'water-bodies', 'scenes'],
      ['Sensor argo/water-bodies', 'Sensor argo/scenes'],
    ],
    [
      ['sn/scenes', 'es/stac', 'bus/default'],
      ['Sensor argo/scenes', 'EventSource argo/stac', 'EventBus argo/default'],
    ],
    [['sensor/scenes', 'sn/scenes'], ['Sensor argo/scenes']],
  ])('%j are %j', (words, expected) => {
    expect(read(...words)).toEqual(expected);
  });

  it.each([
    [['sensor'], '"sensor" does not name one object'],
    [['sensor/a', 'b'], '"b" does not name one object'],
    [['sensor/a/b'], '"sensor/a/b" does not name one object'],
    [['sensr/a'], 'Unknown kind "sensr"'],
  ])('rejects %j', (words, message) => {
    expect(() => read(...words)).toThrow(message);
  });
});
