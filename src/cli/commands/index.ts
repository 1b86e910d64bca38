/** Every command, in the order of `sluice --help`. A new command is one file and one entry here. */
import type { Command } from 'commander';
import type { CliRuntime, RegisterCommand } from '../runtime';

interface CommandEntry {
  /** As `sluice --help` shows it. */
  readonly term: string;
  readonly summary: string;
  readonly load: () => Promise<readonly RegisterCommand[]>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    term: 'validate [options]',
    summary: 'check manifests, offline',
    load: async () => [(await import('./validate.js')).registerValidate],
  },
  {
    term: 'test [options]',
    summary: 'show what a sensor would do with events, offline',
    load: async () => [(await import('./test.js')).registerTest],
  },
  {
    term: 'apply [options]',
    summary: 'start or update the objects in manifests',
    load: async () => [(await import('./apply.js')).registerApply],
  },
  {
    term: 'delete [options] [object...]',
    summary: 'delete buses, sources and sensors',
    load: async () => [(await import('./delete.js')).registerDelete],
  },
  {
    term: 'list [options] [kind]',
    summary: 'show what is applied',
    load: async () => [(await import('./list.js')).registerList],
  },
  {
    term: 'status [options] <object...>',
    summary: 'show buses, sources or sensors in full',
    load: async () => [(await import('./status.js')).registerStatus],
  },
  {
    term: 'pause [options] <object...>',
    summary: 'pause sources or sensors',
    load: async () => [(await import('./pause-resume.js')).registerPause],
  },
  {
    term: 'resume [options] <object...>',
    summary: 'resume paused sources or sensors',
    load: async () => [(await import('./pause-resume.js')).registerResume],
  },
  {
    term: 'explain [options] <event-id>',
    summary: 'show what happened to an event',
    load: async () => [(await import('./explain.js')).registerExplain],
  },
  {
    term: 'events [options]',
    summary: 'list what was decided about events',
    load: async () => [(await import('./events.js')).registerEvents],
  },
  {
    term: 'runs',
    summary: 'list, show and discard runs',
    load: async () => [
      (await import('./runs-list.js')).registerRunsList,
      (await import('./runs-show.js')).registerRunsShow,
      (await import('./runs-discard.js')).registerRunsDiscard,
    ],
  },
  {
    term: 'retrigger [options] [run-id]',
    summary: 'fire triggers of past runs again',
    load: async () => [(await import('./retrigger.js')).registerRetrigger],
  },
  {
    term: 'replay [options]',
    summary: 'fire for past events',
    load: async () => [(await import('./replay.js')).registerReplay],
  },
  {
    term: 'stac',
    summary: 'STAC APIs as a source of events',
    load: async () => [
      (await import('./stac-publish.js')).registerStacPublish,
      (await import('./stac-backfill.js')).registerStacBackfill,
    ],
  },
  {
    term: 'bus',
    summary: 'prepare NATS for an EventBus',
    load: async () => [(await import('./bus-prepare.js')).registerBusPrepare],
  },
  {
    term: 'migrate',
    summary: 'move from Argo Events',
    load: async () => [
      (await import('./migrate-inventory.js')).registerMigrateInventory,
      (await import('./migrate-plan.js')).registerMigratePlan,
      (await import('./migrate-check.js')).registerMigrateCheck,
      (await import('./migrate-back.js')).registerMigrateBack,
      (await import('./migrate-eventbus.js')).registerMigrateEventBus,
    ],
  },
  {
    term: 'schema [kind]',
    summary: 'print JSON Schemas of manifests, for editors',
    load: async () => [(await import('./schema.js')).registerSchema],
  },
  {
    term: 'crds',
    summary: 'print CustomResourceDefinitions for clusters without Argo Events',
    load: async () => [(await import('./crds.js')).registerCrds],
  },
  {
    term: 'setup [options]',
    summary: 'prepare a Temporal namespace',
    load: async () => [(await import('./setup.js')).registerSetup],
  },
  {
    term: 'codec-server [options]',
    summary: 'decrypt payloads for the Temporal UI',
    load: async () => [(await import('./codec-server.js')).registerCodecServer],
  },
  {
    term: 'dev [options]',
    summary: 'run servers, workers and your manifests on this machine',
    load: async () => [(await import('./dev.js')).registerDev],
  },
];

/** Their files register subcommands of these. */
const GROUPS: ReadonlySet<string> = new Set(['runs', 'stac', 'bus', 'migrate']);

/**
 * Loads the files of the commands that `words` name, because all of them take longer than most commands run. The others
 * appear in the help only.
 */
export async function registerCommands(
  program: Command,
  cli: CliRuntime,
  words: readonly string[] | 'all',
): Promise<void> {
  for (const { term, summary, load } of COMMANDS) {
    const [name = ''] = term.split(' ');
    if (words !== 'all' && !words.includes(name)) {
      addForHelp(program, term, summary);
      continue;
    }
    const parent = GROUPS.has(name) ? program.command(name).description(summary) : program;
    for (const register of await load()) register(parent, cli);
  }
}

function addForHelp(program: Command, term: string, summary: string): void {
  const command = program.command(term.replace(' [options]', '')).summary(summary);
  // Commander writes `[options]` for a command that has one.
  if (term.includes(' [options]')) command.option('--any');
}
