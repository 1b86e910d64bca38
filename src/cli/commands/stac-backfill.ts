/** `sluice stac backfill`: announces older items of a STAC API through an event source, as a workflow. */
import type { Command } from 'commander';
import { concurrently } from '../../concurrency/concurrently';
import {
  backfillUnknown,
  listBackfills,
  readBackfill,
  requireRunningBackfill,
  startBackfill,
  type BackfillState,
} from '../../control/backfill/backfill-workflow';
import { defaultNamespace } from '../../control/applied-kinds';
import { signalWorkflow } from '../../control/ask-workflow';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { cancelSignal } from '../../contract/backfill-messages';
import { pauseSignal, resumeSignal } from '../../contract/lifecycle-messages';
import { SluiceError } from '../../errors/sluice-error';
import { ageOf } from '../../text/ages';
import { showDuration, showTime } from '../../text/readable-times';
import { describeRequester } from '../../text/requester-name';
import { parseInstant, parsePositiveNumber } from '../arguments';
import { EXIT_CODES } from '../exit-codes';
import type { Output } from '../printing/output';
import { addRequestedByOptions, requestedBy, type RequestedByOptions } from '../requested-by';
import type { CliRuntime, RegisterCommand } from '../runtime';
import { addTemporalOptions } from '../temporal-options';

interface StartOptions extends TemporalOptions, RequestedByOptions {
  source: string;
  event?: string;
  from: string;
  to?: string;
  rate?: number;
  namespace?: string;
}

interface ListOptions extends TemporalOptions {
  namespace?: string;
}

const QUERIES_AT_ONCE = 8;
const EXAMPLE_ID = 'backfill/argo/sentinel2-scenes/1769846400000-ab12';

const EXAMPLES = `
Examples:
  sluice stac backfill start --source sentinel2-scenes \\
    --from 2025-01-01T00:00:00Z --to 2025-07-01T00:00:00Z \\
    --why 'scenes before the sensor'
  sluice stac backfill status ${EXAMPLE_ID}
  sluice stac backfill pause \\
    ${EXAMPLE_ID} --why 'cluster is busy'

The back-fill is a workflow: it continues when this command or a worker ends.
Its events have the ids that the event source gives them, so an item that was
announced before is recognised, and fires with the lowest priority.`;

export const registerStacBackfill: RegisterCommand = (stac, cli) => {
  const backfill = stac
    .command('backfill')
    .summary('announce older items through an event source')
    .description('Publishes an event for each item that a STAC event source would announce, for a range of time.')
    .addHelpText('after', EXAMPLES);
  registerStart(backfill, cli);
  registerList(backfill, cli);
  registerStatus(backfill, cli);
  registerControl('pause', backfill, cli);
  registerControl('resume', backfill, cli);
  registerControl('cancel', backfill, cli);
};

function registerStart(backfill: Command, cli: CliRuntime): void {
  addRequestedByOptions(addTemporalOptions(backfill.command('start')))
    .summary('start a back-fill')
    .description('Starts a back-fill with the search of an event source of kind stac, for another range of time.')
    .requiredOption('--source <name>', 'the event source; NAMESPACE/NAME or NAME')
    .option('--event <name>', 'its event, if it has several of kind stac')
    .requiredOption('--from <time>', 'items acquired at this time or later, RFC 3339', parseInstant)
    .option('--to <time>', 'items acquired until this time, RFC 3339 (default: now)', parseInstant)
    .option('--rate <number>', 'at most this many events per second', parsePositiveNumber)
    .option('-n, --namespace <name>', 'namespace of --source (default: SLUICE_NAMESPACE, default)')
    .addHelpText(
      'after',
      "\nExample:\n  sluice stac backfill start --source sentinel2-scenes \\\n    --from 2025-01-01T00:00:00Z --why 'a new sensor'",
    )
    .action(async (options: StartOptions, command: Command) => {
      const { from, to = new Date().toISOString(), rate, event: eventName } = options;
      if (Date.parse(from) > Date.parse(to)) {
        throw new SluiceError('USAGE', { message: `--from ${from} is after --to ${to}`, fix: 'Swap them' });
      }
      const [name = '', namespace = options.namespace ?? defaultNamespace(cli.io)] = options.source
        .split('/')
        .reverse();
      const request = { ...requestedBy(options, cli.io), eventName, from, to, ...(rate !== undefined && { rate }) };
      const id = await withTemporal(options, cli.io, (session) => startBackfill(session, { namespace, name }, request));
      const output = cli.output(command);
      output.print({ data: { id, state: 'Running' }, table: `${id} started`, names: [id] });
      output.note(`It continues on its own: sluice stac backfill status ${id} shows its progress.`);
    });
}

