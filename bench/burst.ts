/** The rate at which a burst of stream entries becomes Workflow objects, beside plain POSTs of the same objects. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MeasuredSystem } from './measured-system';
import { nameOf, postAll, RAW_CLIENTS, type RawClient } from './raw-posts';

export interface BurstResult {
  readonly events: number;
  readonly perSecond: number;
  /** POSTs of the same objects in the same run, by the client that was the fastest in a short comparison. */
  readonly rawPostsPerSecond: number;
  readonly rawClient: string;
  readonly ratio: number;
}

const GIVE_UP_AFTER_MS = 120_000;
/** Enough to compile what the events and POSTs run through. */
const WARM_UP = 1_000;
const COMPARED_POSTS = 400;

/** Rounds alternate, so that a machine that slows down slows both; the median round by ratio counts. */
export async function measureBurst(system: MeasuredSystem, events: number, rounds: number): Promise<BurstResult> {
  await runBurst(system, WARM_UP, 'warm');
  const client = await fastestClient(system);
  try {
    const post = async (count: number, tag: string): Promise<number> =>
      await postAll(client, count, await system.rawBodies(tag));
    const results: Array<Pick<BurstResult, 'perSecond' | 'rawPostsPerSecond' | 'ratio'>> = [];
    for (let round = 0; round < rounds; round += 1) {
      const rawPostsPerSecond = await post(events, `r${round}`);
      const perSecond = await runBurst(system, events, `b${round}`);
      results.push({ perSecond, rawPostsPerSecond, ratio: perSecond / rawPostsPerSecond });
    }
    const sorted = results.sort((a, b) => a.ratio - b.ratio);
    const median = sorted[Math.floor(sorted.length / 2)];
    if (median === undefined) throw new Error('no round was measured');
    return {
      events,
      perSecond: Math.round(median.perSecond),
      rawPostsPerSecond: Math.round(median.rawPostsPerSecond),
      rawClient: nameOf(client),
      ratio: Math.round(median.ratio * 1_000) / 1_000,
    };
  } finally {
    await client.close();
  }
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
    // Each look costs the API server about as much as an object: rare while many are missing.
    await pause(Math.max(10, (elapsed * Math.min(1, (events - created) / Math.max(1, created))) / 4));
  }
}

/** The client with the most POSTs a second, kept open. */
async function fastestClient(system: MeasuredSystem): Promise<RawClient> {
  let fastest: { readonly client: RawClient; readonly perSecond: number } | undefined;
  for (const [index, create] of RAW_CLIENTS.entries()) {
    const client = create(system.rawTarget);
    const bodyOf = await system.rawBodies(`compared-${index}`);
    await postAll(client, COMPARED_POSTS / 4, (at) => bodyOf(COMPARED_POSTS + at));
    const perSecond = await postAll(client, COMPARED_POSTS, bodyOf);
    const [slower, faster] =
      fastest === undefined || perSecond > fastest.perSecond ? [fastest, { client, perSecond }] : [{ client }, fastest];
    await slower?.client.close();
    fastest = faster;
  }
  if (fastest === undefined) throw new Error('there is no client to compare with');
  return fastest.client;
}
