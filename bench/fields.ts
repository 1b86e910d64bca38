/** The fields of the benchmark: what each measures, how much of it, and how its result reads. */
import { loadavg } from 'node:os';
import { measureBurst } from './burst';
import { measureDecisions } from './decisions';
import { measureEvaluation } from './evaluate';
import type { MeasuredSystem } from './measured-system';
import type { Scenarios } from './scenarios';
import { measureStartup } from './startup';
import { measureTrickle } from './trickle';

export const FIELDS = [
  'evaluate',
  'startup',
  'burst',
  'trickle',
  'steady',
  'http',
  'join',
  'filterOut',
  'priority',
  'decisions',
] as const;
export type Field = (typeof FIELDS)[number];

/** Those of `--quick`: about a minute on an idle machine. */
export const QUICK_FIELDS: readonly Field[] = ['evaluate', 'burst', 'trickle', 'steady', 'http', 'join', 'filterOut'];

interface Measured {
  readonly name: string;
  readonly result: object;
  readonly text: string;
}

export interface Measuring {
  readonly isQuick: boolean;
  readonly say: (text: string) => void;
  /** Starts the servers when they are first needed. */
  readonly system: () => Promise<MeasuredSystem>;
  readonly scenarios: () => Promise<Scenarios>;
}

/** The result has the load of the machine during the measurement: times of a busy machine say little. */
export async function measureField(field: Field, measuring: Measuring): Promise<Measured> {
  const { name, result, text } = await measure(field, measuring);
  const load = Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10;
  return { name, result: { ...result, load }, text: `${text}, load ${load}` };
}

async function measure(field: Field, { isQuick, say, system, scenarios }: Measuring): Promise<Measured> {
  const sized = (quick: number, full: number): number => (isQuick ? quick : full);
  switch (field) {
    case 'evaluate': {
      say('evaluating expressions …');
      const result = await measureEvaluation();
      const text = `evaluate  1 KB ${result.oneKb} ms, 20 KB ${result.twentyKb} ms an event`;
      return { name: 'evaluateMsPerEvent', result, text };
    }
    case 'startup': {
      const { environment } = await system();
      say('starting a worker and commands …');
      const result = await measureStartup(sized(3, 9), environment);
      const text = `startup   worker ${result.workerReadyMs} ms, --help ${result.helpMs} ms, validate of 100 ${result.validateMs} ms; node alone ${result.nodeMs} ms`;
      return { name: field, result, text };
    }
    case 'burst': {
      const running = await system();
      say('burst of 2,000 …');
      const result = await measureBurst(running, 2_000, sized(1, 5));
      const text = `burst     ${result.perSecond} Workflows/s, raw POSTs ${result.rawPostsPerSecond}/s (${result.rawClient}), ratio ${result.ratio}`;
      return { name: field, result, text };
    }
    case 'trickle': {
      const running = await system();
      say('5 events a second …');
      const result = await measureTrickle(running, 5, sized(50, 300));
      return { name: field, result, text: `trickle   p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms` };
    }
    case 'steady': {
      const running = await system();
      say('50 events a second …');
      const result = await measureTrickle(running, 50, sized(500, 3_000), 's');
      return { name: field, result, text: `steady    p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms` };
    }
    case 'http': {
      const running = await scenarios();
      say('burst to an HTTP trigger …');
      const result = await running.http(sized(2_000, 5_000));
      return { name: field, result, text: `http      ${result.perSecond} events/s` };
    }
    case 'join': {
      const running = await scenarios();
      say('pairs for a && b …');
      const result = await running.join(sized(500, 2_500));
      return { name: field, result, text: `join      ${result.perSecond} events/s` };
    }
    case 'filterOut': {
      const running = await scenarios();
      say('events that a filter drops …');
      const result = await running.filterOut(sized(10_000, 50_000));
      const text = `filterOut ${result.perSecond} events/s, ${result.fromBusPerSecond}/s from the bus`;
      return { name: field, result, text };
    }
    case 'priority': {
      const running = await scenarios();
      say('live events beside a backfill …');
      const result = await running.priority(sized(2_000, 20_000));
      const text =
        `priority  ${result.liveEvents} live events: p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms; without the backfill ` +
        `${result.alone.p50Ms} and ${result.alone.p99Ms} ms; overtook ${result.overtaken} of ${result.backfill}`;
      return { name: field, result, text };
    }
    case 'decisions': {
      const running = await system();
      say('bursts with and without a record of decisions …');
      const result = await measureDecisions(running, 1_000, sized(5, 15));
      const text =
        `decisions kept ${result.keptPerSecond}/s, off ${result.offPerSecond}/s, cost ${result.cost} ` +
        `(middle half ${result.costFrom} to ${result.costTo})`;
      return { name: field, result, text };
    }
  }
}
