import { chmod, mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createTextMatcher } from '../../activities/relay/match-texts';
import { createExpressionEngine } from '../../src/expressions';
import type { EventOptions } from '../../src/manifest/event-source';
import { fileSource } from '../../src/sources/file';
import type { Delivery } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { fieldOf } from './field-of';
import { readSource, type SourceReading } from './read-source';

type FileOptions = EventOptions<'file'>;

describeSourceContract<FileOptions>({
  factory: fileSource,
  capabilities: { payload: 'made', keepsBacklog: true, deliversAgain: true, hasServer: false },
  async start() {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-file-'));
    let count = 0;
    return {
      spec: { eventType: 'CREATE', watchPathConfig: { directory } },
      async send(text) {
        count += 1;
        await writeFile(join(directory, `${count} ${text}`), '');
      },
      async sendPoison() {
        await writeFile(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]), '');
      },
      textOf: ({ data }) => (data as { name: string }).name.replace(/^.*\/\d+ /, ''),
      stop: () => rm(directory, { recursive: true, force: true }),
    };
  },
});

describe('event source file', () => {
  let directory: string;
  const open: SourceReading[] = [];
  const engine = createExpressionEngine();
  const matchTexts = createTextMatcher(engine);

  afterAll(() => engine.close());

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-file-'));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    await rm(directory, { recursive: true, force: true });
  });

  async function read(spec: Partial<FileOptions> & { path?: string; pathRegexp?: string }) {
    const { path, pathRegexp, eventType = 'CREATE', ...others } = spec;
    const watchPathConfig = { directory: `${directory}/`, path, pathRegexp };
    const reading = readSource(fileSource, { eventType, watchPathConfig, ...others }, { matchTexts });
    open.push(reading);
    const first = reading.next();
    await eventually(() => reading.source.status().connected);
    return { ...reading, first };
  }
  const allow = (name: string): string => (process.env.SLUICE_WATCHED_DIRS = `/nowhere, ${join(directory, name)}`);
  const write = (name: string, text = 'x') => writeFile(join(directory, name), text);
  const summary = ({ events }: Delivery) => events.map(({ data }) => [fieldOf(data, 'name'), fieldOf(data, 'op')]);

  it('gives a file the payload of Argo Events, with its numeric operation', async () => {
    const { first } = await read({ metadata: { team: 'eo' } });
    await write('a.tif');
    expect((await first).events[0]?.data).toEqual({ name: join(directory, 'a.tif'), op: 1, metadata: { team: 'eo' } });
  });

  it('always has metadata, as Argo Events does', async () => {
    const { first } = await read({});
    await write('a.tif');
    expect((await first).events[0]?.data).toMatchObject({ metadata: null });
  });

  it.each<[FileOptions['eventType'], number, () => Promise<void>]>([
    ['WRITE', 2, () => write('old', 'other text')],
    ['REMOVE', 4, () => unlink(join(directory, 'old'))],
    ['RENAME', 8, () => rename(join(directory, 'old'), join(directory, 'new'))],
    ['CHMOD', 16, () => chmod(join(directory, 'old'), 0o600)],
  ])('detects %s of an existing file', async (eventType, op, change) => {
    await write('old');
    const { first, next } = await read({ eventType, path: 'old' });
    // A file that is there when reading begins counts as written.
    const changed = eventType === 'WRITE' ? first.then(() => next()) : first;
    if (eventType === 'WRITE') await first;
    await change();
    expect(summary(await changed)).toEqual([[join(directory, 'old'), op]]);
  });

  it.each([
    ['its path', { path: 'wanted.tif' }],
    ['its pattern', { pathRegexp: '^w[a-z]+\\.tif$' }],
    ['its pattern in the syntax of Go', { pathRegexp: '(?i)^W[[:alpha:]]+\\.tif$' }],
    ['a pattern for which JavaScript would need years', { pathRegexp: '^(w|.|.|[a-z]|[a-z.])*(wanted|!)\\.tif$' }],
  ])('reads only files that match %s, even by polling', async (_what, selection) => {
    const { first } = await read({ ...selection, polling: true });
    await write(`${'other'.repeat(20)}.tif`);
    await write('wanted.tif');
    expect(summary(await first)).toEqual([[join(directory, 'wanted.tif'), 1]]);
  });

  describe('of a tenant', () => {
    afterEach(() => {
      delete process.env.SLUICE_WATCHED_DIRS;
      delete process.env.SLUICE_SECRETS_DIR;
    });

    it.each<[string, () => unknown, () => string]>([
      ["the worker's secrets", () => (process.env.SLUICE_SECRETS_DIR = directory), () => join(directory, 'tenant-b')],
      ['what is outside the directories that the operator allows', () => allow('allowed'), () => directory],
      ['a neighbour of an allowed directory', () => allow('tenant'), () => join(directory, 'tenant-b')],
      ['the processes of the worker', () => undefined, () => '/proc/self/fd'],
    ])('does not watch %s, also through a link', async (_, configure, watched) => {
      for (const name of ['tenant', 'tenant-b', 'allowed']) await mkdir(join(directory, name));
      configure();
      const link = join(await mkdtemp(join(tmpdir(), 'sluice-link-')), 'link');
      await symlink(watched(), link);
      for (const path of [watched(), link]) {
        const reading = readSource(fileSource, { eventType: 'CREATE', watchPathConfig: { directory: path } });
        open.push(reading);
        const first = reading.next();
        await eventually(() => reading.source.status().problem?.includes('SLUICE_WATCHED_DIRS'));
        expect(await failureOf(reading.source.check())).toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
        first.catch(() => undefined);
      }
      await rm(dirname(link), { recursive: true });
    });

    it('watches a directory that the operator allows', async () => {
      await mkdir(join(directory, 'allowed'));
      allow('allowed');
      const watchPathConfig = { directory: join(directory, 'allowed') };
      const reading = readSource(fileSource, { eventType: 'CREATE', watchPathConfig });
      open.push(reading);
      const first = reading.next();
      await eventually(() => reading.source.status().connected);
      await writeFile(join(directory, 'allowed', 'a'), '');
      expect(summary(await first)).toEqual([[join(directory, 'allowed', 'a'), 1]]);
    });
  });

  it('is not Ready while its directory is missing, reports the reason, and reads once it exists', async () => {
    const late = join(directory, 'late');
    const reading = readSource(fileSource, { eventType: 'CREATE', watchPathConfig: { directory: late } });
    open.push(reading);
    const first = reading.next();
    await eventually(() => reading.source.status().problem?.includes('does not exist'));
    expect(reading.source.status().connected).toBe(false);
    await mkdir(late);
    await writeFile(join(late, 'a'), '');
    expect(summary(await first)).toEqual([[join(late, 'a'), 1]]);
    expect(reading.source.status()).toEqual({ connected: true, dropped: 0 });
  });

  it('refuses a position that would fill the memory', async () => {
    const files = gzipSync(Buffer.alloc(32 * 1024 * 1024)).toString('base64');
    const position = {
      read: () => Promise.resolve({ of: `CREATE ${directory}`, files }),
      write: () => Promise.resolve(),
    };
    const spec = { eventType: 'CREATE', watchPathConfig: { directory } };
    const source = createSource(fileSource, { spec }, { position });
    await expect(source.backlog?.(new AbortController().signal)).rejects.toThrow(/larger than/);
  });

  it.each<[string, Partial<FileOptions>]>([
    ['an unknown eventType', { eventType: 'MOVE' }],
    ['a directory that is not absolute', { watchPathConfig: { directory: 'data' } }],
    ['an invalid pattern', { watchPathConfig: { directory: '/data', pathRegexp: '(' } }],
  ])('ends with an error for the operator on %s', async (_what, wrong) => {
    const spec = { eventType: 'CREATE', watchPathConfig: { directory }, ...wrong };
    const source = createSource(fileSource, { spec }, { matchTexts });
    for (const attempt of [() => source.check(), () => source.deliveries()[Symbol.asyncIterator]().next()]) {
      expect((await failureOf(attempt())).code).toBe('EVENT_SOURCE_MISCONFIGURED');
    }
  });
});
