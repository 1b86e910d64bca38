/** docs/temporal-ui.md, word by word: its commands and queries do what it says on a running system. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import { startPicturedSystem, type PicturedSystem } from '../../dev/pictured-system';
import { shortEventId } from '../../src/event/short-id';
import type { FireStatus } from '../../src/contract/fires';
import type { EventSourceStatus } from '../../src/contract/event-source-messages';
import type { SensorStatus } from '../../src/contract/sensor-messages';
import { eventually } from '../setup/eventually';
import { currentDetails } from '../workflows/what-people-see';
import { readDocumentedCommands, readDocumentedQueries, type DocumentedCommand } from './documented-commands';

const runFile = promisify(execFile);

describe('docs/temporal-ui.md', () => {
  let pictured: PicturedSystem;
  let path: string;
  /** What stands for the placeholders of the page. */
  let parked: string;
  let ended: string;
  let eventId: string;
  let printed: string;

  beforeAll(async () => {
    path = `${dirname(await findBinary(tools.temporal))}:${process.env['PATH'] ?? ''}`;
    pictured = await startPicturedSystem();
    const succeeded = await pictured.runs('water-bodies', 'Succeeded');
    ended = succeeded.find((id) => id.includes('scene-announced')) ?? '';
    [parked = ''] = await pictured.runs('flood-watch', 'Parked');
    eventId = shortEventId(ended.split('/').slice(3).join('/'));
  }, 180_000);
  afterAll(() => pictured?.stop(), 60_000);

  const handle = (id: string): WorkflowHandle => pictured.client.workflow.getHandle(id);
  const sensorStatus = (): Promise<SensorStatus> => handle('sensor/default/flood-watch').query('status');
  const sourceStatus = (): Promise<EventSourceStatus> =>
    handle('event-source/default/sentinel2-scenes').query('status');
  const detailsOf = (id: string, what: string): Promise<unknown> =>
    eventually(async () => (await currentDetails(handle(id))).includes(what));
  const states = async (sensor: string, state: string): Promise<readonly string[]> => pictured.runs(sensor, state);

  async function run(text: string): Promise<void> {
    const command = text
      .replaceAll('run/default/flood-watch/…', parked)
      .replaceAll('run/default/water-bodies/…', ended)
      .replaceAll('k3v9x0c1q8ab', eventId);
    const env = { ...process.env, PATH: path, TEMPORAL_ADDRESS: pictured.system.temporal.address };
    printed = (await runFile('bash', ['-c', command], { env })).stdout;
  }

  async function successors(before: readonly string[]): Promise<void> {
    await eventually(async () => {
      const now = await states('water-bodies', 'Succeeded');
      return now.some((id) => id.startsWith(`${ended}~again-`) && !before.includes(id));
    });
  }

  /** By gist, in the order of the page. What is answered is waited for before the next command is typed. */
  const EFFECTS: Readonly<Record<string, (command: DocumentedCommand) => Promise<unknown>>> = {
    'signal pause sensor/default/flood-watch': async ({ text, input }) => {
      await run(text);
      await eventually(async () => (await sensorStatus()).paused !== undefined);
      expect((await sensorStatus()).paused).toMatchObject(JSON.parse(input) as object);
    },
    'signal resume sensor/default/flood-watch': async ({ text }) => {
      await run(text);
      await eventually(async () => (await sensorStatus()).paused === undefined);
    },
    'signal pause event-source/default/sentinel2-scenes': async ({ text, input }) => {
      await run(text);
      await eventually(async () => (await sourceStatus()).paused !== undefined);
      expect((await sourceStatus()).paused).toMatchObject(JSON.parse(input) as object);
    },
    'signal resume event-source/default/sentinel2-scenes': async ({ text }) => {
      await run(text);
      await eventually(async () => (await sourceStatus()).paused === undefined);
    },
    'signal retrigger run/default/flood-watch/…': async ({ text }) => {
      await run(text);
      await detailsOf(parked, 'retriggered by "ada" (unverified): the namespace exists now');
      // It does not exist here: the run is parked again.
      await eventually(async () => {
        const [fire] = await handle(parked).query<readonly FireStatus[]>('fires');
        return fire?.state === 'Parked' && fire.attempts === 2;
      });
    },
    'signal retrigger run/default/flood-watch/… overrides': async ({ text }) => {
      // What the parked run waits for.
      const { url, caPath, adminToken: token } = pictured.system.kubernetes;
      const api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
      await api.expect('POST', '/api/v1/namespaces', { metadata: { name: 'flood-watch' } });
      api.close();
      await run(text);
      expect(await handle(parked).result()).toMatchObject({ state: 'Succeeded' });
      await detailsOf(parked, 'flood-watch/flood-report-');
    },
    'signal discard run/default/flood-watch/…': async ({ text }) => {
      [parked = ''] = await states('flood-watch', 'Parked');
      await run(text);
      expect(await handle(parked).result()).toMatchObject({ state: 'Discarded' });
      await detailsOf(parked, 'discarded by "ada" (unverified): the scene is obsolete');
    },
    'signal discard of a query': async ({ text }) => {
      expect(await states('flood-watch', 'Parked')).not.toEqual([]);
      await run(text);
      await eventually(async () => (await states('flood-watch', 'Parked')).length === 0);
    },
    'signal retrigger sensor/default/water-bodies runId again': async ({ text }) => {
      const before = await states('water-bodies', 'Succeeded');
      await run(text);
      await successors(before);
    },
    'signal retrigger sensor/default/water-bodies eventId trigger again': async ({ text }) => {
      const before = await states('water-bodies', 'Succeeded');
      await run(text);
      await successors(before);
    },
    'update execute retrigger sensor/default/water-bodies runId again': async ({ text }) => {
      await run(text);
      expect(printed).toContain(`${ended}~again-`);
    },
  };

  it('has a query for each search attribute that finds runs', async () => {
    const queries = readDocumentedQueries();
    expect(queries).toHaveLength(5);
    for (const query of queries) {
      await run(`temporal workflow list --query "${query}" -o json`);
      expect(printed).toContain('run/default/');
    }
  }, 60_000);

  it('has only commands whose effect is known here', () => {
    expect(readDocumentedCommands().map(({ gist }) => gist)).toEqual(Object.keys(EFFECTS));
  });

  it.each(readDocumentedCommands())('has a command that does what it says: $gist', async (command) => {
    await EFFECTS[command.gist]?.(command);
  });

  it('promises the details at the terminal too', async () => {
    await run('temporal workflow metadata -w sensor/default/flood-watch');
    for (const word of ['retrigger', 'pause', 'resume', 'Update Definitions', 'weekly-mosaic']) {
      expect(printed).toContain(word);
    }
  }, 30_000);
});
