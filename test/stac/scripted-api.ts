/** STAC APIs differ in what they send; this one sends what each test says. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

export interface ApiAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  /** No response at all. */
  readonly hangs?: boolean;
}

export class ScriptedApi {
  readonly requests: ApiRequest[] = [];
  /** The bodies of the requests, as they were sent. */
  readonly texts: string[] = [];
  answer: (request: ApiRequest, count: number) => ApiAnswer = () => ({ body: {} });
  private readonly server: Server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const path = incoming.url ?? '';
      const request: ApiRequest = {
        method: incoming.method ?? '',
        path,
        query: new URL(path, this.url).searchParams,
        headers: incoming.headers,
        body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : undefined,
      };
      this.requests.push(request);
      this.texts.push(text);
      const { status = 200, headers = {}, body, hangs = false } = this.answer(request, this.requests.length);
      if (hangs) return;
      const isRaw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined;
      outgoing.writeHead(status, headers).end(isRaw ? body : JSON.stringify(body));
    });
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  /** The first page of an API whose search takes these methods. */
  landing(methods: readonly string[] = ['GET', 'POST']): ApiAnswer {
    return { body: { links: methods.map((method) => ({ rel: 'search', href: `${this.url}/search`, method })) } };
  }
  /** Requests other than for the first page. */
  get searches(): ApiRequest[] {
    return this.requests.filter(({ path }) => path !== '/');
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const item = (id: unknown, more: object = {}) => ({
  type: 'Feature',
  stac_version: '1.0.0',
  id,
  collection: 'c',
  properties: {},
  links: [] as unknown[],
  ...more,
});

export const page = (features: unknown, links: unknown = [], more: object = {}): ApiAnswer => ({
  headers: { 'content-type': 'application/geo+json' },
  body: { type: 'FeatureCollection', features, links, ...more },
});
