import { Client, Connection } from '@temporalio/client';
import { randomBytes } from 'node:crypto';
import { startTemporal, type RunningTemporal } from '../../dev/servers';
import { SENSOR_ATTRIBUTE, STATE_ATTRIBUTE } from '../../src/contract/search-attributes';
import { eventually } from '../setup/eventually';
import { jsonOf, runSluice } from './run-cli-for-test';

/** More than are asked at once, so that some are reached after the others went unanswered. */
const COUNT = 24;

describe('sluice runs list, with no worker', () => {
  const sensor = `test/silent-${randomBytes(4).toString('hex')}`;
  let temporal: RunningTemporal;
  let connection: Connection;

  beforeAll(async () => {
    temporal = await startTemporal();
    connection = await Connection.connect({ address: temporal.address });
  });
  afterAll(async () => {
    await connection?.close();
    await temporal?.stop();
  });

  it('explains for every parked run why its reason is missing', async () => {
    const { workflow } = new Client({ connection });
    const handles = await Promise.all(
      Array.from({ length: COUNT }, (_, index) =>
        workflow.start('sensorRun', {
          workflowId: `run/${sensor}/${index}`,
          taskQueue: `silent-${sensor}`,
          typedSearchAttributes: [
            { key: SENSOR_ATTRIBUTE, value: sensor },
            { key: STATE_ATTRIBUTE, value: 'Parked' },
          ],
        }),
      ),
    );
    const reasons = await eventually(
      async () => {
        const env = { TEMPORAL_ADDRESS: temporal.address };
        const run = await runSluice(['runs', 'list', '--sensor', sensor, '-o', 'json'], { env });
        const { runs } = jsonOf<{ runs: ReadonlyArray<{ reason?: string }> }>(run);
        return runs.length === COUNT && runs.map(({ reason }) => reason);
      },
      { timeoutMs: 60_000 },
    );
    const kinds = new Set(reasons.map((reason) => reason?.replace(/\d+/g, 'N')));
    expect([...kinds].sort()).toEqual([
      'no worker answered within N s',
      'not queried: no worker answered for N other runs of this sensor',
    ]);
    await Promise.all(handles.map((handle) => handle.terminate()));
  }, 90_000);
});
