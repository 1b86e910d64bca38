/** Rounds of faults under load; after each, everything that was published must be accounted for. */
import { setTimeout as pause } from 'node:timers/promises';
import { describeError } from '../../src/errors/sluice-error';
import { FAULT_NAMES, FAULTS, type FaultName } from './faults';
import { FLOWS } from './flows';
import { entriesWith, type Entry, type Fate } from './ledger';
import { observeDecisions, observeEffects, observeParked } from './observe';
import { seededRandom, type SeededRandom } from './seeded-random';
import { startFaultyWorld, type FaultyWorld } from './world';

export interface FaultRunOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Default: all. */
  readonly only?: readonly FaultName[];
  /** Entries a round are twelve times as many. */
  readonly scale: number;
  readonly holdMs: number;
  readonly say: (text: string) => void;
}

export interface FaultReport {
  readonly seed: number;
  readonly rounds: number;
  readonly published: number;
  /** Without effect, parked run and decision, though nothing outside had lost it. */
  readonly lost: number;
  readonly doubled: number;
  readonly parked: number;
  /** A decision says why there is no effect. */
  readonly decided: number;
  /** A fault outside destroyed it before Sluice could have it: FLUSHALL, a deleted stream. */
  readonly lostOutside: number;
  /** Waits for a partner that was lost outside. */
  readonly held: number;
  readonly recoverySecondsP50: number;
  readonly recoverySecondsMax: number;
  readonly faults: ReadonlyArray<{ readonly name: FaultName; readonly recoverySeconds: number }>;
  /** Of every lost and doubled event. */
  readonly stories: readonly string[];
}

const LOOK_EVERY_MS = 1_000;
/** Bounds of waiting, not of what is promised. */
const NO_PROGRESS_MS = 180_000;
const STEADY_PART = 0.5;
const STORIES = 10;

export async function runFaults(options: FaultRunOptions): Promise<FaultReport> {
  const { seed, rounds, say } = options;
  const random = seededRandom(seed);
  const order = orderOf(options.only ?? FAULT_NAMES, rounds, random);
  say(`seed ${seed}: ${order.join(', ')}`);
  say('starting servers and workers');
  const world = await startFaultyWorld();
  const faults: Array<{ name: FaultName; recoverySeconds: number }> = [];
  try {
    let fates = new Map<Entry, Fate>();
    for (const [index, name] of order.entries()) {
      say(`round ${index + 1} of ${rounds}: ${name}`);
      await runRound(world, name, random, options);
      const healed = Date.now();
      fates = await untilQuiet(world, say);
      const recoverySeconds = Math.round((Date.now() - healed) / 100) / 10;
      faults.push({ name, recoverySeconds });
      say(`  quiet after ${recoverySeconds} s: ${summaryOf(fates)}`);
      if (entriesWith(fates, 'missing').length > 0) break;
    }
    return await report(world, options, faults, fates);
  } finally {
    await world.stop();
  }
}

/** Every fault once before one comes again. */
function orderOf(names: readonly FaultName[], rounds: number, random: SeededRandom): FaultName[] {
  const order: FaultName[] = [];
  while (order.length < rounds) order.push(...random.shuffle(names));
  return order.slice(0, rounds);
}

/** A burst, then a steady part over the time of the fault, then what is left at once. */
async function runRound(
  world: FaultyWorld,
  name: FaultName,
  random: SeededRandom,
  { scale, holdMs }: FaultRunOptions,
): Promise<void> {
  const over = new AbortController();
  const entries = random.shuffle(
    FLOWS.flatMap(({ eventNames, share }) =>
      eventNames.flatMap((eventName) => Array<string>(share * scale).fill(eventName)),
    ),
  );
  const burst = entries.splice(0, Math.floor(entries.length * STEADY_PART));
  let isOver = false;
  const pauseMs = (2 * holdMs) / Math.max(1, entries.length);
  const publishing = (async () => {
    for (const eventName of burst) await world.publisher.publish(eventName, over.signal);
    for (const eventName of entries) {
      await world.publisher.publish(eventName, over.signal);
      if (!isOver) await pause(pauseMs);
    }
  })();
  // Reported by the await below; until then a failure must not end the process.
  publishing.catch(() => undefined);
  try {
    await pause(random.integer(Math.max(1, holdMs / 4)));
    await FAULTS[name]({ world, random, holdMs });
    isOver = true;
    await publishing;
  } catch (error) {
    over.abort();
    throw error;
  }
}

