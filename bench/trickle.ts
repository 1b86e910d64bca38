/** The latency of single events: from XADD to the object as a watch sees it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MeasuredSystem } from './measured-system';
import { percentile } from './percentile';

export interface TrickleResult {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function measureTrickle(
  system: MeasuredSystem,
  ratePerSecond: number,
  events: number,
): Promise<TrickleResult> {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const stop = await system.watchWorkflows(({ spec }) => {
    const [link] = JSON.parse(spec.arguments.parameters[0]?.value ?? '[]') as string[];
    const sent = sentAt.get(link ?? '');
    if (sent !== undefined) latencies.push(performance.now() - sent);
  });
  try {
    for (let index = 0; index < events; index += 1) {
      const begun = performance.now();
      // The link is known only after publishing; the watch cannot be faster than reading the reply of Redis.
      const [link] = await system.publish(1, `t${index}`);
      sentAt.set(link ?? '', begun);
      await pause(Math.max(0, 1_000 / ratePerSecond - (performance.now() - begun)));
    }
    for (let waited = 0; latencies.length < events && waited < 10_000; waited += 50) await pause(50);
  } finally {
    stop();
  }
  if (latencies.length < events) throw new Error(`only ${latencies.length} of ${events} events were seen`);
  latencies.sort((a, b) => a - b);
  return { ratePerSecond, p50Ms: percentile(latencies, 50), p99Ms: percentile(latencies, 99) };
}
