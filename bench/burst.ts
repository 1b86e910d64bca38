/** The rate at which a burst of stream entries becomes Workflow objects, beside plain POSTs of the same objects. */
import { setTimeout as pause } from 'node:timers/promises';
import { CONCURRENCY, type MeasuredSystem } from './measured-system';

export interface BurstResult {
  readonly events: number;
  readonly perSecond: number;
  /** Keep-alive HTTPS POSTs of the same objects by one process, concurrency 32, in the same run. */
  readonly rawPostsPerSecond: number;
  readonly ratio: number;
}

const GIVE_UP_AFTER_MS = 120_000;

/** Rounds alternate, so that a machine that slows down slows both; the median round by ratio counts. */
export async function measureBurst(system: MeasuredSystem, events: number, rounds: number): Promise<BurstResult> {
  await runBurst(system, 300, 'warm');
  await postRaw(system, 300, 'warm');
  const results: BurstResult[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const rawPostsPerSecond = await postRaw(system, events, `r${round}`);
    const perSecond = await runBurst(system, events, `b${round}`);
    results.push({ events, perSecond, rawPostsPerSecond, ratio: perSecond / rawPostsPerSecond });
  }
  const sorted = results.sort((a, b) => a.ratio - b.ratio);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) throw new Error('no round was measured');
  return {
    events,
    perSecond: Math.round(median.perSecond),
    rawPostsPerSecond: Math.round(median.rawPostsPerSecond),
    ratio: Math.round(median.ratio * 1_000) / 1_000,
  };
}

/** From the first XADD to the last object in the API server; per second. */
export async function runBurst(system: MeasuredSystem, events: number, tag: string): Promise<number> {
  const before = await system.countWorkflows();
  const begun = performance.now();
  await system.publish(events, tag);
  for (;;) {
    const created = (await system.countWorkflows()) - before;
    const elapsed = performance.now() - begun;
    if (created >= events) return events / (elapsed / 1_000);
    if (elapsed > GIVE_UP_AFTER_MS) throw new Error(`only ${created} of ${events} Workflows after ${elapsed} ms`);
    await pause(10);
  }
}

async function postRaw(system: MeasuredSystem, count: number, tag: string): Promise<number> {
  const { apiVersion, kind, metadata, spec } = await system.firstWorkflow();
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _time,
    generation: _generation,
    managedFields: _fields,
    ...own
  } = metadata;
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (let index = next++; index < count; index = next++) {
        await system.createWorkflow(
          JSON.stringify({ apiVersion, kind, metadata: { ...own, name: `raw-${tag}-${index}` }, spec }),
        );
      }
    }),
  );
  return count / ((performance.now() - begun) / 1_000);
}
