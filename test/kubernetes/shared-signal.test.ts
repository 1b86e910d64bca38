import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { repoRoot } from '../../dev/repo-root';

/** In a process of its own: warnings of Node do not reach a test inside of Jest. */
const MANY_REQUESTS = `
const { createServer } = require('node:http');
const { KubernetesClient } = require('./dist/src/kubernetes/client.js');
const server = createServer((_request, response) => setImmediate(() => response.end('{}')));
server.listen(0, '127.0.0.1', async () => {
  const client = new KubernetesClient({
    server: 'http://127.0.0.1:' + server.address().port,
    namespace: 'default',
    origin: 'a test',
    tls: {},
    authorization: () => undefined,
    renew: () => undefined,
  });
  const { signal } = new AbortController();
  const requests = Array.from({ length: 40 }, () => client.request({ method: 'GET', path: '/api', signal }));
  console.log((await Promise.all(requests)).length);
  client.close();
  server.close();
});`;

describe('many requests to the API server at a time', () => {
  it('share one signal, as the fires of a burst do, without a warning of a leak', async () => {
    const run = promisify(execFile)(process.execPath, ['-e', MANY_REQUESTS], { cwd: repoRoot });
    expect(await run).toEqual({ stdout: '40\n', stderr: '' });
  });
});
