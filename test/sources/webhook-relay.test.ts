import { EventRelay } from '../../activities/relay/event-relay';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import type { DecisionRecord } from '../../src/records/decision-record';
import { webhookSource } from '../../src/sources/webhook';
import { connectTestBus } from '../bus/bus-fixture';
import { createSource } from '../contract-suites/source-contract';
import { collect } from '../setup/collect';
import { eventually } from '../setup/eventually';
import { freePort } from './free-port';

const BUS_LIMIT = 32_768;

describe('a webhook in front of a bus', () => {
  let nats: RunningNats;
  let bus: Bus;
  let url: string;
  const stop = new AbortController();
  let running: Promise<unknown>;

  beforeAll(async () => {
    nats = await startNats({ own: true, maxPayloadBytes: BUS_LIMIT });
    bus = await connectTestBus(nats);
    const port = String(await freePort());
    url = `http://127.0.0.1:${port}/scenes`;
    const source = createSource(
      webhookSource,
      { spec: { endpoint: '/scenes', port, maxPayloadSize: 20_000_000 } },
      { signal: stop.signal },
    );
    const named = { namespace: 'argo', eventSourceName: 'outside', eventName: 'news', cloudEventType: 'webhook' };
    const relay = new EventRelay({ ...named, source, bus, log: () => undefined, maxInFlight: 1_000 });
    running = relay.run(stop.signal);
    await eventually(() => source.status().connected);
  });

  afterAll(async () => {
    stop.abort();
    await running;
    await bus?.close();
    await nats?.stop();
  });

  async function post(body: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    const response = await fetch(url, { method: 'POST', body, headers });
    return { status: response.status, text: await response.text() };
  }

  function rejections(): Promise<DecisionRecord[]> {
    return collect(bus.readDecisions({ decision: 'rejected' }));
  }

  it.each([BUS_LIMIT - 100, BUS_LIMIT, 5_000_000])(
    'answers 413 for an event of %i bytes that the bus rejects',
    async (bytes) => {
      const before = (await bus.extent()).events;
      const answer = await post(JSON.stringify({ a: 'x'.repeat(bytes - 8) }));
      expect(answer.status).toBe(413);
      expect(answer.text).toContain(String(BUS_LIMIT));
      expect((await bus.extent()).events).toBe(before);
      expect((await rejections()).at(-1)).toMatchObject({ code: 'BUS_EVENT_TOO_LARGE' });
    },
  );

  it.each([1_001, 5_000, 10_000])(
    'answers 400 for a document of %i levels, and continues for other callers',
    async (depth) => {
      const [deep, other] = await Promise.all([
        post('['.repeat(depth) + ']'.repeat(depth)),
        post('{"other":"caller"}'),
      ]);
      expect(deep).toMatchObject({ status: 400, text: expect.stringContaining(`${depth} levels deep`) as string });
      expect(other.status).toBe(200);
      expect((await post('{"next":"caller"}')).status).toBe(200);
      await eventually(async () => (await rejections()).some(({ reason }) => reason?.includes(`${depth} levels`)));
    },
  );

  it('accepts a document at the depth limit', async () => {
    expect((await post(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`)).status).toBe(200);
  });

  it('treats every request with an empty idempotency key as a separate event', async () => {
    const before = (await bus.extent()).events;
    for (const key of ['', ' ', '']) expect((await post('{}', { 'Idempotency-Key': key })).status).toBe(200);
    expect((await bus.extent()).events).toBe(before + 3);
  });

  it('recognises idempotency keys of any length and content', async () => {
    const before = (await bus.extent()).events;
    const keys = ['k'.repeat(1_000), `${'k'.repeat(1_000)}2`, '__proto__', 'a\tb', 'é'];
    for (const key of [...keys, ...keys]) expect((await post('{}', { 'Idempotency-Key': key })).status).toBe(200);
    expect((await bus.extent()).events).toBe(before + keys.length);
  });
});
