import { parseEventBus, parseEventSource, parseSensor } from '../../src/validation/parse-manifest';

const frame = (kind: string, spec: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind,
  metadata: { name: 'example' },
  spec,
});

describe('parsing an object from a program', () => {
  it('returns the object with its options', () => {
    const { object, options } = parseSensor({
      ...frame('Sensor', {
        dependencies: [{ name: 'a', eventSourceName: 'b', eventName: 'c', filters: null }],
        triggers: [{ template: { name: 't', conditions: '', log: {} } }],
      }),
      metadata: { name: 'example', annotations: { 'sluice.io/listeners': '3' } },
    });
    expect(object.spec.dependencies).toEqual([{ name: 'a', eventSourceName: 'b', eventName: 'c' }]);
    expect(options.listeners).toBe(3);
    expect(parseEventBus(frame('EventBus', { jetstream: { version: 'latest' } })).object.spec).toEqual({
      jetstream: { version: 'latest' },
    });
    const redis = { example: { hostAddress: 'redis:6379', channels: ['a'] } };
    expect(parseEventSource(frame('EventSource', { redis })).object.spec.redis).toEqual(redis);
  });

  it('does not change its input', () => {
    const document = frame('Sensor', {
      dependencies: [{ name: 'a', eventSourceName: 'b', eventName: 'c', filters: null }],
      triggers: [{ template: { name: 't', http: { url: 'http://a' }, policy: { status: { allow: [200] } } } }],
    });
    const before = JSON.stringify(document);
    expect(parseSensor(document).object.spec.triggers[0]?.policy).toEqual({ status: { allow: [200] } });
    expect(JSON.stringify(document)).toBe(before);
  });

  it('throws one error that names every mistake', () => {
    const parse = () => parseSensor(frame('Sensor', { dependencies: [], triggers: [], tirggers: [] }));
    expect(parse).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_INVALID',
        retryable: false,
        message: expect.stringMatching(/spec\.tirggers[^]*spec\.dependencies[^]*spec\.triggers/) as string,
      }) as Error,
    );
  });

  it('rejects an object of another kind', () => {
    expect(() => parseSensor(frame('EventBus', { jetstream: { version: 'latest' } }))).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }) as Error,
    );
  });
});
