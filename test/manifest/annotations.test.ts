import { readEventSourceOptions, readSensorOptions } from '../../src/manifest/annotations';

const ours = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`sluice.io/${name}`, value]));

describe('options of a Sensor', () => {
  it('have defaults', () => {
    expect(readSensorOptions(undefined, [])).toEqual({
      options: {
        listeners: 1,
        runBatch: 100,
        startFrom: { kind: 'new' },
        keep: 'latest',
        parkForMs: 604_800_000,
        decisions: 'all',
        followOutcome: true,
        flow: {},
        triggerFlows: {},
      },
      findings: [],
    });
  });

  it.each([
    ['listeners', '4', { listeners: 4 }],
    ['run-batch', '1', { runBatch: 1 }],
    ['start-from', 'all', { startFrom: { kind: 'all' } }],
    ['start-from', 'argo-events', { startFrom: { kind: 'argo-events' } }],
    ['start-from', '2026-01-31T12:00:00+01:00', { startFrom: { kind: 'time', time: '2026-01-31T12:00:00+01:00' } }],
    ['keep', 'all', { keep: 'all' }],
    ['correlate-by', 'body.id', { correlateBy: 'body.id' }],
    ['park-for', '1d12h', { parkForMs: 129_600_000 }],
    ['decisions', 'off', { decisions: 'off' }],
    ['follow-outcome', 'false', { followOutcome: false }],
    ['outcome-redis', '[::1]:6379', { outcomeRedis: '[::1]:6379' }],
    ['debounce', '1.5s', { flow: { debounceMs: 1500 } }],
    ['batch-size', '20', { flow: { batchSize: 20 } }],
    ['concurrency-group', 'gpu=20', { flow: { concurrencyGroup: { name: 'gpu', limit: 20 } } }],
    ['priority', '5', { flow: { priority: 5 } }],
    ['priority.tell', '1', { triggerFlows: { tell: { priority: 1 } } }],
    ['priority-from', 'body.priority', { flow: { priorityFrom: 'body.priority' } }],
    ['batch-window.tell', '1m', { triggerFlows: { tell: { batchWindowMs: 60_000 } } }],
  ])('read sluice.io/%s: %s', (name, value, expected) => {
    const { options, findings } = readSensorOptions(ours({ [name]: value }), ['tell']);
    expect(findings).toEqual([]);
    expect(options).toMatchObject(expected);
  });

  it('read settings of one trigger by its name, which may contain dots', () => {
    const annotations = ours({
      concurrency: '2',
      'concurrency-key': 'body.tile',
      'concurrency.a.b': '1',
      'batch-size.c': '9',
    });
    const { options, findings } = readSensorOptions(annotations, ['a.b', 'c']);
    expect(findings).toEqual([]);
    expect(options.flow).toEqual({ concurrency: 2, concurrencyKey: 'body.tile' });
    expect(options.triggerFlows).toEqual({ 'a.b': { concurrency: 1 }, c: { batchSize: 9 } });
  });

  it.each(['gpu', 'gpu=0', 'gpu=1001', 'GPU=1', '=1', 'gpu=1=2', ''])('reject the concurrency group %j', (group) => {
    expect(readSensorOptions(ours({ 'concurrency-group': group }), []).findings).toMatchObject([
      { severity: 'error', path: ['metadata', 'annotations', 'sluice.io/concurrency-group'] },
    ]);
  });

  it.each(['0', '6', 'high', '1.5', ''])('reject the priority %j', (priority) => {
    expect(readSensorOptions(ours({ priority }), []).findings).toMatchObject([
      {
        severity: 'error',
        path: ['metadata', 'annotations', 'sluice.io/priority'],
        expected: 'a whole number from 1 to 5',
      },
    ]);
  });

  it('reject priorities of events that are collected', () => {
    const annotations = ours({ 'priority-from': 'body.priority', 'batch-size.tell': '9' });
    expect(readSensorOptions(annotations, ['tell', 'other']).findings).toMatchObject([]);
    const own = ours({ 'priority-from.tell': 'body.priority', 'batch-size.tell': '9' });
    expect(readSensorOptions(own, ['tell']).findings).toMatchObject([
      { fix: expect.stringContaining('sluice.io/priority,') as unknown },
    ]);
  });

  it('ignore foreign annotations', () => {
    expect(readSensorOptions({ 'example.org/listeners': 'many' }, []).findings).toEqual([]);
  });

  it('suggest the closest annotation', () => {
    expect(readSensorOptions(ours({ 'run-batches': '5' }), []).findings).toMatchObject([
      { severity: 'error', fix: 'Did you mean sluice.io/run-batch?' },
    ]);
  });
});

