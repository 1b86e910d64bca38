/** Many small sensors and event sources on one worker: how soon all are ready, what they cost at rest, one event. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { scrape, valueOf, type Sample } from '../test/metrics/read-metrics';
import type { MeasuredSystem } from './measured-system';
import { percentile } from './percentile';
import { cpuSeconds, residentMb } from './process-usage';
import { sensorName, streamOf, writeSmallObjects, type SmallObjects } from './small-objects';

export interface SensorsResult extends SmallObjects {
  /** From the command `apply` until its return, and until every object is seen to be Ready. */
  readonly applySeconds: number;
  readonly readySeconds: number;
  /** One `sluice list` of them all. */
  readonly listSeconds: number;
  /** In percent of one core. */
  readonly temporalCpuPercent: number;
  readonly workerCpuPercent: number;
  readonly workerMb: number;
  readonly requestsPerMinute: number;
  /** The most frequent requests to Temporal, per minute. */
  readonly requests: Readonly<Record<string, number>>;
  /** From XADD to the object as a watch sees it. */
  readonly p50Ms: number;
  /** Load of the machine over the last minute of rest; the figures of a busy machine are higher. */
  readonly load: number;
}

const READY_WITHIN_MS = 600_000;
const SETTLE_MS = 20_000;
const REST_MS = 60_000;
const EVENTS = 60;
const EVENTS_PER_SECOND = 5;
const MOST_FREQUENT = 8;

export async function measureSensors(
  system: MeasuredSystem,
  objects: SmallObjects,
  say: (text: string) => void,
): Promise<SensorsResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    await writeSmallObjects(folder, objects);
    say(`applying ${objects.sensors} sensors and ${objects.eventSources} event sources …`);
    const begun = performance.now();
    await system.sluice.jsonWhatever('apply', '-f', folder, '-n', 'default');
    const applySeconds = secondsSince(begun);
    say(`applied after ${applySeconds} s; until all are Ready …`);
    await untilConnected(system, objects, begun, say);
    const { readySeconds, listSeconds } = await untilReady(system, objects, begun, say);
    say(`Ready after ${readySeconds} s; at rest for ${REST_MS / 1_000} s …`);
    await pause(SETTLE_MS);
    const rest = await measureRest(system);
    say('single events …');
    const p50Ms = await measureEvents(system, objects);
    return { ...objects, applySeconds, readySeconds, listSeconds, ...rest, p50Ms };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** By the worker's own metrics, which cost Temporal nothing. */
async function untilConnected(
  { metricsUrl }: MeasuredSystem,
  { sensors, eventSources }: SmallObjects,
  begun: number,
  say: (text: string) => void,
): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const samples = await scrape(metricsUrl);
    const listening = countOnes(samples, 'sluice_sensor_connected');
    const reading = countOnes(samples, 'sluice_source_connected');
    if (listening >= sensors && reading >= eventSources) return;
    if (looks % 20 === 0) say(`  ${listening} listen, ${reading} read after ${secondsSince(begun)} s`);
    if (performance.now() - begun > READY_WITHIN_MS) return;
    await pause(500);
  }
}

async function untilReady(
  { sluice }: MeasuredSystem,
  { sensors, eventSources }: SmallObjects,
  begun: number,
  say: (text: string) => void,
): Promise<Pick<SensorsResult, 'readySeconds' | 'listSeconds'>> {
  for (;;) {
    const asked = performance.now();
    const listed = (await sluice.jsonWhatever('list')) as { objects: Array<{ state: string; reason?: string }> };
    const ready = listed.objects.filter(({ state }) => state === 'Ready').length;
    // The bus is one more.
    const wanted = sensors + eventSources + 1;
    if (ready >= wanted) return { readySeconds: secondsSince(begun), listSeconds: secondsSince(asked) };
    const other = listed.objects.find(({ state }) => state !== 'Ready');
    say(`  ${ready} of ${wanted} are Ready after ${secondsSince(begun)} s; one is ${other?.state}: ${other?.reason}`);
    if (performance.now() - begun > READY_WITHIN_MS) throw new Error('not all became Ready');
  }
}

async function measureRest({ workerPid, temporalPid, metricsUrl }: MeasuredSystem) {
  const pids = [temporalPid, workerPid];
  const look = async () => ({
    at: performance.now(),
    cpu: await Promise.all(pids.map((pid) => cpuSeconds(pid))),
    samples: await scrape(metricsUrl),
  });
  const first = await look();
  await pause(REST_MS);
  const last = await look();
  const seconds = (last.at - first.at) / 1_000;
  const [temporal = 0, worker = 0] = pids.map((_, index) => (last.cpu[index] ?? 0) - (first.cpu[index] ?? 0));
  const requests = requestsBetween(first.samples, last.samples).map(([operation, count]): [string, number] => [
    operation,
    Math.round((count * 60) / seconds),
  ]);
  return {
    temporalCpuPercent: rounded((100 * temporal) / seconds),
    workerCpuPercent: rounded((100 * worker) / seconds),
    workerMb: await residentMb(workerPid),
    requestsPerMinute: requests.reduce((sum, [, count]) => sum + count, 0),
    requests: Object.fromEntries(requests.slice(0, MOST_FREQUENT)),
    load: rounded(loadavg()[0] ?? Number.NaN),
  };
}

/** Requests to Temporal by operation, the most frequent first. */
export function requestsBetween(first: readonly Sample[], last: readonly Sample[]): Array<[string, number]> {
  const operations = new Set(last.flatMap(({ labels: { operation } }) => operation ?? []));
  const names = ['temporal_request', 'temporal_long_request', 'temporal_request_total', 'temporal_long_request_total'];
  const countOf = (samples: readonly Sample[], operation: string): number =>
    names.reduce((sum, name) => sum + (valueOf(samples, name, { operation }) ?? 0), 0);
  return [...operations]
    .map((operation): [string, number] => [operation, countOf(last, operation) - countOf(first, operation)])
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
}

async function measureEvents(system: MeasuredSystem, { sensors, eventSources }: SmallObjects): Promise<number> {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const stop = await system.watchWorkflows(({ spec }) => {
    const sent = sentAt.get(spec.arguments.parameters[0]?.value ?? '');
    if (sent !== undefined) latencies.push(performance.now() - sent);
  });
  try {
    for (let index = 0; index < EVENTS; index += 1) {
      const sensor = (index * 7) % sensors;
      const href = `scene-${index}`;
      sentAt.set(href, performance.now());
      await system.add(streamOf(sensor % eventSources), { sensor: sensorName(sensor), href });
      await pause(1_000 / EVENTS_PER_SECOND);
    }
    for (let waited = 0; latencies.length < EVENTS && waited < 10_000; waited += 50) await pause(50);
  } finally {
    stop();
  }
  if (latencies.length < EVENTS) throw new Error(`only ${latencies.length} of ${EVENTS} events were seen`);
  return percentile(
    latencies.sort((a, b) => a - b),
    50,
  );
}

function countOnes(samples: readonly Sample[], metric: string): number {
  return samples.filter(({ name, value }) => name === metric && value === 1).length;
}

function secondsSince(begun: number): number {
  return rounded((performance.now() - begun) / 1_000);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
