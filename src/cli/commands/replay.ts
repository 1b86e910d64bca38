/** `sluice replay`: passes events that are on the bus through a sensor's current logic again. */
import { Option, type Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error';
import { type ReplayProgress, describeReplayLimits } from '../../contract/replay-messages';
import { BY_HELP, requestedBy } from '../requested-by';
import { defaultNamespace } from '../../control/applied-kinds';
import { parseInstant, parseSequenceRange, type SequenceRange } from '../arguments';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import { canAnswer, type CliIo } from '../io';
import type { Output } from '../printing/output';
import { createProgress } from '../printing/progress';
import { askYes } from '../ask-yes';
import {
  awaitReplay,
  cancelReplay,
  readReplay,
  startReplay,
  type ReplayScope,
  type ReplayState,
  type ReplayTarget,
} from '../../control/replay/replay-workflow';
import type { RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

interface ReplayOptions extends TemporalOptions {
  sensor?: string;
  why?: string;
  by?: string;
  namespace?: string;
  from?: string;
  to?: string;
  seq?: SequenceRange;
  dryRun?: boolean;
  again?: boolean;
  yes?: boolean;
  wait?: boolean;
}

const SHOWN_EXAMPLES = 10;

const EXAMPLES = `
Examples:
  sluice replay --sensor water-bodies --from 2026-01-31T06:00:00Z \\
    --to 2026-01-31T09:00:00Z --why 'filter was wrong'
  sluice replay --sensor water-bodies --seq 1200..1450 \\
    --why 'filter was wrong' --dry-run
  sluice replay --sensor water-bodies --from 2026-01-31T06:00:00Z \\
    --why 'results were lost' --again --yes --wait
  sluice replay status replay/argo/water-bodies/1769846400000-ab12

The command first shows what would fire; with --yes (or after confirmation at a
terminal) it fires. Events that a run has carried fire only with --again. The
replay is a workflow: it continues when this command or a worker ends.`;

export const registerReplay: RegisterCommand = (program, cli) => {
  // No option is marked as required here: `replay status` would have to pass it too.
  const replay = addTemporalOptions(program.command('replay'))
    .summary('fire for past events')
    .description("Re-reads events of the bus with a sensor's current logic, and fires for those that never fired.")
    .option('--sensor <name>', 'the sensor; NAMESPACE/NAME or NAME')
    .option('-n, --namespace <name>', 'namespace of --sensor (default: SLUICE_NAMESPACE, default)')
    .option('--from <time>', 'events published at this time or later, RFC 3339', parseInstant)
    .option('--to <time>', 'events published until this time, RFC 3339', parseInstant)
    .addOption(
      new Option('--seq <A..B>', 'positions on the bus, instead of times')
        .argParser(parseSequenceRange)
        .conflicts(['from', 'to']),
    )
    .option('--why <text>', 'reason, kept in the history; required')
    .option('--by <name>', BY_HELP)
    .option('--dry-run', 'only show what would fire')
    .option('--again', 'also fire for events that fired before')
    .option('--yes', 'fire without confirmation')
    .option('--wait', 'wait until the replay has ended')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ReplayOptions, command: Command) => {
      cli.exitWith(await runReplay(options, cli.output(command), cli.io));
    });

  addTemporalOptions(replay.command('status <replay-id>'))
    .summary('show the progress of a replay')
    .description('Shows the progress and the result of a replay.')
    .addHelpText('after', '\nExample:\n  sluice replay status replay/argo/water-bodies/1769846400000-ab12')
    .action(async (id: string, _: unknown, command: Command) => {
      const state = await withTemporal(command.optsWithGlobals<TemporalOptions>(), cli.io, (session) =>
        readReplay(session, id),
      );
      print(state, cli.output(command));
      cli.exitWith(exitCodeOf(state));
    });
};

