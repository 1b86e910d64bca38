import { ConnectionCache } from '../../src/clients/connection-cache';
import { eventually } from '../setup/eventually';

interface Settings {
  readonly url: string;
  readonly password?: string;
}

interface Client {
  readonly number: number;
  state: 'open' | 'broken' | 'closed';
}

function createCache({ maxOpen, failFirst = false }: { maxOpen?: number; failFirst?: boolean } = {}) {
  const clients: Client[] = [];
  let failures = failFirst ? 1 : 0;
  const cache = new ConnectionCache<Settings, Client>(
    {
      open: () => {
        if (failures-- > 0) return Promise.reject(new Error('refused'));
        const client: Client = { number: clients.length + 1, state: 'open' };
        clients.push(client);
        return Promise.resolve(client);
      },
      close: (client) => {
        expect(client.state).not.toBe('closed');
        client.state = 'closed';
        return Promise.resolve();
      },
      isUsable: (client) => client.state === 'open',
    },
    maxOpen,
  );
  const numberOf = (settings: Settings) => cache.use(settings, ({ number }) => Promise.resolve(number));
  return { cache, clients, numberOf };
}

describe('the connections of triggers', () => {
  it('are shared by equal settings and separate for others, secrets included', async () => {
    const { numberOf } = createCache();
    expect(await numberOf({ url: 'a', password: 'old' })).toBe(1);
    expect(await numberOf({ url: 'a', password: 'old' })).toBe(1);
    expect(await numberOf({ url: 'a', password: 'new' })).toBe(2);
    expect(await numberOf({ url: 'b', password: 'old' })).toBe(3);
  });

  it('are opened once for many at a time', async () => {
    const { numberOf, clients } = createCache();
    await Promise.all(Array.from({ length: 10 }, () => numberOf({ url: 'a' })));
    expect(clients).toHaveLength(1);
  });

  it('are reopened after they failed to open', async () => {
    const { numberOf } = createCache({ failFirst: true });
    await expect(numberOf({ url: 'a' })).rejects.toThrow('refused');
    expect(await numberOf({ url: 'a' })).toBe(1);
  });

  it('are replaced when they are broken', async () => {
    const { numberOf, clients } = createCache();
    await numberOf({ url: 'a' });
    const [first] = clients;
    if (first) first.state = 'broken';
    expect(await numberOf({ url: 'a' })).toBe(2);
    expect(first?.state).toBe('closed');
  });

  it('are closed if there are too many, the least recently used first', async () => {
    const { cache, numberOf, clients } = createCache({ maxOpen: 2 });
    await numberOf({ url: 'a' });
    await numberOf({ url: 'b' });
    await numberOf({ url: 'a' });
    await numberOf({ url: 'c' });
    expect(clients.map(({ state }) => state)).toEqual(['open', 'closed', 'open']);
    await cache.close();
    expect(clients.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
  });

  it('are never closed while in use', async () => {
    const { cache, numberOf, clients } = createCache({ maxOpen: 1 });
    let finish = () => {};
    const inUse = cache.use({ url: 'a' }, async (client) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return client.state;
    });
    await numberOf({ url: 'b' });
    expect(clients[0]?.state).toBe('open');
    finish();
    expect(await inUse).toBe('open');
    await cache.close();
    await cache.close();
    expect(clients.map(({ state }) => state)).toEqual(['closed', 'closed']);
  });

  it('are closed after a fire that outlived its worker', async () => {
    const { cache, numberOf, clients } = createCache();
    await cache.close();
    expect(await numberOf({ url: 'a' })).toBe(1);
    await eventually(() => clients[0]?.state === 'closed');
  });

  it('are closed if they open after their worker has ended', async () => {
    let open = () => {};
    const closed: string[] = [];
    const cache = new ConnectionCache<Settings, string>({
      open: ({ url }) => new Promise((resolve) => (open = () => resolve(url))),
      close: (client) => Promise.resolve(void closed.push(client)),
    });
    const using = cache.use({ url: 'a' }, (client) => Promise.resolve(client));
    await cache.close();
    open();
    expect(await using).toBe('a');
    await cache.close();
    expect(closed).toEqual(['a']);
  });
});
