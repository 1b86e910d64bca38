import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubernetesClient } from '../../src/kubernetes/client';
import { listAndWatch } from '../../src/kubernetes/watch';
import { eventually } from '../setup/eventually';

/** Something between us and the API server, which ends every watch in its own way. */
describe('a watch through a proxy', () => {
  let proxy: Server;
  let endWatch: () => { status: number; body: string };
  const watches: number[] = [];
  let lists = 0;

  beforeAll(async () => {
    proxy = createServer((request, response) => {
      if (request.url?.includes('watch=true')) {
        watches.push(performance.now());
        const { status, body } = endWatch();
        response.writeHead(status).end(body);
        return;
      }
      lists += 1;
      response.end(
        JSON.stringify({ apiVersion: 'v1', kind: 'ThingList', metadata: { resourceVersion: '7' }, items: [] }),
      );
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => proxy.close(resolve)));
  beforeEach(() => {
    watches.length = 0;
    lists = 0;
  });

  async function watchUntil(isEnough: () => boolean): Promise<void> {
    const client = new KubernetesClient({
      server: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      origin: 'the test',
      namespace: 'default',
      tls: {},
      authorization: () => undefined,
      renew: () => undefined,
    });
    const abort = new AbortController();
    const ended = (async () => {
      for await (const event of listAndWatch(client, { path: '/things', signal: abort.signal })) void event;
    })();
    await eventually(isEnough, { timeoutMs: 20_000 });
    abort.abort();
    await ended;
    client.close();
  }
  const pauses = () => watches.slice(1).map((at, index) => at - (watches[index] ?? at));

  it('backs off if every watch ends immediately, and does not list again', async () => {
    endWatch = () => ({ status: 200, body: '' });
    await watchUntil(() => watches.length >= 4);
    expect(pauses()[0]).toBeGreaterThan(150);
    expect(pauses()[2]).toBeGreaterThan(700);
    expect(lists).toBe(1);
  });

  it('pauses before listing again if the current version has expired', async () => {
    endWatch = () => ({ status: 410, body: JSON.stringify({ kind: 'Status', reason: 'Expired', code: 410 }) });
    await watchUntil(() => watches.length >= 3);
    expect(pauses().every((pause) => pause > 150)).toBe(true);
    expect(lists).toBeGreaterThanOrEqual(watches.length);
  });
});
