import { consumerName, decisionSubject, eventSubject } from '../../src/bus/subjects';

describe('names on JetStream', () => {
  it.each([
    ['stac', 'scenes', 'default.stac.scenes'],
    ['stac.events', 'new scenes', 'default.stac%2Eevents.new%20scenes'],
    ['a*', 'b>ü', 'default.a%2A.b%3E%C3%BC'],
  ])('put event source %s and event %s on subject %s', (source, event, expected) => {
    expect(eventSubject(source, event)).toBe(expected);
  });

  it('give each sensor a consumer of its own, whatever its name', () => {
    expect(consumerName('argo', 'water-bodies')).toBe('sluice-argo-water-bodies');
    const odd = [consumerName('argo', 'water.bodies'), consumerName('argo', 'water_bodies')];
    expect(new Set(odd).size).toBe(2);
    expect(odd.every((name) => /^[A-Za-z0-9_-]+$/.test(name))).toBe(true);
    expect(consumerName('argo', 'x'.repeat(253)).length).toBeLessThan(120);
  });

  it('find decisions by namespace, owner and decision, each of them optional', () => {
    expect(decisionSubject('argo', 'water.bodies', 'fired')).toBe('sluice.decisions.argo.water%2Ebodies.fired');
    expect(decisionSubject(undefined, 's', undefined)).toBe('sluice.decisions.*.s.*');
  });
});
