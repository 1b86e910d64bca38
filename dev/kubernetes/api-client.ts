import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface ApiAddress {
  url: string;
  /** Certificate of the authority that signed the server's; the system's authorities when absent. */
  ca?: string;
  token?: string;
  /** Certificate and key, for users who have those instead of a token. */
  cert?: string;
  key?: string;
}

interface ApiAnswer {
  status: number;
  /** Parsed JSON, or the text itself if the response is plain text. */
  body: unknown;
}

export interface ApiClient {
  send(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  /** As `send`, but throws unless the status is a success or one of `accepted`. */
  expect(method: string, path: string, body?: unknown, accepted?: readonly number[]): Promise<ApiAnswer>;
  /** Opens a streaming response, for watches. Destroy it to end. */
  open(path: string, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

/** The few calls that dev/ makes to a Kubernetes API server, over kept connections. */
export function createApiClient(address: ApiAddress): ApiClient {
  const { ca, cert, key, token } = address;
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca, cert, key });
  const identity = token === undefined ? {} : { authorization: `Bearer ${token}` };

  const start = (options: RequestOptions, path: string, payload?: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { ...identity, accept: 'application/json', ...options.headers };
      const call = request(new URL(path, address.url), { agent, ...options, headers }, resolve);
      call.once('error', reject);
      call.end(payload);
    });

  const send = async (method: string, path: string, body?: unknown, contentType = 'application/json') => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'content-type': contentType };
    const response = await start({ method, headers }, path, payload);
    const content = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    const parsed: unknown = isJson ? JSON.parse(content) : content;
    return { status: response.statusCode ?? 0, body: parsed };
  };

  return {
    send,
    expect: async (method, path, body, accepted = []) => {
      const answer = await send(method, path, body);
      if (answer.status < 300 || accepted.includes(answer.status)) return answer;
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    },
    open: async (path, signal) => {
      // A separate connection: a watch would occupy one of the pool permanently.
      const response = await start({ method: 'GET', signal, agent: new Agent({ ca, cert, key }) }, path);
      if (response.statusCode === 200) return response;
      throw new Error(`GET ${path} answered ${response.statusCode}: ${await text(response)}`);
    },
    close: () => agent.destroy(),
  };
}
