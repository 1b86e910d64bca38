/** In processes of their own: whether one lives on is what this is about. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { describeCulprit } from '../../src/plugin/process-guard';

const GUARD = join(repoRoot, 'dist/src/plugin/process-guard.js');

/** Runs `fault` under the guard, then says that it is alive; the answer holds what was logged. */
function withGuard(fault: string) {
  const program = `
    const { guard } = require(${JSON.stringify(GUARD)});
    const counted = [];
    const log = { error: (fields, text) => console.log(JSON.stringify({ ...fields, text })) };
    guard({
      log,
      metrics: { count: (name, labels) => counted.push(labels.module) },
      onFatal: (error) => { console.log('FATAL ' + error.message); process.exitCode = 3; clearTimeout(alive); },
    });
    const alive = setTimeout(() => console.log('ALIVE ' + counted.length), 100);
    ${fault}
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', cwd: repoRoot });
  const lines = stdout.trim().split('\n');
  const logged = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return { status, stderr, said: lines.filter((line) => !line.startsWith('{')), logged };
}

describe('a guarded process', () => {
  it('survives an unhandled rejection, and names its module, but not its content', () => {
    const { status, said, logged, stderr } = withGuard(`
      const error = new Error('NOAUTH Authentication required.');
      error.stack = 'ReplyError: NOAUTH\\n    at parseError (/app/node_modules/redis-parser/lib/parser.js:179:12)';
      error.code = 'NOAUTH';
      error.command = { name: 'auth', args: ['hunter2'] };
      Promise.reject(error);
    `);
    expect({ status, said, stderr }).toEqual({ status: 0, said: ['ALIVE 1'], stderr: '' });
    expect(logged).toMatchObject([{ module: 'redis-parser', code: 'NOAUTH', command: 'auth' }]);
    expect(JSON.stringify(logged)).not.toContain('hunter2');
  });

  it('counts every repetition and logs the first', () => {
    const { said, logged } = withGuard(`for (let i = 0; i < 50; i += 1) Promise.reject(new Error('again'));`);
    expect({ said, lines: logged.length }).toEqual({ said: ['ALIVE 50'], lines: 1 });
  });

  it('survives a rejection with a non-error', () => {
    expect(withGuard(`Promise.reject(undefined); Promise.reject('text');`)).toMatchObject({
      status: 0,
      said: ['ALIVE 2'],
    });
  });

  it('survives a failing connection without listeners', () => {
    const { status, logged } = withGuard(`require('node:net').connect(1, '127.0.0.1');`);
    expect({ status, code: logged[0]?.['code'] }).toEqual({ status: 0, code: 'ECONNREFUSED' });
  });

  it('is shut down once after any other exception', () => {
    const { status, said, logged } = withGuard(`
      setImmediate(() => { throw new TypeError('undefined is not a function'); });
      setImmediate(() => { throw new TypeError('and another'); });
    `);
    expect({ status, said, lines: logged.length }).toEqual({
      status: 3,
      said: ['FATAL undefined is not a function'],
      lines: 2,
    });
  });
});

describe('the culprit of an error', () => {
  it.each([
    ['a package', 'at Foo (/app/node_modules/ioredis/built/redis/event_handler.js:1:1)', 'ioredis'],
    [
      'a package with a scope',
      'at /app/node_modules/@nats-io/transport-node/lib/node_transport.js:1:1',
      '@nats-io/transport-node',
    ],
    ['a nested package', 'at /app/node_modules/a/node_modules/b/index.js:1:1', 'b'],
    ['Sluice itself', 'at relay (/app/dist/activities/relay/relay-events.js:10:3)', 'sluice'],
    ['Node alone', 'at node:internal/timers:573:11', 'unknown'],
  ])('is %s', (_what, frame, module) => {
    const error = new Error('x');
    error.stack = `Error: x\n    at node:net:1:1\n    ${frame}`;
    expect(describeCulprit(error).module).toBe(module);
  });
});
