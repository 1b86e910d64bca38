/** A STAC API whose items change while it runs, which the one of dev/stac-api.ts cannot, and with the faults of real ones. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

/** An item, or anything else that an API may list among its items. */
export type ListedItem = Readonly<Record<string, unknown>>;

export interface ChangingStacApiOptions {
  /** Sorts by `updated` where asked to, and says so. */
  readonly canSort?: boolean;
  /** Speaks https. */
  readonly tls?: Pick<ServerOptions, 'key' | 'cert' | 'ca' | 'requestCert' | 'rejectUnauthorized'>;
  /** Demands this password of the user `reader`. */
  readonly password?: string;
}

export interface SearchRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  /** Of the body or the query. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const HOST = '127.0.0.1';
const MOST_PER_PAGE = 1_000;

export class ChangingStacApi {
  password: string | undefined;
  canSort: boolean;
  mayRead = true;
  /** Says how many items a search finds. */
  counts = false;
  /** Takes the place of an answer; undefined lets the API answer. */
  fault: ((request: SearchRequest) => Answer | undefined) | undefined;
  readonly searches: SearchRequest[] = [];
  /** By id; entries without one by themselves. */
  private readonly items = new Map<unknown, ListedItem>();
  private server: Server | undefined;
  private port = 0;
  private held: Array<() => void> | undefined;

  private readonly tls: ChangingStacApiOptions['tls'];

  constructor({ canSort = true, password, tls }: ChangingStacApiOptions = {}) {
    this.canSort = canSort;
    this.password = password;
    this.tls = tls;
  }

  get url(): string {
    return `${this.tls ? 'https' : 'http'}://${HOST}:${this.port}`;
  }

  get listeningPort(): number {
    return this.port;
  }

  /** Adds an item, or replaces the one of this id. */
  put(item: ListedItem): void {
    this.items.set(item['id'] ?? item, item);
  }

  clear(): void {
    this.items.clear();
  }

  async start(): Promise<void> {
    const listener: RequestListener = (request, response) => void this.answer(request, response);
    const server = this.tls ? createTlsServer(this.tls, listener) : createServer(listener);
    await new Promise<void>((resolve) => server.listen(this.port, HOST, resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Keeps connections open and answers nothing; returns what answers everything. */
  hang(): () => void {
    this.held ??= [];
    return () => {
      const held = this.held ?? [];
      this.held = undefined;
      for (const goOn of held) goOn();
    };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { held } = this;
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    const url = new URL(request.url ?? '/', this.url);
    const body: unknown = text === '' ? {} : JSON.parse(text);
    const parameters = { ...Object.fromEntries(url.searchParams), ...(typeof body === 'object' && body) };
    const search = { method: request.method ?? '', headers: request.headers, parameters };
    const isSearch = url.pathname === '/search';
    if (isSearch) this.searches.push(search);
    const {
      status,
      headers,
      body: answer,
    } = this.refusal(request) ??
      (isSearch ? this.fault?.(search) : undefined) ?? {
        status: 200,
        body: isSearch ? this.pageFor(search) : this.landing(),
      };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  }

  private refusal({ headers }: IncomingMessage): Answer | undefined {
    if (!this.mayRead) return { status: 403, body: { description: 'no right to read' } };
    if (this.password === undefined) return undefined;
    const expected = `Basic ${Buffer.from(`reader:${this.password}`).toString('base64')}`;
    return headers.authorization === expected ? undefined : { status: 401, body: { description: 'unknown user' } };
  }

  private landing(): object {
    const sort = this.canSort ? ['https://api.stacspec.org/v1.0.0/item-search#sort'] : [];
    return {
      type: 'Catalog',
      conformsTo: ['https://api.stacspec.org/v1.0.0/item-search', ...sort],
      links: ['GET', 'POST'].map((method) => ({
        rel: 'search',
        type: 'application/geo+json',
        href: '/search',
        method,
      })),
    };
  }

  pageFor({ method, parameters }: SearchRequest): object {
    const found = this.select(parameters);
    const limit = Math.min(Number(parameters['limit'] ?? 10), MOST_PER_PAGE);
    const from = Number(parameters['token'] ?? 0);
    const token = String(from + limit);
    const query = new URLSearchParams(
      Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
    );
    query.set('token', token);
    const link =
      method === 'POST'
        ? { rel: 'next', method, href: '/search', merge: true, body: { token } }
        : { rel: 'next', href: `/search?${query.toString()}` };
    return {
      type: 'FeatureCollection',
      ...(this.counts && { numberMatched: found.length }),
      features: found.slice(from, from + limit),
      links: from + limit < found.length ? [link] : [],
    };
  }

  private select({ collections, datetime, sortby }: SearchRequest['parameters']): ListedItem[] {
    const asked: readonly unknown[] = typeof collections === 'string' ? collections.split(',') : listOf(collections);
    const [from = '..', to = '..'] = typeof datetime === 'string' ? datetime.split('/') : [];
    const found = [...this.items.values()].filter((item) => {
      const taken = Date.parse(propertyOf(item, 'datetime'));
      const isSince = from === '..' || taken >= Date.parse(from);
      const isInTime = Number.isNaN(taken) || (isSince && (to === '..' || taken <= Date.parse(to)));
      return isInTime && (item['collection'] === undefined || asked.includes(item['collection']));
    });
    if (!this.canSort || sortby === undefined) return found;
    return found.sort((one, other) => propertyOf(other, 'updated').localeCompare(propertyOf(one, 'updated')));
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function propertyOf(item: ListedItem, name: string): string {
  const properties = item['properties'];
  if (typeof properties !== 'object' || properties === null) return '';
  const value: unknown = Object.entries(properties).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : '';
}
