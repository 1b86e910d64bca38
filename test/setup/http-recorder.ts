import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJsonObject, type JsonObject } from '../../src/event/json';

export interface RecordedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
  readonly at: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A receiver of HTTP triggers. Paths keep tests that share one apart. */
export interface HttpRecorder {
  readonly url: string;
  /** Those to one path, or all. */
  requests(path?: string): readonly RecordedRequest[];
  /** What the next requests to this path are answered with, one after the other; then as before. */
  answerNext(path: string, answers: readonly Answer[]): void;
  /** What requests, all or those to one path, are answered with from now on; 200 before. */
  answerWith(status: number, path?: string): void;
  forgetRequests(): void;
  close(): Promise<void>;
}

export async function startHttpRecorder(): Promise<HttpRecorder> {
  const recorded: RecordedRequest[] = [];
  const planned = new Map<string, Answer[]>();
  let usual: Answer = { status: 200 };
  const usualOf = new Map<string, Answer>();
  const server = createServer((request, response) => {
    const at = Date.now();
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = request.url ?? '';
      const body: unknown = JSON.parse(Buffer.concat(parts).toString() || '{}');
      recorded.push({ path, headers: request.headers, body: isJsonObject(body) ? body : {}, at });
      const answer = planned.get(path)?.shift() ?? usualOf.get(path) ?? usual;
      response.writeHead(answer.status, answer.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: (path) => recorded.filter((request) => path === undefined || request.path === path),
    answerNext: (path, answers) => void planned.set(path, [...answers]),
    answerWith: (status, path) => {
      if (path === undefined) usual = { status };
      else usualOf.set(path, { status });
    },
    forgetRequests: () => void recorded.splice(0),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