async function runReplay(options: ReplayOptions, output: Output, io: CliIo): Promise<ExitCode> {
  const { sensor, why, from, to, seq, again = false } = options;
  if (sensor === undefined) throw missing('--sensor NAME', 'A replay needs the sensor that decides');
  if (why === undefined) throw missing('--why TEXT', 'A replay needs a reason, which is kept in the history');
  if (from === undefined && seq === undefined)
    throw missing('--from (and --to), or --seq A..B', 'A replay needs a range of events');
  if (from !== undefined && to !== undefined && Date.parse(from) > Date.parse(to)) {
    throw new SluiceError('USAGE', { message: `--from ${from} is after --to ${to}`, fix: 'Swap them' });
  }
  const [name = '', namespace = options.namespace ?? defaultNamespace(io)] = sensor.split('/').reverse();
  const target: ReplayTarget = { namespace, name };
  const scope: ReplayScope = {
    ...requestedBy({ ...options, why }, io),
    ...(seq ? { fromSequence: seq.from, ...(seq.to !== undefined && { toSequence: seq.to }) } : { from, to }),
    again,
  };
  return await withTemporal(options, io, async (session) => {
    if (!options.yes || options.dryRun) {
      const dryRun = await replayAndWait(session, target, { ...scope, dryRun: true }, io);
      if (dryRun.state === 'Running') {
        await cancelReplay(session, dryRun.id);
        output.note('You interrupted the dry run: nothing was fired.');
        return EXIT_CODES.problem;
      }
      const found = dryRun.progress.fired + dryRun.progress.joined;
      print(dryRun, output);
      if (dryRun.state !== 'Completed') return EXIT_CODES.problem;
      if (options.dryRun === true || found === 0) return EXIT_CODES.ok;
      if (!canAnswer(io) || output.format !== 'table') {
        output.note('Nothing was fired. Add --yes to fire this.');
        return EXIT_CODES.ok;
      }
      if (!(await askYes(io, `Fire this through sensor ${namespace}/${name}?`))) return EXIT_CODES.ok;
    }
    if (options.wait) {
      const ended = await replayAndWait(session, target, { ...scope, dryRun: false }, io, (id) =>
        output.note(`${id} started`),
      );
      print(ended, output);
      if (ended.state === 'Running') output.note(describeUnwatched(ended.id));
      return exitCodeOf(ended);
    }
    const id = await startReplay(session, target, { ...scope, dryRun: false });
    output.print({ data: { id, state: 'Running' }, table: `${id} started`, names: [id] });
    output.note(describeUnwatched(id));
    return EXIT_CODES.ok;
  });
}

function describeUnwatched(id: string): string {
  return `The replay continues on its own: sluice replay status ${id} shows its progress, temporal workflow cancel -w ${id} stops it.`;
}

/** The exit code of a replay that was awaited or queried. */
function exitCodeOf({ state }: ReplayState): ExitCode {
  return state === 'Failed' || state === 'Cancelled' ? EXIT_CODES.problem : EXIT_CODES.ok;
}

function missing(option: string, question: string): SluiceError {
  return new SluiceError('USAGE', { message: question, fix: `Give ${option}` });
}

async function replayAndWait(
  session: TemporalSession,
  target: ReplayTarget,
  request: ReplayScope & { dryRun: boolean },
  io: CliIo,
  onStarted: (id: string) => void = () => undefined,
): Promise<ReplayState> {
  const progress = createProgress(io);
  try {
    const id = await startReplay(session, target, request);
    onStarted(id);
    return await awaitReplay(session, id, io.signal, (state) => progress.update(describePosition(state)));
  } finally {
    progress.end();
  }
}

function describePosition({ read, fired, nextSequence, lastSequence }: ReplayProgress): string {
  const place = lastSequence === undefined ? '' : `, position ${nextSequence ?? 0} of ${lastSequence}`;
  return `${read} events read, ${fired} fires${place}`;
}

function print({ id, state, dryRun, progress, problem }: ReplayState, output: Output): void {
  const { read, matched, fired, joined, skipped, unmatched, failed, examples } = progress;
  const count = [read, matched, fired, joined, skipped, unmatched, failed].map(String);
  const shown = examples.slice(0, SHOWN_EXAMPLES);
  output.print({
    data: { id, dryRun, ...progress, state, ...(problem !== undefined && { problem }) },
    table: [
      `${id}\n${state}${dryRun ? ', dry run: nothing was fired' : ''}${problem === undefined ? '' : `: ${problem}`}`,
      {
        columns: [
          ...['read', 'matched', dryRun ? 'would fire' : 'fired'],
          ...['to joined triggers', 'fired before', 'unmatched', 'failed'],
        ],
        rows: [count],
      },
      ...describeReplayLimits(progress),
      ...(shown.length === 0
        ? []
        : [
            {
              columns: ['position', 'event', dryRun ? 'would go to' : 'went to'],
              rows: shown.map(({ sequence, eventKey, triggers }) => [String(sequence), eventKey, triggers.join(', ')]),
            },
          ]),
    ],
    names: [id],
  });
}
