import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { connectTestBus, type TestBusOptions } from './bus-fixture';

const HOUR = 3_600e9;

describe.each(['argo-events', 'own'] as const)('the stream of a bus that is applied again (%s)', (stream) => {
  let nats: RunningNats;
  let client: NatsConnection;
  let manager: JetStreamManager;
  beforeEach(async () => {
    nats = await startNats({ own: true });
    client = await connect({ servers: nats.url });
    manager = await jetstreamManager(client);
  });
  afterEach(async () => {
    await client.close();
    await nats.stop();
  });

  const applied = async <T>(
    streamConfig: string,
    work: (bus: Bus) => Promise<T>,
    options: TestBusOptions = {},
  ): Promise<T> => {
    const bus = await connectTestBus(nats, {
      streamConfig: `${streamConfig}\nreplicas: 1`,
      bus: { stream },
      ...options,
    });
    try {
      return await work(bus);
    } finally {
      await bus.close();
    }
  };
  const differences = (bus: Bus): Promise<readonly string[]> => bus.streamDifferences({ change: false });
  const config = async () => {
    for await (const { config: found } of manager.streams.list()) {
      if (found.subjects?.some((subject) => /^default\b|\.events\./.test(subject)) === true) return found;
    }
    throw new Error('there is no stream of events');
  };

  it('gets the ages, limits and duplicate window of its manifest when a worker connects', async () => {
    await applied('maxAge: 2h\nmaxMsgs: 7\nduplicates: 1h', differences);
    const left = await applied('maxAge: 30m\nmaxMsgs: 8\nmaxBytes: 1000000\ndiscard: 1', differences);
    expect(left).toEqual([]);
    expect(await config()).toMatchObject({ max_age: HOUR / 2, max_msgs: 8, max_bytes: 1_000_000, discard: 'new' });
    expect((await config()).duplicate_window).toBeLessThanOrEqual(HOUR / 2);
  });

  it('is changed by a reader that asks for it, and by no other', async () => {
    await applied('maxAge: 2h', differences);
    const readOnly = { readOnly: true };
    expect(await applied('maxAge: 72h', differences, readOnly)).toEqual(['maxAge is 2 h, the manifest says 3 days']);
    expect((await config()).max_age).toBe(2 * HOUR);
    expect(await applied('maxAge: 72h', (bus) => bus.streamDifferences({ change: true }), readOnly)).toEqual([]);
    expect((await config()).max_age).toBe(72 * HOUR);
  });

  it('keeps what the server refuses to change, and says why', async () => {
    await applied('maxAge: 2h', differences);
    const refused = await applied('maxAge: 10ms', (bus) => bus.streamDifferences({ change: true }));
    expect(refused[0]).toMatch(/^maxAge is 2 h, the manifest says 0 s; the server refuses the change: .*max age/);
    expect((await config()).max_age).toBe(2 * HOUR);
  });

  it('keeps its retention for as long as it exists', async () => {
    await applied('maxAge: 2h', differences);
    const left = await applied('maxAge: 3h\nretention: 1', (bus) => bus.streamDifferences({ change: true }));
    expect(left).toEqual([
      'retention is limits, the manifest says interest; a stream keeps its retention for as long as it exists',
    ]);
    expect((await config()).max_age).toBe(3 * HOUR);
  });
});

describe('the stream of an EventBus', () => {
  it.each([
    ['leaves what the manifest does not write to Argo Events, on the stream that both use', 'argo-events', 7],
    ['loses a limit that its manifest no longer has, on a stream of its own', 'own', -1],
  ] as const)('%s', async (_, stream, expected) => {
    const nats = await startNats({ own: true });
    const client = await connect({ servers: nats.url });
    const manager = await jetstreamManager(client);
    for (const streamConfig of ['maxMsgs: 7\nreplicas: 1', 'maxAge: 2h\nreplicas: 1']) {
      await (await connectTestBus(nats, { streamConfig, bus: { stream } })).close();
    }
    const found: number[] = [];
    for await (const { config } of manager.streams.list()) if (config.max_age === 2 * HOUR) found.push(config.max_msgs);
    expect(found).toEqual([expected]);
    await client.close();
    await nats.stop();
  });
});
