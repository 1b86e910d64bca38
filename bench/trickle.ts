/** The latency of single events: from XADD to the object as a watch sees it. */
import { setTimeout as pause } from 'node:timers/promises';
import { linkOf, type MeasuredSystem } from './measured-system';
import { percentile } from './percentile';

export interface TrickleResult {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A machine that does not keep up has a queue by the end, which the latencies show. */
const GIVE_UP_AFTER_MS = 60_000;

export async function measureTrickle(
  system: MeasuredSystem,
  ratePerSecond: number,
  events: number,
  tag = 't',
): Promise<TrickleResult> {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const stop = await system.watchWorkflows(({ spec }) => {
    const [link] = JSON.parse(spec.arguments.parameters[0]?.value ?? '[]') as string[];
    const sent = sentAt.get(link ?? '');
    if (sent !== undefined) latencies.push(performance.now() - sent);
  });
  try {
    const start = performance.now();
    for (let index = 0; index < events; index += 1) {
      // Noted before: when this process has paused, it may read of the Workflow before it reads the reply of Redis.
      sentAt.set(linkOf(`${tag}${index}`, 0), performance.now());
      await system.publish(1, `${tag}${index}`);
      await pause(Math.max(0, start + ((index + 1) * 1_000) / ratePerSecond - performance.now()));
    }
    for (let waited = 0; latencies.length < events && waited < GIVE_UP_AFTER_MS; waited += 50) await pause(50);
  } finally {
    stop();
  }
  if (latencies.length < events) throw new Error(`only ${latencies.length} of ${events} events were seen`);
  latencies.sort((a, b) => a - b);
  return { ratePerSecond, p50Ms: percentile(latencies, 50), p99Ms: percentile(latencies, 99) };
}
