/** HTTP triggers, joined triggers, filters, and live events beside a backfill. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { scrape, valueOf } from '../test/metrics/read-metrics';
import type { MeasuredSystem } from './measured-system';
import { percentile } from './percentile';
import { startRequestCounter, type RequestCounter } from './request-counter';
import { CALLS_PATH, DULL_SENSOR, PAIRS_PATH, STREAMS, writeScenarioObjects } from './scenario-objects';

export interface RateResult {
  readonly events: number;
  /** From the first XADD to the last effect. */
  readonly perSecond: number;
}

export interface FilterOutResult extends RateResult {
  /** With all events on the bus before the sensor begins: without the event source. */
  readonly fromBusPerSecond: number;
}

export interface PriorityResult {
  readonly backfill: number;
  readonly liveEvents: number;
  /** From XADD to the object as a watch sees it. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The same without a backfill, just before. */
  readonly alone: { readonly p50Ms: number; readonly p99Ms: number };
  readonly backfillPerSecond: number;
  /** Objects of the backfill that had not been created when the last live event had its own. */
  readonly overtaken: number;
}

const GIVE_UP_AFTER_MS = 300_000;
const LIVE_PER_SECOND = 5;
const LIVE_ALONE = 50;

/** The sensors of all scenarios, and the target of their HTTP triggers. */
export class Scenarios {
  private round = 0;

  private constructor(
    private readonly system: MeasuredSystem,
    private readonly target: RequestCounter,
  ) {}

  static async apply(system: MeasuredSystem): Promise<Scenarios> {
    const target = await startRequestCounter();
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
    try {
      await writeScenarioObjects(folder, target.url);
      await system.sluice.json('apply', '-f', folder, '-n', 'default', '--wait', '60s');
    } finally {
      await rm(folder, { recursive: true });
    }
    return new Scenarios(system, target);
  }

  close(): void {
    this.target.stop();
  }

  async http(events: number): Promise<RateResult> {
    await this.calls(events / 10);
    return { events, perSecond: await this.calls(events) };
  }

  async join(pairs: number): Promise<RateResult> {
    await this.pairs(pairs / 10);
    return { events: 2 * pairs, perSecond: 2 * (await this.pairs(pairs)) };
  }

  async filterOut(events: number): Promise<FilterOutResult> {
    await this.dull(events / 10);
    const perSecond = await this.dull(events);
    const object = ['-n', 'default', '--why', 'benchmark'];
    await this.system.sluice.json('pause', `sensor/${DULL_SENSOR}`, ...object);
    const published = (await this.published()) + events;
    await this.fill(STREAMS.dull, events);
    await this.until('events on the bus', async () => (await this.published()) >= published);
    const before = await this.filtered();
    await this.system.sluice.json('resume', `sensor/${DULL_SENSOR}`, ...object);
    await this.until('the first event', async () => (await this.filtered()) > before);
    const [first, begun] = [await this.filtered(), performance.now()];
    await this.until('filtered events', async () => (await this.filtered()) >= before + events);
    const seconds = (performance.now() - begun) / 1_000;
    return { events, perSecond, fromBusPerSecond: Math.round((before + events - first) / seconds) };
  }

  async priority(backfill: number): Promise<PriorityResult> {
    const sentAt = new Map<string, number>();
    const latencies: number[] = [];
    const tag = `p${(this.round += 1)}`;
    let created = 0;
    const stop = await this.system.watchWorkflows(({ spec }) => {
      const href = spec.arguments.parameters[0]?.value ?? '';
      const sent = sentAt.get(href);
      if (sent !== undefined) latencies.push(performance.now() - sent);
      else if (href.startsWith(`${tag}-backfill`)) created += 1;
    });
    let live = 0;
    const sendLive = async (): Promise<void> => {
      const href = `${tag}-live-${(live += 1)}`;
      sentAt.set(href, performance.now());
      await this.system.addAll(STREAMS.live, [{ href }]);
      await pause(1_000 / LIVE_PER_SECOND);
    };
    const allSeen = (): Promise<void> => this.until('live events', () => latencies.length >= live);
    try {
      while (live < LIVE_ALONE) await sendLive();
      await allSeen();
      const alone = percentiles(latencies.splice(0));
      live = 0;
      sentAt.clear();
      const begun = performance.now();
      const entries = Array.from({ length: backfill }, (_, index) => ({ href: `${tag}-backfill-${index}` }));
      await this.system.addAll(STREAMS.backfill, entries);
      await this.until('the backfill to begin', () => created > 0);
      // As long as all live events can overtake a part of it.
      while (created < backfill * 0.9) await sendLive();
      await allSeen();
      const overtaken = backfill - created;
      const found = { ...percentiles(latencies), liveEvents: latencies.length };
      await this.until('the backfill', () => created >= backfill);
      const backfillPerSecond = Math.round(backfill / ((performance.now() - begun) / 1_000));
      return { backfill, ...found, alone, backfillPerSecond, overtaken };
    } finally {
      stop();
    }
  }

  private async calls(events: number): Promise<number> {
    const wanted = this.target.count(CALLS_PATH) + events;
    return await this.rate(events, () => this.fill(STREAMS.call, events), [CALLS_PATH, wanted]);
  }

  private async pairs(pairs: number): Promise<number> {
    const wanted = this.target.count(PAIRS_PATH) + pairs;
    const fill = async (): Promise<void> => {
      const tag = `r${(this.round += 1)}`;
      const halves = Array.from({ length: pairs }, (_, index) => ({
        pair: `${tag}-${index}`,
        href: `${tag}-${index}`,
      }));
      await Promise.all([STREAMS.left, STREAMS.right].map((stream) => this.system.addAll(stream, halves)));
    };
    return await this.rate(pairs, fill, [PAIRS_PATH, wanted]);
  }

  private async dull(events: number): Promise<number> {
    const wanted = (await this.filtered()) + events;
    const begun = performance.now();
    await this.fill(STREAMS.dull, events);
    await this.until('filtered events', async () => (await this.filtered()) >= wanted);
    return Math.round(events / ((performance.now() - begun) / 1_000));
  }

  private async rate(count: number, fill: () => Promise<void>, [path, wanted]: [string, number]): Promise<number> {
    const begun = performance.now();
    await fill();
    await this.until(`requests to ${path}`, () => this.target.count(path) >= wanted);
    return Math.round(count / ((performance.now() - begun) / 1_000));
  }

  private async fill(stream: string, events: number): Promise<void> {
    const tag = `r${(this.round += 1)}`;
    const entries = Array.from({ length: events }, (_, index) => ({ kind: 'dull', href: `${tag}-${index}` }));
    await this.system.addAll(stream, entries);
  }

  private async filtered(): Promise<number> {
    const labels = { sensor_name: DULL_SENSOR, decision: 'filtered' };
    return valueOf(await scrape(this.system.metricsUrl), 'sluice_decisions_total', labels) ?? 0;
  }

  /** Not the lag of the sensor: that of a paused one is measured once a minute. */
  private async published(): Promise<number> {
    return valueOf(await scrape(this.system.metricsUrl), 'argo_events_events_sent_total', { event_name: 'dull' }) ?? 0;
  }

  private async until(what: string, isReached: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
    while (!(await isReached())) {
      if (performance.now() > giveUpAt) throw new Error(`waited ${GIVE_UP_AFTER_MS / 1_000} s for ${what}`);
      await pause(20);
    }
  }
}

function percentiles(latencies: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = [...latencies].sort((a, b) => a - b);
  return { p50Ms: percentile(sorted, 50), p99Ms: percentile(sorted, 99) };
}