describe('the Redis of outcomes', () => {
  const read = (annotations: Record<string, string>) =>
    readSensorOptions(ours({ 'outcome-redis': 'redis:6379', ...annotations }), []);

  it('uses the secrets that annotations name', () => {
    const { options, findings } = read({
      'outcome-redis-username': 'sluice',
      'outcome-redis-password-secret': 'redis-auth/pass.word',
      'outcome-redis-tls': 'true',
      'outcome-redis-ca-secret': 'redis-tls/ca.crt',
      'outcome-redis-client-cert-secret': 'redis-tls/tls.crt',
      'outcome-redis-client-key-secret': 'redis-tls/tls.key',
    });
    expect(findings).toEqual([]);
    expect(options.outcomeRedisAccess).toEqual({
      username: 'sluice',
      password: { name: 'redis-auth', key: 'pass.word' },
      tls: {
        enabled: true,
        caCertSecret: { name: 'redis-tls', key: 'ca.crt' },
        clientCertSecret: { name: 'redis-tls', key: 'tls.crt' },
        clientKeySecret: { name: 'redis-tls', key: 'tls.key' },
      },
    });
  });

  it.each([
    ['false', undefined],
    ['skip-verify', { tls: { insecureSkipVerify: true } }],
  ])('with sluice.io/outcome-redis-tls: %s', (value, expected) => {
    expect(read({ 'outcome-redis-tls': value }).options.outcomeRedisAccess).toEqual(expected);
  });

  it.each([
    ['outcome-redis', 'redis://:s3cret@redis:6379'],
    ['outcome-redis', ':s3cret@redis:6379'],
    ['outcome-redis', 's3cret@redis:6379'],
    ['outcome-redis-password-secret', 's3cret'],
    ['outcome-redis-password-secret', 'S3cret/s3cret/'],
    ['outcome-redis-password', 's3cret'],
  ])('is rejected with a password in sluice.io/%s: %s, which the message does not quote', (name, value) => {
    const { findings } = read({ [name]: value });
    expect(findings).toMatchObject([{ severity: 'error', path: ['metadata', 'annotations', `sluice.io/${name}`] }]);
    expect(JSON.stringify(findings)).not.toMatch(/s3cret/i);
    expect(JSON.stringify(findings)).toContain('password-secret');
  });

  it.each<[string, Record<string, string>]>([
    ['outcome-redis-username', { 'outcome-redis-username': 'sluice' }],
    ['outcome-redis-ca-secret', { 'outcome-redis-ca-secret': 'tls/ca' }],
    ['outcome-redis-ca-secret', { 'outcome-redis-ca-secret': 'tls/ca', 'outcome-redis-tls': 'false' }],
    ['outcome-redis-client-key-secret', { 'outcome-redis-client-key-secret': 'tls/key', 'outcome-redis-tls': 'true' }],
  ])('rejects sluice.io/%s without its companion: %j', (name, annotations) => {
    expect(read(annotations).findings).toMatchObject([
      { severity: 'error', path: ['metadata', 'annotations', `sluice.io/${name}`] },
    ]);
  });
});

describe('options of an EventSource', () => {
  it('start with everything that a stream still holds', () => {
    expect(readEventSourceOptions(undefined).options).toEqual({ startFrom: { kind: 'all' }, maxInFlight: 1000 });
  });

  it('are read from annotations', () => {
    const annotations = ours({
      'start-from': '17-1',
      'max-in-flight': '5',
      'id-from': 'body.id',
    });
    expect(readEventSourceOptions(annotations)).toEqual({
      options: { startFrom: { kind: 'id', id: '17-1' }, maxInFlight: 5, idFrom: 'body.id' },
      findings: [],
    });
  });

  it('name the servers that links may lead to, as addresses are written', () => {
    const annotations = ours({
      hydrate: 'body.links.0.href',
      'hydrate-from': 'https://STAC.example:443/, https://*.example.com,http://stac.default.svc:8080',
      'hydrate-token-secret': 'catalogue/token',
      'hydrate-for': '1h',
    });
    const { options, findings } = readEventSourceOptions(annotations);
    expect(findings).toEqual([]);
    expect(options).toMatchObject({
      hydrate: 'body.links.0.href',
      hydrateFrom: ['https://stac.example', 'https://*.example.com', 'http://stac.default.svc:8080'],
      hydrateToken: { name: 'catalogue', key: 'token' },
      hydrateForMs: 3_600_000,
    });
  });

  it.each([
    'stac.example',
    'https://stac.example/v1',
    'https://me:secret@stac.example',
    'https://*',
    'https://*.com',
    'https://a.*.example.com',
    's3://bucket',
    'https://stac.example,',
  ])('refuse %s as a server that links may lead to', (text) => {
    const { findings } = readEventSourceOptions(ours({ hydrate: 'auto', 'hydrate-from': text }));
    expect(findings.map(({ path }) => path.at(-1))).toContain('sluice.io/hydrate-from');
    expect(JSON.stringify(findings)).not.toContain('secret@');
  });

  it('refuse links without servers, servers without links, and paths that only the engine reads', () => {
    const messagesOf = (annotations: Record<string, string>): string[] =>
      readEventSourceOptions(ours(annotations)).findings.map(({ message }) => message);
    expect(messagesOf({ hydrate: 'auto' })).toEqual(['does not say which servers links may lead to']);
    expect(messagesOf({ 'hydrate-for': '1m' })).toEqual(['has no meaning without sluice.io/hydrate']);
    expect(messagesOf({ hydrate: 'body.links.#(rel=="self").href', 'hydrate-from': 'https://stac.example' })).toEqual([
      'this value is not allowed here',
    ]);
  });
});
