import { nameFor } from '../../src/triggers/object-identity';
import { toLabelValue } from '../../src/kubernetes/object-marks';

describe('names of created objects', () => {
  it('are the same for the same fire and differ for another', () => {
    expect(nameFor('water-', 'fire-1')).toBe(nameFor('water-', 'fire-1'));
    expect(nameFor('water-', 'fire-1')).not.toBe(nameFor('water-', 'fire-2'));
    expect(nameFor('water-', 'fire-1')).toMatch(/^water-[a-z2-7]{12}$/);
  });

  it('never exceed the 63 characters that Argo allows, and keep the part that distinguishes fires', () => {
    const long = `${'very-'.repeat(20)}long-`;
    expect(nameFor(long, 'fire-1')).toHaveLength(63);
    expect(nameFor(long, 'fire-1').slice(-12)).toBe(nameFor('', 'fire-1'));
    // A cut that ends in a dot still makes a legal name: the suffix begins with a letter or digit.
    expect(nameFor(`${'a'.repeat(50)}.b-`, 'f')).toMatch(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    );
  });

  it('of sensors and triggers become legal label values', () => {
    expect(toLabelValue('plain-name')).toBe('plain-name');
    expect(toLabelValue('a trigger: of any name!')).toBe('a-trigger--of-any-name');
    expect(toLabelValue(`${'x'.repeat(62)}-y`)).toBe('x'.repeat(62));
    expect(toLabelValue('(b)')).toBe('b');
  });
});
