import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubernetesClient } from '../../src/kubernetes/client';
import { SharedWatches } from '../../src/kubernetes/shared-watch';
import type { WatchEvent } from '../../src/kubernetes/watch';
import { eventually } from '../setup/eventually';

interface Thing {
  readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly labels: { owner: string } };
}

/** An API server with one collection, whose versions count its changes. */
class Things {
  readonly requests: string[] = [];
  openWatches = 0;
  private readonly changes: Thing[] = [];
  /** Changes up to here cannot be watched any more. */
  private forgotten = 0;
  private readonly watching = new Map<ServerResponse, string | null>();
  private readonly server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://things');
    const selector = url.searchParams.get('labelSelector');
    const from = url.searchParams.get('resourceVersion');
    const isWatch = url.searchParams.get('watch') === 'true';
    this.requests.push(`${isWatch ? `watch from ${from}` : 'list'} of ${selector}`);
    const chosen = this.changes.filter((thing) => isSelected(thing, selector));
    if (!isWatch) {
      const metadata = { resourceVersion: String(this.changes.length) };
      response.end(JSON.stringify({ apiVersion: 'v1', kind: 'ThingList', metadata, items: chosen }));
    } else if (Number(from) < this.forgotten) {
      response.writeHead(410).end(JSON.stringify({ kind: 'Status', reason: 'Expired', code: 410 }));
    } else {
      this.openWatches += 1;
      this.watching.set(response, selector);
      response.on('close', () => {
        this.openWatches -= 1;
        this.watching.delete(response);
      });
      response.writeHead(200).flushHeaders();
      for (const thing of chosen) if (Number(thing.metadata.resourceVersion) > Number(from)) send(response, thing);
    }
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  add(owner: string, name: string): void {
    const thing = { metadata: { name, resourceVersion: String(this.changes.length + 1), labels: { owner } } };
    this.changes.push(thing);
    for (const [response, selector] of this.watching) if (isSelected(thing, selector)) send(response, thing);
  }

  /** Ends all watches, and refuses to resume any. */
  forget(): void {
    this.forgotten = this.changes.length;
    for (const response of this.watching.keys()) response.destroy();
  }

  async stop(): Promise<void> {
    for (const response of this.watching.keys()) response.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function isSelected({ metadata }: Thing, selector: string | null): boolean {
  const [, owner] = (selector ?? '').split('=');
  return owner === undefined || metadata.labels.owner === owner;
}

function send(response: ServerResponse, object: Thing): void {
  response.write(`${JSON.stringify({ type: 'ADDED', object: { apiVersion: 'v1', kind: 'Thing', ...object } })}\n`);
}

describe('a watch that many share', () => {
  let things: Things;
  let client: KubernetesClient;
  let watches: SharedWatches;
  const open: Array<{ stop(): Promise<void> }> = [];

  beforeEach(async () => {
    things = new Things();
    client = new KubernetesClient({
      server: await things.start(),
      origin: 'the test',
      namespace: 'default',
      tls: {},
      authorization: () => undefined,
      renew: () => undefined,
    });
    watches = new SharedWatches(client, 'owner');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((follower) => follower.stop()));
    client.close();
    await things.stop();
  });

  function follow(owner: string, resourceVersion?: string) {
    const abort = new AbortController();
    const seen: string[] = [];
    const { signal } = abort;
    const resume = resourceVersion === undefined ? {} : { resourceVersion };
    const ended = (async () => {
      for await (const event of watches.follow({ path: '/things', value: owner, signal, ...resume }))
        seen.push(textOf(event));
    })();
    const follower = {
      seen,
      ended,
      stop: async () => {
        abort.abort();
        await ended.catch(() => undefined);
      },
    };
    open.push(follower);
    return follower;
  }
  const textOf = (event: WatchEvent): string =>
    'object' in event ? `${event.type} ${event.object.metadata.name}` : event.type;

  it('is one connection for 200 followers, and gives each what is its own', async () => {
    things.add('owner-7', 'before');
    const followers = Array.from({ length: 200 }, (_, index) => follow(`owner-${index}`));
    await eventually(() => followers.every(({ seen }) => seen.includes('SYNCED')) && things.openWatches === 1);
    things.add('owner-3', 'third');
    things.add('owner-7', 'seventh');
    things.add('nobody', 'unwanted');
    await eventually(() => followers[7]?.seen.includes('ADDED seventh'));
    expect(followers[7]?.seen).toEqual(['LISTED before', 'SYNCED', 'ADDED seventh']);
    expect(followers[3]?.seen).toEqual(['SYNCED', 'ADDED third']);
    expect(followers[4]?.seen).toEqual(['SYNCED']);
    expect(things.requests.filter((request) => request.startsWith('watch'))).toEqual(['watch from 1 of owner']);
  });

  it('goes back for one that resumes further back, and repeats nothing for the others', async () => {
    for (const name of ['first', 'second', 'third']) things.add('a', name);
    const late = follow('a', '2');
    await eventually(() => late.seen.length === 1);
    const early = follow('a', '0');
    await eventually(() => early.seen.length === 3);
    things.add('a', 'fourth');
    await eventually(() => early.seen.length === 4 && late.seen.length === 2);
    expect(late.seen).toEqual(['ADDED third', 'ADDED fourth']);
    expect(early.seen).toEqual(['ADDED first', 'ADDED second', 'ADDED third', 'ADDED fourth']);
    expect(things.openWatches).toBe(1);
  });

  it('lists once for all where the server has forgotten the version', async () => {
    const followers = ['a', 'b'].map((owner) => follow(owner));
    await eventually(() => things.openWatches === 1);
    things.add('a', 'seen');
    await eventually(() => followers[0]?.seen.includes('ADDED seen'));
    things.requests.length = 0;
    things.add('b', 'other');
    things.forget();
    await eventually(() => followers.every(({ seen }) => seen.filter((what) => what === 'SYNCED').length === 2));
    things.add('a', 'after');
    await eventually(() => followers[0]?.seen.includes('ADDED after'));
    expect(followers[0]?.seen).toEqual(['SYNCED', 'ADDED seen', 'LISTED seen', 'SYNCED', 'ADDED after']);
    expect(followers[1]?.seen).toContain('LISTED other');
    expect(things.requests.filter((request) => request.startsWith('list'))).toEqual(['list of owner']);
  });

  it('begins anew for the next follower when all have gone', async () => {
    await follow('a').stop();
    const next = follow('a');
    await eventually(() => things.openWatches === 1);
    things.add('a', 'new');
    await eventually(() => next.seen.includes('ADDED new'));
    await next.stop();
    await eventually(() => things.openWatches === 0);
  });

  it('waits for a follower that is busy, and delays none for good', async () => {
    const abort = new AbortController();
    const slow = watches.follow({ path: '/things', value: 'slow', signal: abort.signal });
    expect((await slow.next()).value).toMatchObject({ type: 'SYNCED' });
    const waiting = slow.next();
    const quick = follow('quick');
    await eventually(() => quick.seen.includes('SYNCED'));
    for (let index = 0; index < 300; index += 1) things.add('slow', `slow-${index}`);
    things.add('quick', 'quick');
    await waiting;
    for (let taken = 1; taken < 300; taken += 1) await slow.next();
    await eventually(() => quick.seen.includes('ADDED quick'));
    abort.abort();
    await slow.return(undefined);
  });
});
