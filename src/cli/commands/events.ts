/** `sluice events`: decisions of sensors and event sources about events. */
import { Option, type Command } from 'commander';
import type { DecisionFilter } from '../../bus/bus';
import { DECISIONS, type Decision, type DecisionRecord } from '../../records/decision-record';
import { shortEventId } from '../../event/short-id';
import { SluiceError } from '../../errors/sluice-error';
import { APPLIED_KINDS, defaultNamespace } from '../../control/applied-kinds';
import { parseDuration, parsePositiveInteger } from '../arguments';
import { EXIT_CODES } from '../exit-codes';
import { withBuses, type OpenBus } from '../../control/explain/open-buses';
import { explainNamespace, explainUnapplied } from '../../control/known-names';
import { createProgress } from '../printing/progress';
import type { RegisterCommand } from '../runtime';
import type { Tone } from '../printing/style';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

interface EventsOptions extends TemporalOptions {
  sensor?: string;
  source?: string;
  namespace?: string;
  decision?: Decision;
  event?: string;
  since: number;
  limit: number;
}

const TONES: Readonly<Record<Decision, Tone>> = {
  fired: 'good',
  joined: 'quiet',
  filtered: 'quiet',
  failed: 'bad',
  unmatched: 'quiet',
  rejected: 'bad',
  discarded: 'warning',
  duplicate: 'quiet',
  expired: 'bad',
};

const EXAMPLES = `
Examples:
  sluice events --sensor water-bodies                 # of the last hour
  sluice events --sensor water-bodies --decision filtered --since 24h
  sluice events --source stac --decision rejected     # what became no event

Decisions are kept on the event bus for seven days. sluice explain EVENT_ID
shows everything about one event.

Exits with 3 if a bus cannot be read; decisions on the other buses are shown.`;

export const registerEvents: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('events'))
    .summary('list what was decided about events')
    .description('Lists the decisions of sensors and event sources, the newest last.')
    .option('--sensor <name>', 'decisions of this sensor; NAMESPACE/NAME or NAME')
    .option('--source <name>', 'decisions of this event source; NAMESPACE/NAME or NAME')
    .option('-n, --namespace <name>', 'namespace of --sensor or --source (default: SLUICE_NAMESPACE, default)')
    .addOption(new Option('--decision <decision>', 'only these').choices(DECISIONS))
    .option('--event <id>', 'only about this event; its key, id or short id')
    .addOption(new Option('--since <duration>', 'how far back').argParser(parseDuration).default(3_600_000, '1h'))
    .option('--limit <n>', 'at most this many, the newest', parsePositiveInteger, 100)
    .addHelpText('after', EXAMPLES)
    .action(async (options: EventsOptions, command: Command) => {
      const output = cli.output(command);
      if (options.sensor !== undefined && options.source !== undefined) {
        throw new SluiceError('USAGE', { message: 'both --sensor and --source are given', fix: 'Give one of them' });
      }
      const [name, ownNamespace] = ((options.sensor ?? options.source)?.split('/') ?? []).reverse();
      const namespace = ownNamespace ?? options.namespace ?? (name && defaultNamespace(cli.io));
      const filter: DecisionFilter = {
        ...(namespace !== undefined && { namespace }),
        ...(name !== undefined && {
          owner: name,
          ownerKind: options.sensor === undefined ? ('event source' as const) : ('sensor' as const),
        }),
        ...(options.decision !== undefined && { decision: options.decision }),
        ...(options.event !== undefined && { event: options.event }),
        since: new Date(Date.now() - options.since).toISOString(),
        // One more than requested shows whether there are more.
        newest: options.limit + 1,
      };
      const progress = createProgress(cli.io);
      progress.update('connecting');
      const { found, problems, hint } = await withTemporal(options, cli.io, (session) =>
        withBuses(session, cli.io, namespace, async ({ buses, problems: unread }) => {
          const read = (wanted: DecisionFilter) =>
            readNewest(buses, wanted, (count) => progress.update(`${count} messages of decisions read`));
          const decided = await read(filter);
          const why = decided.length > 0 || unread.length > 0 ? undefined : await explainNone(session, filter, read);
          return { found: decided, problems: unread, hint: why };
        }),
      ).finally(() => progress.end());
      const decisions = found.slice(-options.limit);
      const more = found.length > decisions.length;
      output.print({
        data: { decisions, more, problems },
        table: {
          columns: ['time', 'decision', 'event', 'short id', 'by', 'what'],
          rows: decisions.map((record) => [
            ...[record.at, { text: record.decision, tone: TONES[record.decision] }],
            ...[record.eventKey, shortEventId(record.eventKey)],
            ...[`${record.namespace}/${record.sensor ?? record.eventSource ?? ''}`, describeRecord(record)],
          ]),
          empty: `No decisions since ${filter.since} (--since)${problems.length > 0 ? ', but not every bus could be read' : ''}.`,
        },
        names: [...new Set(decisions.map(({ eventKey }) => eventKey))],
      });
      if (hint !== undefined) {
        output.note(hint);
        cli.exitWith(EXIT_CODES.problem);
      }
      for (const problem of problems) output.note(problem);
      if (more) output.note(`Only the newest ${options.limit} are shown (--limit).`);
      if (problems.length > 0) cli.exitWith(EXIT_CODES.unreachable);
    });
};

/** Objects that are no longer applied may have left decisions, and an older one for the event may exist. */
async function explainNone(
  session: TemporalSession,
  { namespace, owner, ownerKind, event }: DecisionFilter,
  read: (filter: DecisionFilter) => Promise<readonly DecisionRecord[]>,
): Promise<string | undefined> {
  const wasSeen = async (filter: DecisionFilter): Promise<boolean> => (await read({ ...filter, newest: 1 })).length > 0;
  if (owner === undefined) {
    const unknown = await explainNamespace(session, namespace);
    if (unknown !== undefined) return unknown;
  } else if (namespace !== undefined) {
    const kind = ownerKind === 'sensor' ? APPLIED_KINDS.Sensor : APPLIED_KINDS.EventSource;
    const unknown = await explainUnapplied(session, kind, namespace, owner);
    const named = { namespace, owner, ...(ownerKind && { ownerKind }) };
    if (unknown !== undefined && !(await wasSeen(named))) return unknown;
  }
  if (event === undefined || (await wasSeen({ event }))) return undefined;
  return `No decision about event "${event}" is stored; sluice explain ${event} also searches the bus and the runs`;
}

/** Returns the reason in one line. */
function describeRecord({ decision, dependency, triggers, clause, reason, code, runId }: DecisionRecord): string {
  const what = [dependency, triggers?.join(', '), clause, code, reason].filter((part) => part !== undefined);
  return [...what, ...(decision === 'fired' && runId !== undefined ? [runId] : [])].join(' · ');
}

/** Resolves oldest first. Two buses may be one server under two names, so a record may be read twice. */
async function readNewest(
  buses: readonly OpenBus[],
  filter: DecisionFilter,
  onProgress: (count: number) => void,
): Promise<DecisionRecord[]> {
  const found = new Map<string, DecisionRecord>();
  for (const { bus } of buses) {
    for await (const record of bus.readDecisions(filter, onProgress)) found.set(JSON.stringify(record), record);
  }
  return [...found.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