function registerList(backfill: Command, cli: CliRuntime): void {
  addTemporalOptions(backfill.command('list'))
    .summary('list the back-fills of a namespace')
    .description('Lists the back-fills that Temporal still has, the newest first.')
    .option('-n, --namespace <name>', 'namespace (default: SLUICE_NAMESPACE, default)')
    .addHelpText('after', '\nExample:\n  sluice stac backfill list -n argo')
    .action(async (options: ListOptions, command: Command) => {
      const namespace = options.namespace ?? defaultNamespace(cli.io);
      const states = await withTemporal(options, cli.io, async (session) => {
        const found = await listBackfills(session, namespace);
        return await concurrently(found, QUERIES_AT_ONCE, ({ id }) => readBackfill(session, id));
      });
      cli.output(command).print({
        data: { backfills: states },
        table: {
          columns: ['backfill', 'state', 'done', 'found', 'published', 'left', 'age'],
          rows: states.map((state) => [
            state.id,
            state.state,
            percent(state),
            String(state.found),
            String(state.published),
            left(state),
            ageOf(state.startedAt),
          ]),
        },
        names: states.map(({ id }) => id),
      });
    });
}

function registerStatus(backfill: Command, cli: CliRuntime): void {
  addTemporalOptions(backfill.command('status <backfill-id>'))
    .summary('show the progress of a back-fill')
    .description('Shows progress, rate and remaining time of a back-fill.')
    .addHelpText('after', `\nExample:\n  sluice stac backfill status ${EXAMPLE_ID}`)
    .action(async (id: string, options: TemporalOptions, command: Command) => {
      const state = await withTemporal(options, cli.io, (session) => readBackfill(session, id));
      print(state, cli.output(command));
      if (state.state === 'Failed' || state.state === 'Cancelled') cli.exitWith(EXIT_CODES.problem);
    });
}

const CONTROLS = {
  pause: {
    signal: pauseSignal,
    summary: 'pause a back-fill',
    description: 'Stops searching until the back-fill is resumed. It keeps its place.',
    done: 'paused',
  },
  resume: {
    signal: resumeSignal,
    summary: 'resume a paused back-fill',
    description: 'Continues where the back-fill stopped.',
    done: 'resumed',
  },
  cancel: {
    signal: cancelSignal,
    summary: 'end a back-fill',
    description: 'Ends a back-fill. Events that are on the bus stay there.',
    done: 'cancelled',
  },
} as const;

function registerControl(action: keyof typeof CONTROLS, backfill: Command, cli: CliRuntime): void {
  const { signal, summary, description, done } = CONTROLS[action];
  addRequestedByOptions(addTemporalOptions(backfill.command(`${action} <backfill-id>`)))
    .summary(summary)
    .description(description)
    .addHelpText('after', `\nExample:\n  sluice stac backfill ${action} \\\n    ${EXAMPLE_ID} --why 'cluster is busy'`)
    .action(async (id: string, options: TemporalOptions & RequestedByOptions, command: Command) => {
      const request = requestedBy(options, cli.io);
      await withTemporal(options, cli.io, async (session) => {
        await requireRunningBackfill(session, id);
        await signalWorkflow(session, id, signal, [request], () => backfillUnknown(id));
      });
      cli.output(command).print({ data: { id, action: done, ...request }, table: `${id} ${done}`, names: [id] });
    });
}

function print(state: BackfillState, output: Output): void {
  const { id, problem, request, doneTo, found, published, duplicates, filtered, rejected, matched } = state;
  const counts = [found, published, duplicates, filtered, rejected].map(String);
  const { perSecond, waitsFor, paused, cancelled } = state;
  output.print({
    data: state,
    table: [
      `${id}\n${state.state}${problem === undefined ? '' : `: ${problem}`}`,
      `event ${request.eventName}, items acquired from ${showTime(request.from)} to ${showTime(request.to)}, by ${describeRequester(request.by)}: ${request.why}`,
      [
        `${percent(state)}${matched === undefined ? '' : ` of ${matched} items`}`,
        `complete up to ${showTime(doneTo)}`,
        ...(perSecond === undefined ? [] : [`${perSecond} items/s`]),
        ...(left(state) === '' ? [] : [`about ${left(state)} left`]),
      ].join(', '),
      ...(waitsFor === undefined ? [] : [`waits: ${waitsFor}`]),
      ...(paused === undefined
        ? []
        : [`paused ${showTime(paused.since)} by ${describeRequester(paused.by)}: ${paused.why}`]),
      ...(cancelled === undefined
        ? []
        : [`cancelled ${showTime(cancelled.at)} by ${describeRequester(cancelled.by)}: ${cancelled.why}`]),
      { columns: ['found', 'published', 'on the bus before', 'filtered', 'rejected'], rows: [counts] },
    ],
    names: [id],
  });
}

function percent({ share }: BackfillState): string {
  return `${Math.floor(share * 100)} %`;
}

function left({ state, remainingMs }: BackfillState): string {
  const isOver = state === 'Completed' || state === 'Cancelled' || state === 'Failed';
  return isOver || remainingMs === undefined ? '' : showDuration(remainingMs);
}
