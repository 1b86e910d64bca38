import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTlsFiles } from '../../../dev/tls-certificates';
import type { ResourceSource } from '../../../src/manifest/triggers/resource-source';
import { readResourceSource } from '../../../src/triggers/resource-sources/registry';
import { failureOf } from '../../setup/failure';
import { secretsFrom } from '../../setup/secrets';
import { startYamlReader } from '../../setup/yaml-reader';
import { startS3Server, type S3Server } from './s3-server';

const YAML = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: found\n';
const FOUND = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'found' } };
const yaml = startYamlReader();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sources-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await yaml.close();
});

function read(source: ResourceSource, values: Record<string, string> = {}) {
  const signal = AbortSignal.timeout(20_000);
  return readResourceSource(source, {
    namespace: 'argo',
    secrets: secretsFrom(values),
    readYaml: yaml.readYaml,
    signal,
  });
}
const FINAL = { code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false };
const PASSING = { code: 'TRIGGER_SOURCE_UNREADABLE', retryable: true };

describe('source.resource, inline and configmap', () => {
  it('return the object, from YAML or JSON', async () => {
    expect(await read({ resource: FOUND })).toEqual(FOUND);
    expect(await read({ inline: YAML })).toEqual(FOUND);
    expect(await read({ inline: JSON.stringify(FOUND) })).toEqual(FOUND);
    expect(await read({ configmap: { name: 'objects', key: 'one' } }, { 'objects/one': YAML })).toEqual(FOUND);
  });

  it('use the first in the order of Argo Events', async () => {
    // None of these can be read, so the failure tells which one was taken.
    const key = { name: 'objects', key: 'list' };
    const inOrder: Array<[keyof ResourceSource, ResourceSource]> = [
      ['s3', { s3: { endpoint: '127.0.0.1:1', bucket: { name: 'b', key: '' }, accessKey: key, secretKey: key } }],
      ['inline', { inline: '- a' }],
      ['file', { file: { path: join(folder, 'gone.yaml') } }],
      ['url', { url: { path: 'nowhere' } }],
      ['git', { git: { url: '-', filePath: 'a.yaml', cloneDirectory: '/a', branch: 'main' } }],
      ['configmap', { configmap: key }],
    ];
    let lower: ResourceSource = { resource: FOUND };
    expect(await read(lower)).toEqual(FOUND);
    for (const [kind, source] of inOrder.reverse()) {
      lower = { ...lower, ...source };
      expect((await failureOf(read(lower, { 'objects/list': '- a' }))).message).toContain(kind);
    }
  });

  it.each([
    ['several documents', `${YAML}---\n${YAML}`],
    ['text that is not YAML', 'a: [1'],
    ['a list', '- a'],
    ['nothing', ''],
    ['comments only', '# nothing\n---\n# here'],
    ['aliases that multiply', aliasBomb()],
    ['JSON that is nested too deeply', '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000)],
    ['YAML that is nested too deeply', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ])('reject %s', async (_what, inline) => {
    expect(await failureOf(read({ inline }))).toMatchObject(FINAL);
  });

  it('quote nothing of rejected content', async () => {
    for (const inline of ['s3cret: [1', 's3cret: *s3cret', '- s3cret', '{"s3cret": s3cret']) {
      expect((await failureOf(read({ inline }))).message).not.toContain('s3cret');
    }
  });

  it('read YAML as kubectl does', async () => {
    const inline = [
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata: {name: found}',
      'data:',
      '  on: yes',
      '  text: "a quoted text',
      'whose next line is not indented"',
      '  time: 2026-01-02T03:04:05Z',
    ].join('\n');
    expect(await read({ inline: `%YAML 1.1\n---\n${inline}\n...\n` })).toMatchObject({
      data: { true: true, text: 'a quoted text whose next line is not indented', time: '2026-01-02T03:04:05Z' },
    });
  });

  it('leave the event loop free while they parse slow documents', async () => {
    // Quadratic for a reader that compares every key with every other.
    const keys = Array.from({ length: 2_000 }, (_, index) => `key-${index}: 1\n`).join('');
    const turns = countTurns();
    try {
      expect(Object.keys(await read({ inline: keys }))).toHaveLength(2_000);
    } finally {
      turns.stop();
    }
    expect(turns.count()).toBeGreaterThan(1);
  });

  it('treat a missing ConfigMap as transient, a missing source as permanent', async () => {
    expect(await failureOf(read({ configmap: { name: 'none', key: 'k' } }))).toMatchObject(PASSING);
    expect(await failureOf(read({}))).toMatchObject(FINAL);
  });
});

it.each<ResourceSource>([
  ...['https://me:s3cret@host:99999/x', 's3cret', 'http://a b/?token=s3cret'].map((path) => ({ url: { path } })),
  ...['bad s3cret', 'me:s3cret@127.0.0.1:1', 'host:99999', '127.0.0.1:1/s3cret', '%'].map((endpoint) => ({
    s3: { endpoint, bucket: { name: 'b', key: 'k' }, accessKey: { name: 'a', key: 'k' }, secretKey: { name: 'a', key: 'k' } }, // prettier-ignore
  })),
])('%j is rejected permanently, and not quoted', async (source) => {
  const failure = await failureOf(read(source, { 'a/k': 'key' }));
  expect(failure).toMatchObject(FINAL);
  expect(JSON.stringify([failure.message, failure.fix, String(failure.cause)])).not.toContain('s3cret');
});

describe('source.file', () => {
  beforeAll(async () => {
    await mkdir(join(folder, 'files', 'sub'), { recursive: true });
    await writeFile(join(folder, 'files', 'sub', 'one.yaml'), YAML);
    await writeFile(join(folder, 'outside.yaml'), YAML);
    await symlink(join(folder, 'outside.yaml'), join(folder, 'files', 'link.yaml'));
    await symlink(join(folder, 'files', 'sub', 'one.yaml'), join(folder, 'files', 'inner.yaml'));
    process.env.SLUICE_FILES_DIR = join(folder, 'files');
  });
  afterAll(() => delete process.env.SLUICE_FILES_DIR);

  it('reads below SLUICE_FILES_DIR, by relative or absolute path, links inside included', async () => {
    for (const path of ['sub/one.yaml', join(folder, 'files', 'sub', 'one.yaml'), 'inner.yaml']) {
      expect(await read({ file: { path } })).toEqual(FOUND);
    }
  });

  it.each(['../outside.yaml', 'link.yaml', '/etc/passwd', 'sub/../../outside.yaml', '.'])(
    'rejects %s',
    async (path) => {
      expect(await failureOf(read({ file: { path } }))).toMatchObject(FINAL);
    },
  );

  it('treats a missing file as transient, and reads nothing without the folder', async () => {
    expect(await failureOf(read({ file: { path: 'none.yaml' } }))).toMatchObject(PASSING);
    delete process.env.SLUICE_FILES_DIR;
    const error = await failureOf(read({ file: { path: 'sub/one.yaml' } }));
    expect(error).toMatchObject(FINAL);
    expect(error.fix).toContain('SLUICE_FILES_DIR');
    process.env.SLUICE_FILES_DIR = join(folder, 'files');
  });
});

describe('source.url', () => {
  let base: string;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const tls = await createTlsFiles(folder);
    const options = { cert: await readFile(tls.serverCertificatePath), key: await readFile(tls.serverKeyPath) };
    const server = createServer(options, (request, response) => {
      const path = request.url ?? '';
      const status = Number(/^\/status\/(\d+)/.exec(path)?.[1] ?? 200);
      if (path === '/moved') response.writeHead(302, { location: '/one.yaml' }).end();
      else if (path === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (path === '/insecure') response.writeHead(302, { location: 'http://127.0.0.1:1/one.yaml' }).end();
      else if (path === '/metadata') response.writeHead(302, { location: 'https://169.254.169.254/' }).end();
      else if (path === '/nowhere') response.writeHead(302, { location: 'https://%' }).end();
      else if (path === '/large') response.end('x'.repeat(600 * 1024));
      else response.writeHead(status).end(YAML);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      });
  });
  afterAll(() => close());

  const url = (path: string, verifyCert?: boolean): ResourceSource => ({ url: { path: `${base}${path}`, verifyCert } });

  it('reads the response, over redirects', async () => {
    expect(await read(url('/one.yaml', false))).toEqual(FOUND);
    expect(await read(url('/moved', false))).toEqual(FOUND);
  });

  it('verifies the server unless disabled', async () => {
    for (const verifyCert of [undefined, true]) {
      expect(await failureOf(read(url('/one.yaml', verifyCert)))).toMatchObject(FINAL);
    }
  });

  it.each([
    ['/status/404', FINAL],
    ['/status/403', FINAL],
    ['/status/503', PASSING],
    ['/status/429', PASSING],
    ['/large', FINAL],
    ['/loop', FINAL],
    ['/insecure', FINAL],
    ['/metadata', FINAL],
    ['/nowhere', FINAL],
  ])('fails on %s', async (path, expected) => {
    expect(await failureOf(read(url(path, false)))).toMatchObject(expected);
  });

  it('accepts http and https only, and never shows the query', async () => {
    expect(await failureOf(read({ url: { path: 'file:///etc/passwd' } }))).toMatchObject(FINAL);
    expect(await failureOf(read({ url: { path: 'nonsense' } }))).toMatchObject(FINAL);
    expect((await failureOf(read(url('/status/404?token=s3cret', false)))).message).not.toContain('s3cret');
    expect(await failureOf(read({ url: { path: 'http://127.0.0.1:1/x' } }))).toMatchObject(PASSING);
  });
});

describe('source.s3', () => {
  let server: S3Server;
  const keys = { accessKey: { name: 's3', key: 'id' }, secretKey: { name: 's3', key: 'secret' } };
  const values = { 's3/id': 'AKIDTEST', 's3/secret': 'wJalrXUtnFEMI/K7MDENG' };
  beforeAll(async () => {
    server = await startS3Server(
      { AKIDTEST: 'wJalrXUtnFEMI/K7MDENG' },
      {
        '/objects/a b/(one)+é.yaml': YAML,
        '/objects/one.yaml': YAML,
        '/open/one.yaml': YAML,
        '/objects/large': 'x'.repeat(1_300_000),
      },
      ['/open/one.yaml'],
    );
  });
  afterAll(() => server.close());

  const s3 = (key: string, more: object = {}, bucket = 'objects'): ResourceSource => ({
    s3: { endpoint: server.endpoint, insecure: true, bucket: { name: bucket, key }, ...keys, ...more },
  });

  it('reads with a signed request, for any key', async () => {
    expect(await read(s3('one.yaml'), values)).toEqual(FOUND);
    expect(await read(s3('a b/(one)+é.yaml', { region: 'eu-central-1' }), values)).toEqual(FOUND);
  });

  it('uses the credentials of its environment if the manifest names none', async () => {
    process.env.AWS_ACCESS_KEY_ID = 'AKIDTEST';
    process.env.AWS_SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG';
    try {
      expect(await read(s3('one.yaml', { accessKey: undefined, secretKey: undefined }))).toEqual(FOUND);
    } finally {
      delete process.env.AWS_ACCESS_KEY_ID;
      delete process.env.AWS_SECRET_ACCESS_KEY;
    }
  });

  it('reads public objects without credentials', async () => {
    expect(await read(s3('one.yaml', { accessKey: undefined, secretKey: undefined }, 'open'))).toEqual(FOUND);
  });

  it('fails on wrong credentials, missing and large objects, without showing secrets', async () => {
    const error = await failureOf(read(s3('one.yaml'), { ...values, 's3/secret': 'wrong-s3cret' }));
    expect(error).toMatchObject(FINAL);
    expect(error.message).not.toContain('s3cret');
    expect(await failureOf(read(s3('none'), values))).toMatchObject(FINAL);
    expect(await failureOf(read(s3('large'), values))).toMatchObject(FINAL);
    expect(await failureOf(read(s3(''), values))).toMatchObject(FINAL);
    expect((await failureOf(read(s3('one.yaml')))).code).toBe('SECRET_MISSING');
  });
});

/** Small text for billions of values. */
function aliasBomb(): string {
  const level = (index: number): string => `a${index}: &a${index} [${`*a${index - 1},`.repeat(10)}]`;
  return ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]', ...Array.from({ length: 9 }, (_, index) => level(index + 1))].join('\n');
}

/** How often the event loop turned in the meantime. */
function countTurns(): { count(): number; stop(): void } {
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns += 1;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    count: () => turns,
    stop() {
      running = false;
    },
  };
}
