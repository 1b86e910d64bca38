import fc from 'fast-check';
import {
  bucketName,
  bucketStream,
  busNames,
  consumerName,
  decisionSubject,
  eventSubject,
  formerConsumerName,
  heldSubject,
  type BusNames,
  type StreamKind,
  type Tenant,
} from '../../src/bus/bus-names';
import { eventPath, pathOfSubject } from '../../src/bus/event-path';

const ARGO: Tenant = { temporalNamespace: 'default', namespace: 'argo', bus: 'default' };

/** Kubernetes names, and whatever else a Temporal namespace may be called. */
const tenant = fc.record({
  temporalNamespace: fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }),
  namespace: fc.oneof(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/), fc.string({ maxLength: 80 })),
  bus: fc.oneof(fc.stringMatching(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/), fc.string({ maxLength: 260 })),
});

function streamsOf(names: BusNames): string[] {
  const buckets = (['positions', 'rate-limits'] as const).map((purpose) => bucketStream(bucketName(names, purpose)));
  return [names.events.stream, names.decisions.stream, names.held.stream, ...buckets];
}

/** Everything that belongs to the tenant alone. */
function namesOf(owner: Tenant, kind: StreamKind, sensor: string): string[] {
  const names = busNames(owner, kind);
  const { events, decisions, held } = names;
  return [
    ...streamsOf(names).filter((stream) => stream !== 'default'),
    consumerName(names, sensor),
    decisionSubject(decisions, owner.namespace, sensor, 'fired'),
    heldSubject(held, owner.namespace, sensor, 'content', 0),
    ...(kind === 'own' ? [eventSubject(events, eventPath('stac', 'scenes')), names.inboxPrefix] : []),
  ];
}

describe('names on JetStream', () => {
  it('show their tenant', () => {
    const names = busNames(ARGO, 'own');
    expect(names.tenant).toMatch(/^argo-default-[a-z2-9]{16}$/);
    expect(names.description).toBe('Sluice: event bus argo/default, Temporal namespace default');
    expect(streamsOf(names)).toEqual([
      `sluice-${names.tenant}`,
      `sluice-${names.tenant}-decisions`,
      `sluice-${names.tenant}-held`,
      `KV_sluice-${names.tenant}-positions`,
      `KV_sluice-${names.tenant}-rate-limits`,
    ]);
    expect(eventSubject(names.events, eventPath('stac', 'scenes'))).toBe(`sluice.${names.tenant}.events.stac.scenes`);
    expect(consumerName(names, 'water-bodies')).toMatch(
      new RegExp(`^sluice-${names.tenant}-water-bodies-[a-z2-9]{10}$`),
    );
  });

  it('are those of Argo Events only for the events of a bus shared with it', () => {
    const [shared, own] = [busNames(ARGO, 'argo-events'), busNames(ARGO, 'own')];
    expect(shared.events).toEqual({ stream: 'default', prefix: 'default' });
    expect(shared.inboxPrefix).toBe('_INBOX');
    expect({ ...shared, ...{ kind: own.kind, events: own.events, inboxPrefix: own.inboxPrefix } }).toEqual(own);
  });

  it('never belong to two tenants, or to two sensors of one', () => {
    const owner = fc.record({ tenant, sensor: fc.string({ minLength: 1, maxLength: 260 }) });
    const kind = fc.constantFrom<StreamKind>('own', 'argo-events');
    fc.assert(
      fc.property(owner, owner, kind, kind, (one, other, kindOfOne, kindOfOther) => {
        fc.pre(JSON.stringify(one.tenant) !== JSON.stringify(other.tenant));
        const taken = new Set(namesOf(one.tenant, kindOfOne, one.sensor));
        expect(namesOf(other.tenant, kindOfOther, other.sensor).filter((name) => taken.has(name))).toEqual([]);
        const names = busNames(one.tenant, kindOfOne);
        fc.pre(one.sensor !== other.sensor);
        expect(consumerName(names, one.sensor)).not.toBe(consumerName(names, other.sensor));
      }),
    );
  });

  it.each<[string, Tenant, string, Tenant, string]>([
    ['a hyphen that moves from the namespace to the sensor', { ...ARGO, namespace: 'a' }, 'b-c', { ...ARGO, namespace: 'a-b' }, 'c'], // prettier-ignore
    ['a dot in the bus', { ...ARGO, bus: 'a.b' }, 's', { ...ARGO, bus: 'a_b' }, 's'],
    ['the Temporal namespace alone', ARGO, 's', { ...ARGO, temporalNamespace: 'staging' }, 's'],
    ['the bus alone', ARGO, 's', { ...ARGO, bus: 'other' }, 's'],
    ['the part after the longest visible name', { ...ARGO, bus: 'x'.repeat(200) }, 's', { ...ARGO, bus: 'x'.repeat(201) }, 's'], // prettier-ignore
  ])('differ by %s', (_, one, sensorOfOne, other, sensorOfOther) => {
    const taken = new Set(namesOf(one, 'own', sensorOfOne));
    expect(namesOf(other, 'own', sensorOfOther).filter((name) => taken.has(name))).toEqual([]);
  });

  it('are legal and short enough for the server, for any names of tenants and sensors', () => {
    fc.assert(
      fc.property(tenant, fc.string({ maxLength: 300 }), (owner, sensor) => {
        const names = busNames(owner, 'own');
        for (const name of [...streamsOf(names), consumerName(names, sensor)]) {
          expect(name).toMatch(/^[A-Za-z0-9_-]{1,200}$/);
        }
        expect(names.events.prefix).toMatch(/^sluice\.[A-Za-z0-9_-]+\.events$/);
      }),
    );
  });

  it.each([
    ['stac', 'scenes', 'stac.scenes'],
    ['stac.events', 'new scenes', 'stac%2Eevents.new%20scenes'],
    ['a*', 'b>ü', 'a%2A.b%3E%C3%BC'],
  ])('put event source %s and event %s on %s of any stream', (source, event, expected) => {
    expect(eventPath(source, event)).toBe(expected);
    for (const kind of ['own', 'argo-events'] as const) {
      expect(pathOfSubject(eventSubject(busNames(ARGO, kind).events, expected))).toBe(expected);
    }
    expect(eventSubject(busNames(ARGO, 'argo-events').events, expected)).toBe(`default.${expected}`);
  });

  it('of earlier versions are known, to find their data', () => {
    expect(formerConsumerName('argo', 'water-bodies')).toBe('sluice-argo-water-bodies');
    const odd = [formerConsumerName('argo', 'water.bodies'), formerConsumerName('argo', 'water_bodies')];
    expect(new Set(odd).size).toBe(2);
  });

  it('find decisions by namespace, owner and decision, each of them optional', () => {
    const { decisions } = busNames(ARGO, 'own');
    expect(decisionSubject(decisions, 'argo', 'water.bodies', 'fired')).toBe(
      `${decisions.prefix}.argo.water%2Ebodies.fired`,
    );
    expect(decisionSubject(decisions, undefined, 's', undefined)).toBe(`${decisions.prefix}.*.s.*`);
  });
});
