/** What a scene costs those who pay for it: counts, which no machine and no load changes. */
import { setTimeout as pause } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import { Client, Connection } from '@temporalio/client';
import { parseSamples, scrape, type Sample } from '../test/metrics/read-metrics';
import type { MeasuredSystem } from './measured-system';

export interface SceneCost {
  readonly events: number;
  /** For each event: actions as Temporal Cloud bills them, counted by the server's own metric. */
  readonly actions: number;
  readonly actionsByKind: Readonly<Record<string, number>>;
  readonly historyEvents: number;
  readonly historyBytes: number;
  readonly busMessages: number;
  readonly busBytes: number;
  /** Requests for Workflows at the API server by verb, those of the controller that ends them excluded. */
  readonly apiRequests: Readonly<Record<string, number>>;
}

export interface SceneResult {
  /** Each scene after the one before has ended. */
  readonly trickle: SceneCost;
  /** All scenes at once. */
  readonly storm: SceneCost;
  /** Actions in an hour without any event, of one sensor and one event source. */
  readonly actionsAtRestPerHour: number;
}

const REST_MS = 60_000;
const GIVE_UP_AFTER_MS = 120_000;
/** Metrics of Temporal and reports of the sensor follow a little later. */
const SETTLE_MS = 5_000;
const RUNS = 'WorkflowType = "sensorRun"';
/** What a listener and a watch of outcomes ask of the API server; the stand-in of Argo's controller patches. */
const VERBS = ['POST', 'GET', 'LIST'];

export async function measureScene(
  system: MeasuredSystem,
  { trickle, storm }: { readonly trickle: number; readonly storm: number },
  say: (text: string) => void,
): Promise<SceneResult> {
  const connection = await Connection.connect({ address: system.environment.TEMPORAL_ADDRESS ?? '' });
  const nats = await connectNats({ servers: system.environment.SLUICE_BUS_URL ?? '' });
  try {
    const books = new Books(system, new Client({ connection }), async () => {
      const totals = { messages: 0, bytes: 0 };
      for await (const { state } of (await jetstreamManager(nats)).streams.list()) {
        totals.messages += state.messages;
        totals.bytes += state.bytes;
      }
      return totals;
    });
    await books.carry(1, 'warm');
    say('a minute without events …');
    const restPerMs = await books.actionsAtRest();
    say(`${trickle} scenes, one after the other …`);
    const single = await books.costOf(trickle, restPerMs, async () => {
      for (let scene = 0; scene < trickle; scene += 1) await books.carry(1, `t${scene}`);
    });
    say(`${storm} scenes at once …`);
    const together = await books.costOf(storm, restPerMs, () => books.carry(storm, 's'));
    return { trickle: single, storm: together, actionsAtRestPerHour: Math.round(restPerMs * 3_600_000) };
  } finally {
    await nats.close();
    await connection.close();
  }
}

interface Reading {
  readonly at: number;
  readonly actions: ReadonlyMap<string, number>;
  readonly bus: { readonly messages: number; readonly bytes: number };
  readonly api: ReadonlyMap<string, number>;
}

class Books {
  private carried = 0;

  constructor(
    private readonly system: MeasuredSystem,
    private readonly client: Client,
    private readonly readBus: () => Promise<Reading['bus']>,
  ) {}

  /** Publishes scenes, and waits until the runs of all know how their Workflows ended. */
  async carry(scenes: number, tag: string): Promise<void> {
    this.carried += scenes;
    await this.system.publish(scenes, tag);
    const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
    while ((await this.firesEnded()) < this.carried) {
      if (performance.now() > giveUpAt) throw new Error(`not all of ${this.carried} scenes ended`);
      await pause(100);
    }
  }

  async actionsAtRest(): Promise<number> {
    await pause(SETTLE_MS);
    const first = await this.read();
    await pause(REST_MS);
    const last = await this.read();
    return sum(between(first.actions, last.actions)) / (last.at - first.at);
  }

  async costOf(events: number, restPerMs: number, work: () => Promise<void>): Promise<SceneCost> {
    await pause(SETTLE_MS);
    const since = new Date().toISOString();
    const first = await this.read();
    await work();
    await pause(SETTLE_MS);
    const last = await this.read();
    const each = (count: number): number => Math.round((count / events) * 100) / 100;
    const perEvent = (counts: ReadonlyMap<string, number>): Record<string, number> =>
      Object.fromEntries([...counts].map(([kind, count]) => [kind, each(count)]));
    const actions = between(first.actions, last.actions);
    const history = await this.history(since);
    return {
      events,
      actions: each(sum(actions) - restPerMs * (last.at - first.at)),
      actionsByKind: perEvent(actions),
      historyEvents: each(history.events),
      historyBytes: Math.round(history.bytes / events),
      busMessages: each(last.bus.messages - first.bus.messages),
      busBytes: Math.round((last.bus.bytes - first.bus.bytes) / events),
      apiRequests: perEvent(between(first.api, last.api)),
    };
  }

  private async read(): Promise<Reading> {
    const temporal = await scrape(this.system.temporalMetricsUrl);
    const api = parseSamples(await this.system.apiServerMetrics());
    return {
      at: performance.now(),
      actions: totals(
        temporal.filter(({ name, labels }) => name === 'action' && labels.namespace === 'default'),
        'action_type',
      ),
      bus: await this.readBus(),
      api: totals(
        api.filter(
          ({ name, labels }) =>
            name === 'apiserver_request_total' && labels.resource === 'workflows' && VERBS.includes(labels.verb ?? ''),
        ),
        'verb',
      ),
    };
  }

  /** The runs' results: how many fires have ended. */
  private async firesEnded(): Promise<number> {
    let fires = 0;
    for await (const { searchAttributes } of this.client.workflow.list({
      query: `${RUNS} AND ExecutionStatus = "Completed"`,
    })) {
      fires += searchAttributes.SluiceEventIds?.length ?? 0;
    }
    return fires;
  }

  private async history(since: string): Promise<{ readonly events: number; readonly bytes: number }> {
    const counted = { events: 0, bytes: 0 };
    for await (const run of this.client.workflow.list({ query: `${RUNS} AND StartTime >= "${since}"` })) {
      counted.events += run.historyLength;
      counted.bytes += run.historySize ?? 0;
    }
    return counted;
  }
}

function totals(samples: readonly Sample[], label: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { labels, value } of samples) {
    const kind = labels[label] ?? '';
    counts.set(kind, (counts.get(kind) ?? 0) + value);
  }
  return counts;
}

function between(first: ReadonlyMap<string, number>, last: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const counts = [...last].map(([kind, count]): [string, number] => [kind, count - (first.get(kind) ?? 0)]);
  return new Map(counts.filter(([, count]) => count > 0));
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
