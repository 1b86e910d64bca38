import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonLines } from '../../examples/custom-source/json-lines';
import type { EventOptions } from '../../src/manifest/event-source';
import { EventSourcePlugin } from '../../src/plugin/event-source-plugin';
import { customSource } from '../../src/sources/custom';
import type { CustomSource } from '../../src/sources/custom-source';
import type { JsonObject } from '../../src/event/json';
import type { Source, SourceFactory } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { fieldOf } from './field-of';
import { readSource, type SourceReading } from './read-source';

type CustomOptions = EventOptions<'custom'>;

const customSources = [jsonLines];
/** As in a worker whose owner has brought the source of the example. */
const factory: SourceFactory<CustomOptions> = {
  ...customSource,
  create: (spec, context) => customSource.create(spec, { customSources, ...context }),
};

async function openFile(): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-custom-'));
  const path = join(folder, 'lines.jsonl');
  await writeFile(path, '');
  return { folder, path };
}

describeSourceContract<CustomOptions>({
  factory,
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: false },
  async start() {
    const { folder, path } = await openFile();
    return {
      spec: { source: 'json-lines', options: { path } },
      send: (text) => appendFile(path, `${JSON.stringify(text)}\n`),
      sendPoison: () => appendFile(path, Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a])),
      textOf: ({ data }) => (data as { body: string }).body,
      stop: () => rm(folder, { recursive: true, force: true }),
    };
  },
});

describe('a custom source', () => {
  let folder: string;
  let path: string;
  const open: SourceReading[] = [];

  beforeEach(async () => {
    ({ folder, path } = await openFile());
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  const read = (spec: Partial<CustomOptions> = {}): SourceReading => {
    const reading = readSource(factory, { source: 'json-lines', options: { path }, ...spec }, { customSources });
    open.push(reading);
    return reading;
  };

  it('gives events its own name as type, and the metadata of the manifest', async () => {
    expect(customSource.typeOf?.({ source: 'json-lines' })).toBe('json-lines');
    const { next } = read({ metadata: { station: 'svalbard' } });
    await appendFile(path, '{"pass": 7}\n');
    const { events } = await next();
    expect(events.map(({ data }) => data)).toEqual([{ path, body: { pass: 7 }, metadata: { station: 'svalbard' } }]);
  });

  it('is refused with the names that the worker has, if it is none of them', () => {
    const spec = { source: 'json-line', options: {} };
    expect(() => createSource(factory, { spec })).toThrow(
      'this worker has no custom source "json-line"; it has: json-lines',
    );
    expect(() => createSource(customSource, { spec })).toThrow('it has: none');
  });

  it('is refused if its own schema refuses the options', () => {
    const spec = { source: 'json-lines', options: { path: 'relative', colour: 'red' } };
    expect(() => createSource(factory, { spec })).toThrow(/options of custom source "json-lines" are not sound.*path/s);
  });

  it('does not end the worker with a status or marks that throw, or that are no JSON', () => {
    const circular: JsonObject = {};
    circular['itself'] = circular;
    const create = (source: Pick<Source, 'status' | 'marks'>): Source => {
      const broken: CustomSource = {
        name: 'broken',
        options: { parse: () => ({}) },
        create: (_, context) => ({ ...jsonLines.create({ path }, context), ...source }),
      };
      return createSource(factory, { spec: { source: 'broken' } }, { customSources: [broken] });
    };
    const throwing = create({
      status: () => {
        throw new Error('not open yet');
      },
      marks: () => circular,
    });
    expect(throwing.status()).toEqual({
      connected: false,
      dropped: 0,
      problem: 'its status cannot be read: not open yet',
    });
    expect(throwing.marks?.()).toEqual({});
  });

  it('reads a file that replaces another one from its beginning', async () => {
    const { next } = read();
    await appendFile(path, '1\n');
    const first = await next();
    await first.acknowledge({ rejected: [] });
    await writeFile(join(folder, 'next'), '2\n');
    await rename(join(folder, 'next'), path);
    const second = await next();
    expect(second.events.map(({ data }) => fieldOf(data, 'body'))).toEqual([2]);
  });
});

describe('a plugin with sources of its owner', () => {
  it.each([
    ['two of one name', [jsonLines, { ...jsonLines }]],
    ['a name that no manifest can hold', [{ ...jsonLines, name: 'json lines' }]],
  ])('is refused with %s', (_what, sources) => {
    expect(() => new EventSourcePlugin({ sources })).toThrow('has a name that is not usable, or that another one has');
  });
});
