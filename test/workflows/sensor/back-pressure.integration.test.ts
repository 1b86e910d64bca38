/** A backlog for a trigger that is limited: the bus keeps what cannot be started yet. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from '@temporalio/worker';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { eventually } from '../../setup/eventually';
import { openWorld, workflowBundle, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';
import { currentDetails } from '../what-people-see';

const LIMIT = 10;
const EVENTS = 700;

describe('a sensor with a concurrency limit and a backlog', () => {
  let world: SluiceWorld;
  let stage: Stage;
  let receiver: GatedReceiver;

  beforeAll(async () => {
    [world, receiver] = await Promise.all([openWorld(), startGatedReceiver()]);
  });
  afterAll(async () => {
    await world.close();
    await receiver.close();
  });

  it('holds back, shows it, and fires all events within the limit without parking any', async () => {
    stage = new Stage(world);
    await stage.apply({
      annotations: { 'sluice.io/concurrency': `${LIMIT}` },
      triggers: [trigger()],
    });
    await publish(
      world,
      Array.from({ length: EVENTS }, (_, index) => stage.event('a', `${index}`)),
    );
    const { holdingBack } = await eventually(async () => {
      const status = await stage.status();
      return status.holdingBack && (status.lag ?? 0) > 0 ? status : undefined;
    });
    expect(holdingBack?.waiting).toBeGreaterThanOrEqual(500);
    expect(await currentDetails(stage.handle)).toContain('**Holding back**');
    receiver.open();
    await eventually(() => receiver.names().length >= EVENTS, { timeoutMs: 300_000 });
    expect(new Set(receiver.names()).size).toBe(EVENTS);
    expect(receiver.names()).toHaveLength(EVENTS);
    expect(receiver.mostAtOnce()).toBeLessThanOrEqual(LIMIT);
    await eventually(async () => (await stage.status()).holdingBack === undefined);
    expect(await stage.runIds('Parked')).toEqual([]);
    // Queries and signals come in the midst of everything here: what a worker does anew must be what was done.
    const history = await stage.handle.fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
    await stage.remove();
  }, 480_000);

  function trigger() {
    const payload = [{ src: { dependencyName: 'a', dataKey: 'name', useRawData: true }, dest: 'name' }];
    return { template: { name: 't', http: { url: receiver.url, method: 'POST', payload } } };
  }
});

interface GatedReceiver {
  readonly url: string;
  /** Answers what waits, and from now on everything at once. */
  open(): void;
  names(): readonly string[];
  mostAtOnce(): number;
  close(): Promise<void>;
}

async function startGatedReceiver(): Promise<GatedReceiver> {
  const names: string[] = [];
  const waiting: Array<() => void> = [];
  let isOpen = false;
  let underWay = 0;
  let most = 0;
  const server: Server = createServer((request, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      names.push((JSON.parse(Buffer.concat(parts).toString()) as { name: string }).name);
      const answer = (): void => {
        underWay -= 1;
        response.end();
      };
      if (isOpen) answer();
      else waiting.push(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open() {
      isOpen = true;
      for (const answer of waiting.splice(0)) answer();
    },
    names: () => names,
    mostAtOnce: () => most,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function publish(world: SluiceWorld, events: readonly CloudEvent[]): Promise<void> {
  const outcomes = await world.bus.publishEvents(events);
  expect(outcomes.filter(({ kind }) => kind !== 'published')).toEqual([]);
}