/** Until every entry is accounted for, or nothing has moved for a long time. */
async function untilQuiet(world: FaultyWorld, say: (text: string) => void): Promise<Map<Entry, Fate>> {
  let movedAt = Date.now();
  let saidAt = movedAt;
  let before = Number.POSITIVE_INFINITY;
  let fates = new Map<Entry, Fate>();
  while (Date.now() - movedAt < NO_PROGRESS_MS) {
    try {
      fates = await look(world);
      const missing = entriesWith(fates, 'missing').length;
      if (missing === 0) return fates;
      if (missing < before) movedAt = Date.now();
      before = missing;
      if (Date.now() - saidAt > 5_000) {
        saidAt = Date.now();
        say(`  ${missing} of ${fates.size} still on their way`);
      }
    } catch (error) {
      say(`  cannot look yet: ${describeError(error).split('\n')[0] ?? ''}`);
    }
    await pause(LOOK_EVERY_MS);
  }
  return fates;
}

async function look({ observed, ledger }: FaultyWorld): Promise<Map<Entry, Fate>> {
  const effects = await observeEffects(observed);
  const quick = ledger.fates({ effects, parked: new Set(), decisions: new Map() });
  if (entriesWith(quick, 'missing').length === 0) return quick;
  const [parked, decisions] = await Promise.all([observeParked(observed), observeDecisions(observed)]);
  return ledger.fates({ effects, parked, decisions });
}

async function report(
  world: FaultyWorld,
  { seed }: FaultRunOptions,
  faults: FaultReport['faults'],
  fates: ReadonlyMap<Entry, Fate>,
): Promise<FaultReport> {
  const [lost, doubled] = [entriesWith(fates, 'missing'), entriesWith(fates, 'doubled')];
  const count = (fate: Fate): number => entriesWith(fates, fate).length;
  const recoveries = faults.map(({ recoverySeconds }) => recoverySeconds).sort((a, b) => a - b);
  return {
    seed,
    rounds: faults.length,
    published: world.ledger.published,
    lost: lost.length,
    doubled: doubled.length,
    parked: count('parked'),
    decided: count('decided'),
    lostOutside: count('lost outside'),
    held: count('held'),
    recoverySecondsP50: recoveries[Math.floor((recoveries.length - 1) / 2)] ?? 0,
    recoverySecondsMax: recoveries.at(-1) ?? 0,
    faults,
    stories: await Promise.all(
      [...lost, ...doubled].slice(0, STORIES).map((entry) => storyOf(world, entry, fates.get(entry))),
    ),
  };
}

async function storyOf({ sluice, observed }: FaultyWorld, entry: Entry, fate: Fate | undefined): Promise<string> {
  const title = `${fate === 'doubled' ? 'DOUBLED' : 'LOST'} ${entry.eventKey}`;
  const effects = (await observeEffects(observed)).get(`${entry.eventName}:${entry.n}`) ?? new Set();
  try {
    const story = JSON.stringify(await sluice.json('explain', entry.eventKey), null, 2);
    return [title, ...[...effects].map((name) => `effect: ${name}`), story].join('\n');
  } catch (error) {
    return `${title}\n${describeError(error)}`;
  }
}

function summaryOf(fates: ReadonlyMap<Entry, Fate>): string {
  const counts = new Map<Fate, number>();
  for (const fate of fates.values()) counts.set(fate, (counts.get(fate) ?? 0) + 1);
  return [...counts].map(([fate, count]) => `${count} ${fate}`).join(', ');
}
