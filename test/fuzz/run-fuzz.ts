/** Gives a target many inputs, and finds the smallest one that it does not bear. */
import fc from 'fast-check';
import { cli } from './targets/cli';
import { events } from './targets/events';
import { expressions } from './targets/expressions';
import { ids } from './targets/ids';
import { manifests } from './targets/manifests';
import { sources } from './targets/sources';
import type { FuzzTarget, OpenTarget } from './target';
import { webhook } from './targets/webhook';
import { workflowStatus } from './targets/workflow-status';

const TARGETS: Readonly<Record<string, () => OpenTarget | Promise<OpenTarget>>> = {
  manifests,
  events,
  ids,
  webhook,
  cli,
  expressions,
  sources,
  'workflow-status': workflowStatus,
};

export const FUZZ_KINDS: readonly string[] = Object.keys(TARGETS);

export interface FuzzOptions {
  readonly kind: string;
  readonly cases: number;
  readonly seed: number;
  /** Called after each input. */
  readonly onCase?: () => void;
}

export interface FuzzResult {
  readonly kind: string;
  readonly seed: number;
  readonly cases: number;
  /** Of the slowest input, processor time of the whole process. */
  readonly slowestMs: number;
  /** The smallest input that failed, and how. */
  readonly failure?: string;
}

/** Processor time, so that a busy machine fails nothing. */
const LIMIT_MS = 1_000;
/** Inputs that wait for something that does not come use no processor time at all. */
const STUCK_AFTER_MS = 120_000;
const WARM_UP_CASES = 30;

export async function fuzz({ kind, cases, seed, onCase }: FuzzOptions): Promise<FuzzResult> {
  const open = TARGETS[kind];
  if (open === undefined)
    throw new Error(`there is nothing to fuzz named "${kind}"; choose from ${FUZZ_KINDS.join(', ')}`);
  return await (
    await open()
  )(async (target) => {
    try {
      const measured = { slowestMs: 0, run: 0 };
      const property = fc.asyncProperty(target.inputs, async (input) => {
        const firstMs = await checkOne(target, input);
        // Threads of V8 that compile count as well, now and then for seconds; a slow input is slow each time.
        const usedMs = firstMs > LIMIT_MS ? Math.min(firstMs, await checkOne(target, input)) : firstMs;
        measured.run += 1;
        onCase?.();
        // The first ones load and compile.
        if (measured.run <= WARM_UP_CASES) return;
        measured.slowestMs = Math.max(measured.slowestMs, usedMs);
        if (usedMs > LIMIT_MS) throw new Error(`took ${Math.round(usedMs)} ms of processor time`);
      });
      const details = await fc.check(property, { numRuns: cases, seed, endOnFailure: false });
      const slowestMs = Math.round(measured.slowestMs);
      const common = { kind, seed, cases: details.numRuns, slowestMs };
      return details.failed ? { ...common, failure: describeFailure(details) } : common;
    } finally {
      await target.close?.();
    }
  });
}

function describeFailure<Input>(details: fc.RunDetails<[Input]>): string {
  const problems: string[] = [];
  for (let error = details.errorInstance; error instanceof Error; error = error.cause)
    problems.push(error.stack ?? error.message);
  return [fc.defaultReportMessage(details) ?? 'failed', ...problems].join('\n');
}

/** Answers the processor time that it took. */
async function checkOne<Input>(target: FuzzTarget<Input>, input: Input): Promise<number> {
  const before = process.cpuUsage();
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${STUCK_AFTER_MS / 1_000} s`)), STUCK_AFTER_MS);
  });
  try {
    await Promise.race([target.check(input), stuck]);
  } finally {
    clearTimeout(timer);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
