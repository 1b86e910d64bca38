/** `sluice runs list`: runs and their outcomes. With `--state Parked`, runs that wait for an operator. */
import { Option, type Command } from 'commander';
import { isSluiceError } from '../../errors/sluice-error';
import { ageOf } from '../../text/ages';
import { defaultNamespace } from '../../control/applied-kinds';
import { parseDuration, parsePositiveInteger } from '../arguments';
import { concurrently } from '../../concurrency/concurrently';
import { EXIT_CODES } from '../exit-codes';
import { explainNoRuns } from '../../control/known-names';
import { createProgress } from '../printing/progress';
import { findRuns, RUN_STATES, type FoundRun } from '../../control/runs/search-runs';
import { decideBy, fireReason, readFires } from '../../control/runs/read-fires';
import { retryReason } from '../../control/runs/retry-reason';
import type { RegisterCommand } from '../runtime';
import type { Tone } from '../printing/style';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

interface RunsListOptions extends TemporalOptions {
  sensor?: string;
  namespace?: string;
  state?: string;
  trigger?: string;
  event?: string;
  since?: number;
  query?: string;
  limit: number;
}

type ListedRun = FoundRun & { readonly reason?: string; readonly parkedUntil?: string };

const REASON_TIMEOUT_MS = 3_000;
const QUERIES_AT_ONCE = 8;

const STATE_TONES: Readonly<Record<string, Tone>> = { Succeeded: 'good', Failed: 'bad', Parked: 'warning' };

const EXAMPLES = `
Examples:
  sluice runs list --sensor water-bodies --since 1h
  sluice runs list --state Parked                   # waiting for an operator
  sluice runs list --query 'SluiceTriggers = "detect"' -o name`;

export function stateTone(state: string): Tone {
  return STATE_TONES[state] ?? 'quiet';
}

export const registerRunsList: RegisterCommand = (runs, cli) => {
  addTemporalOptions(runs.command('list'))
    .summary('list runs')
    .description('Lists runs, the newest first, with the reason why one is parked or repeated, and the time left.')
    .option('--sensor <name>', 'runs of this sensor; NAMESPACE/NAME or NAME')
    .option(
      '-n, --namespace <name>',
      'runs of this namespace; with --sensor NAME, its namespace (default: SLUICE_NAMESPACE, default)',
    )
    .addOption(new Option('--state <state>', 'runs in this state').choices(RUN_STATES))
    .option('--trigger <name>', 'runs that fire this trigger')
    .option('--event <id>', 'runs that carry this event; its key or its short id')
    .option('--since <duration>', 'runs that were started within this time, e.g. 24h', parseDuration)
    .option('--query <query>', 'an additional Temporal visibility query')
    .option('--limit <n>', 'at most this many', parsePositiveInteger, 50)
    .addHelpText('after', EXAMPLES)
    .action(async (options: RunsListOptions, command: Command) => {
      const output = cli.output(command);
      const progress = createProgress(cli.io);
      const { listed, more, hint } = await withTemporal(options, cli.io, async (session) => {
        const filter = {
          ...options,
          namespace: options.namespace ?? defaultNamespace(cli.io),
          within: options.namespace,
          startedAfter: options.since === undefined ? undefined : new Date(Date.now() - options.since),
        };
        const found: FoundRun[] = [];
        for await (const run of findRuns(session, filter)) {
          if (found.push(run) > options.limit) break;
          progress.update(`${found.length} runs found`);
        }
        const shown = found.slice(0, options.limit);
        return {
          listed: await addReasons(session, shown),
          more: found.length > shown.length,
          hint: found.length === 0 ? await explainNoRuns(session, filter) : undefined,
        };
      }).finally(() => progress.end());
      output.print({
        data: { runs: listed, more },
        table: {
          columns: ['run', 'state', 'triggers', 'events', 'age', 'left', 'reason'],
          rows: listed.map((run) => [
            ...[run.id, { text: run.state, tone: stateTone(run.state) }, run.triggers.join(',')],
            ...[run.events.length === 1 ? (run.events[0] ?? '') : String(run.events.length)],
            ...[ageOf(run.startedAt), timeLeft(run), run.reason ?? ''],
          ]),
          empty: 'No runs.',
        },
        names: listed.map(({ id }) => id),
      });
      if (hint !== undefined) {
        output.note(hint);
        cli.exitWith(EXIT_CODES.problem);
      }
      if (more) output.note(`Only the newest ${options.limit} are shown (--limit).`);
    });
};

/** Adds to each parked run why it is parked, or why that is unknown, and to each that is firing why it is repeated. */
async function addReasons(session: TemporalSession, runs: readonly FoundRun[]): Promise<ListedRun[]> {
  // Runs of one sensor share its workers: a round without any response means that no worker runs.
  const unanswered = new Map<string, number>();
  return await concurrently(runs, QUERIES_AT_ONCE, async (run) => {
    if (run.state === 'Firing') {
      const reason = await retryReason(session, run.id).catch(encryptedReason);
      return { ...run, ...(reason !== undefined && { reason }) };
    }
    if (run.state !== 'Parked') return run;
    const unansweredBefore = unanswered.get(run.sensor) ?? 0;
    if (unansweredBefore >= QUERIES_AT_ONCE) {
      return { ...run, reason: `not queried: no worker answered for ${unansweredBefore} other runs of this sensor` };
    }
    const fires = await readFires(session, run.id, REASON_TIMEOUT_MS).catch(encryptedReason);
    if (typeof fires === 'string') return { ...run, reason: fires };
    if (fires === undefined) {
      unanswered.set(run.sensor, (unanswered.get(run.sensor) ?? 0) + 1);
      return { ...run, reason: `no worker answered within ${REASON_TIMEOUT_MS / 1_000} s` };
    }
    unanswered.set(run.sensor, 0);
    const parked = fires.filter(({ state }) => state === 'Parked');
    const [first] = parked;
    if (first === undefined) return run;
    const parkedUntil = decideBy(parked);
    return { ...run, reason: fireReason(first), ...(parkedUntil !== undefined && { parkedUntil }) };
  });
}

/** The other facts about a run are in search attributes, which are not encrypted. */
function encryptedReason(error: unknown): string {
  if (isSluiceError(error) && (error.code === 'PAYLOAD_KEY_MISSING' || error.code === 'PAYLOAD_UNREADABLE')) {
    return `encrypted: ${error.code}`;
  }
  throw error;
}

/** The time left for an operator to decide. */
function timeLeft({ parkedUntil }: ListedRun): string {
  return parkedUntil === undefined ? '' : ageOf(new Date(), Date.parse(parkedUntil));
}
