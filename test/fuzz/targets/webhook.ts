import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { readWebhookRequest, RequestRefused } from '../../../src/sources/webhook-request';
import { anyJson, anyText, asText, mutated } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const RULES = { method: undefined, token: 'secret', maxPayloadBytes: 4_096 };

/** Bytes from anybody on a socket: an answer that says yes or no, and the next caller is served. */
export async function webhook(): Promise<OpenTarget> {
  const failures: unknown[] = [];
  const server = createServer((request, response) => {
    readWebhookRequest(request, RULES)
      .then(
        ({ body, headers }) => {
          expectThat(!JSON.stringify(headers).includes('secret'), 'headers without the token');
          response.end(JSON.stringify(body));
        },
        (error: unknown) => {
          if (error instanceof RequestRefused && error.status >= 400 && error.message !== '')
            response.writeHead(error.status).end();
          else if (request.destroyed && !request.complete) response.destroy();
          else failures.push(error);
        },
      )
      .catch((error: unknown) => failures.push(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const send = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // A server that refuses may close while we still write.
    socket.on('error', () => undefined);
    socket.end(text, 'latin1');
    await closed;
    return answer;
  };
  const header = fc.oneof(
    fc.constantFrom(
      'Authorization: Bearer secret',
      'Authorization: bearer',
      'Content-Type: application/x-www-form-urlencoded',
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
      '__proto__: x',
      'Expect: 100-continue',
    ),
    fc.tuple(anyText, anyText).map(([name, value]) => `${name}: ${value}`),
  );
  const body = fc.oneof(anyText, asText(anyJson), fc.constant('a=1&a=2&__proto__=3'), fc.constant('x'.repeat(5_000)));
  const requests = fc
    .record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'TRACE', 'é'),
      path: anyText,
      headers: fc.array(header, { maxLength: 6 }),
      body,
      right: fc.boolean(),
    })
    .map(({ method, path, headers, body: content, right }) => {
      const all = [
        ...(right ? ['Authorization: Bearer secret', `Content-Length: ${Buffer.byteLength(content, 'latin1')}`] : []),
        ...headers,
      ];
      return [`${method} /${path} HTTP/1.1`, 'Host: h', 'Connection: close', ...all, '', content].join('\r\n');
    });
  return hide({
    inputs: fc.oneof({ weight: 3, arbitrary: requests }, mutated(requests), anyText),
    async check(text) {
      const answer = await send(text);
      const failure = failures.shift();
      if (failure !== undefined) throw new Error('the request was neither taken nor refused', { cause: failure });
      // Nothing comes back where not even one line came.
      if (answer !== '')
        expectThat(/^HTTP\/1\.1 [1-5]\d\d /.test(answer), `an answer of HTTP, got ${answer.slice(0, 80)}`);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
