/**
 * `npm run record-histories -- VERSION [FAMILY …]`: plays the scenarios and keeps the histories of the workflows they
 * start in test/replay/histories/VERSION, so that later versions are held to them. Those of the families that are
 * recorded are replaced; without a family, all. Histories of a released version are kept for as long as workflows that
 * it started may still run.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'expect';
import { repoRoot } from '../../dev/repo-root';
import { eventually } from '../setup/eventually';
import { openWorld, proposeContinueAsNewAfter, type WorldOptions } from '../workflows/sluice-world';
import { formatHistory } from './history-files';
import { CONTINUED_BACKFILLS, RECORDED_BACKFILLS } from './recorded-backfills';
import { RECORDED_CONTROLLERS } from './recorded-controllers';
import { CONTINUED_EVENT_BUSES, RECORDED_EVENT_BUSES } from './recorded-event-buses';
import { CONTINUED_EVENT_SOURCES, RECORDED_EVENT_SOURCES } from './recorded-event-sources';
import { RECORDED_FIRST_ATTEMPTS } from './recorded-first-attempts';
import { RECORDED_GROUPS } from './recorded-groups';
import { RECORDED_WORKERS } from './recorded-workers';
import type { RecordedScenario } from './recorded-scenario';
import { CONTINUED_REPLAYS, CONTINUED_SENSORS, RECORDED_REPLAYS, RECORDED_SENSORS } from './recorded-sensors';

/** The scenarios are written for jest, whose globals do not exist here. */
Object.assign(globalThis, { expect });

interface Family {
  readonly role?: WorldOptions['role'];
  readonly scenarios: readonly RecordedScenario[];
  readonly continued: readonly RecordedScenario[];
  /** Events of history after which they continue as new. */
  readonly continueAsNewAfter: number;
}

const FAMILIES: Readonly<Record<string, Family>> = {
  'event-bus': { scenarios: RECORDED_EVENT_BUSES, continued: CONTINUED_EVENT_BUSES, continueAsNewAfter: 8 },
  'event-source': {
    role: 'event-source',
    scenarios: RECORDED_EVENT_SOURCES,
    continued: CONTINUED_EVENT_SOURCES,
    continueAsNewAfter: 8,
  },
  backfill: {
    role: 'event-source',
    scenarios: RECORDED_BACKFILLS,
    continued: CONTINUED_BACKFILLS,
    continueAsNewAfter: 8,
  },
  sensor: { scenarios: RECORDED_SENSORS, continued: CONTINUED_SENSORS, continueAsNewAfter: 20 },
  'first-attempts': { scenarios: RECORDED_FIRST_ATTEMPTS, continued: [], continueAsNewAfter: 20 },
  controller: { scenarios: RECORDED_CONTROLLERS, continued: [], continueAsNewAfter: 8 },
  'concurrency-group': { scenarios: RECORDED_GROUPS, continued: RECORDED_GROUPS, continueAsNewAfter: 25 },
  worker: { scenarios: RECORDED_WORKERS, continued: [], continueAsNewAfter: 8 },
  replay: { scenarios: RECORDED_REPLAYS, continued: CONTINUED_REPLAYS, continueAsNewAfter: 8 },
};

async function main(version: string, chosen: readonly string[]): Promise<void> {
  const folder = join(repoRoot, 'test/replay/histories', version);
  if (chosen.length === 0) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, family] of Object.entries(FAMILIES)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    for (const file of await readdir(folder)) if (file.startsWith(`${name}.`)) await rm(join(folder, file));
    const { role, scenarios, continued, continueAsNewAfter } = family;
    const servers = { kubernetes: { own: true }, ...(role && { role }) };
    await record(scenarios, join(folder, `${name}.`), { ...servers, temporal: { own: true, headless: true } });
    const proposing = proposeContinueAsNewAfter(continueAsNewAfter);
    await record(continued, join(folder, `${name}.continued-`), { ...servers, ...proposing });
  }
}

async function record(scenarios: readonly RecordedScenario[], path: string, options: WorldOptions): Promise<void> {
  const world = await openWorld(options);
  try {
    for (const { name, play } of scenarios) {
      process.stdout.write(`${name}\n`);
      const scenario = `${path}${name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
      await play(world, async (label, handle) => {
        // The SDK waits for ever on a history in which no worker has done anything yet.
        const history = await eventually(async () => {
          const fetched = await handle.fetchHistory();
          return fetched.events?.some((event) => event.workflowTaskCompletedEventAttributes) && fetched;
        });
        await writeFile(`${scenario}.${label}.json`, formatHistory(history));
      });
    }
  } finally {
    await world.close();
  }
}

const [version, ...families] = process.argv.slice(2);
const unknown = families.filter((name) => FAMILIES[name] === undefined);
if (version === undefined || unknown.length > 0) {
  process.stderr.write(
    `Name the version, and families if not all: npm run record-histories -- 0.1.0 ${Object.keys(FAMILIES).join(' ')}\n`,
  );
  process.exitCode = 2;
} else {
  void main(version, families);
}
