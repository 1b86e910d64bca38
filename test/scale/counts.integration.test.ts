import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startMeasuredSystem, type MeasuredSystem } from '../../bench/measured-system';
import { requestsBetween } from '../../bench/sensors';
import { sensorName, streamOf, writeSmallObjects } from '../../bench/small-objects';
import { parseSamples, scrape, valueOf, type Sample } from '../metrics/read-metrics';
import { eventually } from '../setup/eventually';

const FEW = 1;
const MANY = 200;
/** Each sensor has a listener and a watch of outcomes, each event source a reader, and each task queue a lease. */
const activitiesOf = (pairs: number): number => 3 * pairs + 2;
const EVENTS = 5;
/** Requests that an event causes, and reports of a listener, which follow events. Others go on without any. */
const CAUSED_BY_EVENTS = /^(start|signal|respond)/i;

interface Counts {
  readonly activities: number;
  readonly watches: number;
  readonly requestsPerEvent: number;
}

/** Counts, which the load of a machine does not change. */
describe('what sensors, each with an event source, cost', () => {
  const closing: Array<() => Promise<unknown>> = [];
  let system: MeasuredSystem;
  let connection: Connection;
  let few: Counts;
  let many: Counts;

  beforeAll(async () => {
    system = await startMeasuredSystem({ isEmpty: true, settings: { SLUICE_MAX_CACHED_WORKFLOWS: '700' } });
    closing.push(() => system.stop());
    connection = await Connection.connect({ address: system.environment.TEMPORAL_ADDRESS ?? '' });
    closing.push(() => connection.close());
    few = await countWith(FEW);
    many = await countWith(MANY);
  }, 900_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  }, 60_000);

  it('is three activities that never end for each pair', () => {
    expect([few.activities, many.activities]).toEqual([activitiesOf(FEW), activitiesOf(MANY)]);
  });

  it('is one watch of Workflows for all of a namespace', () => {
    expect([few.watches, many.watches]).toEqual([1, 1]);
  });

  it('is the same few requests to Temporal for an event, however many sensors there are', () => {
    expect(few.requestsPerEvent).toBeLessThanOrEqual(4);
    expect(many.requestsPerEvent).toBeLessThanOrEqual(few.requestsPerEvent + 2);
  });

  async function countWith(pairs: number): Promise<Counts> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-counts-'));
    try {
      await writeSmallObjects(folder, { sensors: pairs, eventSources: pairs });
      await system.sluice.jsonWhatever('apply', '-f', folder, '-n', 'default');
    } finally {
      await rm(folder, { recursive: true });
    }
    await untilAtRest(pairs);
    return {
      activities: await countActivities(),
      watches: await countWatches(),
      requestsPerEvent: await requestsPerEvent(),
    };
  }

  async function untilAtRest(pairs: number): Promise<void> {
    await eventually(
      async () => {
        const samples = await look();
        const connected = ['sluice_sensor_connected', 'sluice_source_connected'].map((name) => valueOf(samples, name));
        return connected.every((count) => count === pairs);
      },
      { timeoutMs: 300_000 },
    );
    await untilUnchanged(async () => caused(await look()));
  }

  const look = (): Promise<Sample[]> => scrape(system.metricsUrl);

  async function countActivities(): Promise<number> {
    const client = new Client({ connection });
    let count = 0;
    for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      count += raw.pendingActivities?.length ?? 0;
    }
    return count;
  }

  async function countWatches(): Promise<number> {
    const labels = { verb: 'WATCH', resource: 'workflows' };
    return valueOf(parseSamples(await system.apiServerMetrics()), 'apiserver_longrunning_requests', labels) ?? 0;
  }

  async function requestsPerEvent(): Promise<number> {
    const created = await system.countWorkflows();
    const before = caused(await look());
    for (let event = 1; event <= EVENTS; event += 1) {
      await system.add(streamOf(0), { sensor: sensorName(0), href: `scene-${event}` });
      await eventually(async () => (await system.countWorkflows()) === created + event);
    }
    return ((await untilUnchanged(async () => caused(await look()))) - before) / EVENTS;
  }
});

function caused(samples: readonly Sample[]): number {
  return requestsBetween([], samples)
    .filter(([operation]) => CAUSED_BY_EVENTS.test(operation))
    .reduce((sum, [, count]) => sum + count, 0);
}

/** Resolves to the number once it has been the same for three seconds. */
async function untilUnchanged(read: () => Promise<number>): Promise<number> {
  let last = Number.NaN;
  let since = Date.now();
  return await eventually(
    async () => {
      const now = await read();
      if (now !== last) [last, since] = [now, Date.now()];
      return Date.now() - since > 3_000 ? { now } : undefined;
    },
    { timeoutMs: 120_000 },
  ).then(({ now }) => now);
}
