import { Client, Connection } from '@temporalio/client';
import Redis from 'ioredis';
import { eventually } from '../setup/eventually';
import { startClusterOfOne, type ClusterOfOne } from './cluster-of-one';
import { jsonOf } from './run-cli-for-test';

interface ListAnswer {
  readonly objects: ReadonlyArray<{ readonly name: string; readonly state: string; readonly reason?: string }>;
}
interface StatusAnswer {
  readonly state: string;
  readonly problems: readonly string[];
  readonly counts?: { readonly fired: number };
  readonly end?: { readonly how: string; readonly by?: string; readonly reason?: string };
}

describe('the state of applied objects', () => {
  let cluster: ClusterOfOne;
  let redis: Redis;
  let connection: Connection;
  let client: Client;
  beforeAll(async () => {
    cluster = await startClusterOfOne();
    redis = new Redis(cluster.redis.url);
    connection = await Connection.connect({ address: cluster.environment['TEMPORAL_ADDRESS'] });
    client = new Client({ connection, identity: 'ada@test' });
    await cluster.startWorkers();
  });
  afterAll(async () => {
    redis?.disconnect();
    await connection?.close();
    await cluster?.stop();
  });

  const source = (
    name: string,
    address = `${cluster.redis.host}:${cluster.redis.port}`,
  ) => `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: ${name} }
spec:
  redisStream:
    items: { hostAddress: '${address}', consumerGroup: g, streams: [${name}] }
`;
  const sensor = (name: string, ...sources: readonly string[]) => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: ${name} }
spec:
  dependencies:
${sources.map((each) => `    - { name: ${each}, eventSourceName: ${each}, eventName: items }`).join('\n')}
  triggers: [{ template: { name: note, conditions: '${sources.join(' || ')}', log: {} } }]
`;
  const status = async (address: string) => {
    const run = await cluster.sluice(['status', address, '-o', 'json']);
    return { exitCode: run.exitCode, ...jsonOf<StatusAnswer>(run) };
  };
  const list = async () => {
    const run = await cluster.sluice(['list', '-n', cluster.namespace.name, '-o', 'json']);
    return { exitCode: run.exitCode, ...jsonOf<ListAnswer>(run) };
  };
  const stateInList = async (name: string) => (await list()).objects.find((object) => object.name === name)?.state;
  const workflowOf = (kind: string, name: string) =>
    client.workflow.getHandle(`${kind}/${cluster.namespace.name}/${name}`);

  it('loses no backlog if a source and a sensor are applied together, in any order', async () => {
    for (let item = 0; item < 10; item += 1) await redis.xadd('first', '*', 'item', item);
    const file = await cluster.manifest(
      'together.yaml',
      source('first'),
      sensor('scenes', 'first'),
      cluster.busDocument,
    );
    expect((await cluster.sluice(['apply', '-f', file, '--wait', '60s'])).exitCode).toBe(0);
    await eventually(async () => (await status('sensor/scenes')).counts?.fired === 10);
  });

  it('loses no backlog of a new source that an existing sensor depends on', async () => {
    for (let item = 0; item < 10; item += 1) await redis.xadd('second', '*', 'item', item);
    const file = await cluster.manifest('more.yaml', source('second'), sensor('scenes', 'first', 'second'));
    expect((await cluster.sluice(['apply', '-f', file, '--wait', '60s'])).exitCode).toBe(0);
    await eventually(async () => (await status('sensor/scenes')).counts?.fired === 20);
    expect(await list()).toMatchObject({ exitCode: 0 });
  });

  it('is not ready if the source cannot reach its server', async () => {
    const file = await cluster.manifest('away.yaml', source('away', '127.0.0.1:1'));
    const run = await cluster.sluice(['apply', '-f', file, '--wait', '2s', '-o', 'json']);
    expect(run.exitCode).toBe(1);
    const [applied] = jsonOf<ListAnswer>(run).objects;
    expect(['Connecting', 'NotReady']).toContain(applied?.state);
    const described = await status('source/away');
    expect({ exitCode: described.exitCode, problems: described.problems.length }).toEqual({ exitCode: 1, problems: 1 });
    expect((await list()).exitCode).toBe(1);
    expect((await cluster.sluice(['status', 'source/away'])).stdout).toMatch(
      /items +redisStream +(Connecting|NotReady)/,
    );
    expect((await cluster.sluice(['delete', 'source/away'])).exitCode).toBe(0);
    expect(await stateInList('away')).toBeUndefined();
  });

  it('of a sensor that was terminated is gone until it is applied again or deleted', async () => {
    const file = await cluster.manifest('doomed.yaml', sensor('doomed', 'first'));
    expect((await cluster.sluice(['apply', '-f', file, '--wait', '60s'])).exitCode).toBe(0);
    await workflowOf('sensor', 'doomed').terminate('clean-up');
    const described = await status('sensor/doomed');
    expect(described).toMatchObject({
      exitCode: 1,
      state: 'Gone',
      end: { how: 'Terminated', by: 'ada@test', reason: 'clean-up' },
    });
    const { exitCode, stdout } = await cluster.sluice(['status', 'sensor/doomed']);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(
        /Terminated by "ada@test" \(unverified\) at .*\(clean-up\); apply it again/,
      ) as string,
    });
    await eventually(async () => (await stateInList('doomed')) === 'Gone');
    const pause = await cluster.sluice(['pause', 'sensor/doomed', '--why', 'x']);
    expect(pause).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/no longer exists: Terminated by "ada@test" \(unverified\)/) as string,
    });
    const replay = await cluster.sluice(['replay', '--sensor', 'doomed', '--seq', '1..2', '--why', 'x', '--dry-run']);
    expect(replay.stderr).toMatch(/no longer exists: Terminated by "ada@test" \(unverified\)/);
    expect((await cluster.sluice(['apply', '-f', file, '--wait', '60s'])).exitCode).toBe(0);
    expect(await stateInList('doomed')).toBe('Ready');
    await workflowOf('sensor', 'doomed').terminate('clean-up');
    await redis.xadd('first', '*', 'item', 'between');
    expect(await cluster.sluice(['delete', 'sensor/doomed'])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/doomed stays on the bus: applied again .* it continues there/) as string,
    });
    await eventually(async () => (await stateInList('doomed')) === undefined);
    expect((await cluster.sluice(['apply', '-f', file, '--wait', '60s'])).exitCode).toBe(0);
    // By the listener that had not noticed yet that its sensor was gone, or by the one that continued.
    await eventually(async () => {
      const found = await cluster.sluice(['runs', 'list', '--sensor', 'doomed', '-o', 'json']);
      return jsonOf<{ readonly runs: readonly unknown[] }>(found).runs.length === 1;
    });
    const deleted = await cluster.sluice(['delete', 'sensor/doomed', '-o', 'json']);
    expect(jsonOf(deleted)).toMatchObject({ objects: [{ action: 'deleted', keepsPosition: false }] });
    expect(deleted.stderr).toMatch(/doomed had not handled or held for a partner.*will not fire/);
  });

  it('of deleted objects is empty, even if no worker handled the deletion', async () => {
    const file = await cluster.manifest('brief.yaml', sensor('brief', 'first'));
    for (const options of [[], ['--force']]) {
      expect((await cluster.sluice(['apply', '-f', file])).exitCode).toBe(0);
      expect((await cluster.sluice(['delete', 'sensor/brief', ...options])).exitCode).toBe(0);
      expect(await stateInList('brief')).toBeUndefined();
      expect((await cluster.sluice(['status', 'sensor/brief'])).stderr).toMatch(/is not applied.*\[OBJECT_UNKNOWN\]/s);
    }
  });

  it('is no longer ready once the workers are killed', async () => {
    expect((await list()).objects.map(({ state }) => state)).toEqual(['Ready', 'Ready', 'Ready', 'Ready']);
    await cluster.killWorkers();
    await eventually(
      async () => {
        const states = (await list()).objects.filter(({ name }) => name !== 'default').map(({ state }) => state);
        return states.length === 3 && !states.includes('Ready');
      },
      { timeoutMs: 90_000 },
    );
    await cluster.startWorkers();
    await eventually(async () => (await list()).exitCode === 0, { timeoutMs: 90_000 });
  });
});
