/** Adds numbered entries to the Redis streams, through outages, each exactly once. */
import { setTimeout as pause } from 'node:timers/promises';
import Redis from 'ioredis';
import { CONSUMER_GROUP, EVENT_NAMES, EVENT_SOURCE } from './flows';
import { markOf, type Ledger } from './ledger';

const RETRY_MS = 200;
const REPLICATED_WITHIN_MS = 2_000;

/** In one step with FLUSHALL: what Redis had and no consumer group had acknowledged, by stream. */
const FLUSH = `
local lost = {}
for index, stream in ipairs(KEYS) do
  local position, ids = '-', {}
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err == nil then
    for _, group in ipairs(groups) do
      for field = 1, #group, 2 do
        if group[field] == 'last-delivered-id' then position = '(' .. group[field + 1] end
      end
      for _, entry in ipairs(redis.call('XPENDING', stream, ARGV[1], '-', '+', 100000)) do
        table.insert(ids, entry[1])
      end
    end
  end
  for _, entry in ipairs(redis.call('XRANGE', stream, position, '+')) do table.insert(ids, entry[1]) end
  lost[index] = ids
end
redis.call('FLUSHALL')
return lost
`;

export class Publisher {
  private readonly next = new Map(EVENT_NAMES.map((name) => [name, 1]));
  /** Entry ids are chosen here, so that an entry whose answer was lost can be added again without becoming a second one. */
  private readonly begun = Date.now();
  private client: Redis | undefined;

  /** @param leader where the Redis is that takes writes now */
  constructor(
    private readonly leader: () => { readonly url: string; readonly port: number },
    private readonly ledger: Ledger,
    private readonly hasReplica: boolean,
  ) {}

  /** Adds one entry; resolves when Redis has it. */
  async publish(eventName: string, signal: AbortSignal): Promise<void> {
    const n = this.next.get(eventName) ?? 1;
    this.next.set(eventName, n + 1);
    const id = `${this.begun + n}-0`;
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.add(eventName, n, id);
        break;
      } catch (error) {
        // Added by an attempt whose answer did not come.
        if (String(error).includes('equal or smaller')) break;
        this.close();
        await pause(RETRY_MS, undefined, { signal });
      }
    }
    this.ledger.record({ eventName, n, eventKey: `${EVENT_SOURCE}/${eventName}:${eventName}:${id}` });
    if (this.hasReplica && !(await this.isReplicated())) this.ledger.putAtRisk([markOf({ eventName, n })]);
  }

  /** FLUSHALL. What Redis lost with it before Sluice could confirm it is no longer Sluice's to carry. */
  async flush(): Promise<void> {
    const lost = (await this.open().eval(FLUSH, EVENT_NAMES.length, ...EVENT_NAMES, CONSUMER_GROUP)) as string[][];
    const marks = EVENT_NAMES.flatMap((eventName, index) =>
      (lost[index] ?? []).map((id) => markOf({ eventName, n: Number(id.split('-')[0]) - this.begun })),
    );
    this.ledger.putAtRisk(marks);
  }

  async destroyGroups(): Promise<void> {
    for (const eventName of EVENT_NAMES) await this.open().xgroup('DESTROY', eventName, CONSUMER_GROUP);
  }

  /** Redis refuses whatever takes memory, until it is called with false. */
  async fill(full: boolean): Promise<void> {
    await this.open().config('SET', 'maxmemory', full ? '1' : '0');
  }

  close(): void {
    this.client?.disconnect();
    this.client = undefined;
  }

  private async add(eventName: string, n: number, id: string): Promise<void> {
    const color = n % 10 === 0 ? 'red' : 'blue';
    await this.open().xadd(eventName, id, 'n', String(n), 'color', color);
  }

  private async isReplicated(): Promise<boolean> {
    return await this.open()
      .wait(1, REPLICATED_WITHIN_MS)
      .then(
        (replicas) => replicas >= 1,
        () => false,
      );
  }

  private open(): Redis {
    const { url, port } = this.leader();
    if (this.client?.options.port !== port) this.close();
    this.client ??= new Redis(url, { commandTimeout: 5_000, maxRetriesPerRequest: 0, retryStrategy: () => null });
    if (this.client.listenerCount('error') === 0) this.client.on('error', () => undefined);
    return this.client;
  }
}
