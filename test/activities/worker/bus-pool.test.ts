import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { BusPool } from '../../../activities/worker/bus-pool';
import type { Bus } from '../../../src/bus/bus';
import { repoRoot } from '../../../dev/repo-root';
import { startNats, type RunningNats } from '../../../dev/servers';
import type { EventBusDefinition } from '../../../src/contract/definitions';
import { connectTestBus } from '../../bus/bus-fixture';
import { eventually } from '../../setup/eventually';

const WANTED = new AbortController().signal;
const LONG_MS = 3_600_000;

describe('the event buses of a worker', () => {
  let nats: RunningNats;
  const opened: Bus[] = [];
  const pools: BusPool[] = [];

  beforeAll(async () => {
    nats = await startNats({ own: true });
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
    opened.splice(0);
  });
  afterAll(() => nats?.stop());

  const definition = (url = nats.url): EventBusDefinition => ({
    namespace: 'argo',
    name: 'default',
    spec: { jetstreamExotic: { url } },
  });

  function openPool(closeUnusedAfterMs: number, ready: Promise<void> = Promise.resolve()): BusPool {
    const pool = new BusPool(
      async () => {
        await ready;
        const bus = await connectTestBus(nats);
        opened.push(bus);
        return bus;
      },
      { closeUnusedAfterMs, temporalNamespace: () => 'default' },
    );
    pools.push(pool);
    return pool;
  }
  const connected = () => opened.map((bus) => bus.isConnected());

  it('let each event on its way listen for the end of its activity, without a warning of Node', () => {
    // In a process of its own: the signals of jest are not those of Node.
    const program = `
      const { BusPool } = require(${JSON.stringify(join(repoRoot, 'dist/activities/worker/bus-pool.js'))});
      const bus = { close: () => Promise.resolve() };
      const pool = new BusPool(() => Promise.resolve(bus), { temporalNamespace: () => 'default' });
      const { signal } = new AbortController();
      const listen = async () => {
        for (let event = 0; event < 20; event += 1) signal.addEventListener('abort', () => undefined);
      };
      pool.use(${JSON.stringify(definition())}, signal, listen).then(() => setImmediate(() => process.exit()));
    `;
    const { status, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are shared by all users of the same definition', async () => {
    const pool = openPool(LONG_MS);
    const same = await pool.use(definition(), WANTED, (first) =>
      pool.use(definition(), WANTED, (second) => Promise.resolve(first === second)),
    );
    expect({ same, connected: connected() }).toEqual({ same: true, connected: [true] });
  });

  it('are closed once their definition has no users, but not before', async () => {
    const pool = openPool(1);
    let finish = (): void => undefined;
    const former = pool.use(definition(), WANTED, () => new Promise<void>((resolve) => (finish = resolve)));
    await eventually(() => opened.length === 1);
    await pool.use(definition(`${nats.url}/changed`), WANTED, () => Promise.resolve());
    await eventually(() => opened[1]?.isConnected() === false);
    expect(connected()).toEqual([true, false]);
    finish();
    await former;
    await eventually(() => opened[0]?.isConnected() === false);
    await pool.use(definition(), WANTED, () => Promise.resolve());
    expect(opened).toHaveLength(3);
  });

  it('are closed if an activity opens them after the worker has ended', async () => {
    const pool = openPool(LONG_MS);
    await pool.close();
    expect(await pool.use(definition(), WANTED, (bus) => Promise.resolve(bus.isConnected()))).toBe(true);
    await eventually(() => opened[0]?.isConnected() === false);
  });

  it('are closed if they open while the worker ends', async () => {
    let open = (): void => undefined;
    const pool = openPool(LONG_MS, new Promise((resolve) => (open = resolve)));
    const using = pool.use(definition(), WANTED, () => Promise.resolve());
    const closing = pool.close();
    open();
    await Promise.all([using, closing]);
    expect(connected()).toEqual([false]);
  });

  it('stop delaying a cancelled activity, and stay open for the others', async () => {
    let open = (): void => undefined;
    const pool = openPool(LONG_MS, new Promise((resolve) => (open = resolve)));
    const cancelled = new AbortController();
    const impatient = pool.use(definition(), cancelled.signal, () => Promise.resolve());
    const patient = pool.use(definition(), WANTED, (bus) => Promise.resolve(bus.isConnected()));
    cancelled.abort(new Error('cancelled'));
    await expect(impatient).rejects.toThrow('cancelled');
    open();
    expect(await patient).toBe(true);
    expect(opened).toHaveLength(1);
  });
});
