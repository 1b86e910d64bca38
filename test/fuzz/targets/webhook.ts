import { connect } from 'node:net';
import fc from 'fast-check';
import { webhookSource } from '../../../src/sources/webhook';
import { createSource } from '../../contract-suites/source-contract';
import { freePort } from '../../sources/free-port';
import { anyJson, anyText, asText, mutated } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const PATH = '/scenes';
const TOKEN = 'an-open-secret';

/** Bytes from anybody on a socket: an answer that says yes or no, and the next caller is served. */
export async function webhook(): Promise<OpenTarget> {
  const port = await freePort();
  const stop = new AbortController();
  const source = createSource(
    webhookSource,
    {
      spec: { endpoint: PATH, port: String(port), maxPayloadSize: 4_096, authSecret: { name: 'token', key: 'token' } },
      secrets: { 'token/token': TOKEN },
    },
    { signal: stop.signal },
  );
  const failures: unknown[] = [];
  const reading = (async () => {
    for await (const delivery of source.deliveries()) {
      if (JSON.stringify(delivery.events).includes(TOKEN))
        failures.push(new Error('an event holds the token of the endpoint'));
      await delivery.acknowledge({ rejected: [] });
    }
  })();
  reading.catch((error: unknown) => failures.push(error));
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
      `Authorization: Bearer ${TOKEN}`,
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
      path: fc.oneof(
        fc.constant(''),
        fc.constant(''),
        anyText.map((text) => `?${text}`),
        anyText,
      ),
      headers: fc.array(header, { maxLength: 6 }),
      body,
      right: fc.boolean(),
    })
    .map(({ method, path, headers, body: content, right }) => {
      const all = [
        ...(right ? [`Authorization: Bearer ${TOKEN}`, `Content-Length: ${Buffer.byteLength(content, 'latin1')}`] : []),
        ...headers,
      ];
      return [`${method} ${PATH}${path} HTTP/1.1`, 'Host: h', 'Connection: close', ...all, '', content].join('\r\n');
    });
  return hide({
    inputs: fc.oneof({ weight: 3, arbitrary: requests }, mutated(requests), anyText),
    async check(text) {
      const answer = await send(text);
      const failure = failures.shift();
      if (failure !== undefined) throw new Error('the source failed', { cause: failure });
      // Nothing comes back where not even one line came.
      if (answer !== '')
        expectThat(/^HTTP\/1\.1 [1-5]\d\d /.test(answer), `an answer of HTTP, got ${answer.slice(0, 80)}`);
    },
    close: async () => {
      stop.abort();
      await reading.catch(() => undefined);
      await source.close();
    },
  });
}
