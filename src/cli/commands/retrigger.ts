/** `sluice retrigger`: starts triggers again, for one run, one event, or every run that a query finds. */
import { Option, type Command } from 'commander';
import { describeError, isSluiceError, SluiceError } from '../../errors/sluice-error';
import type { JsonValue } from '../../event/json';
import { readJson, valueOf } from '../../event/json-text';
import { toWorkingCopy, writeExactly } from '../../yaml/exact-numbers';
import { requestedBy, addRequestedByOptions, type RequestedByOptions } from '../requested-by';
import { defaultNamespace } from '../../control/applied-kinds';
import { collect } from '../arguments';
import { concurrently } from '../../concurrency/concurrently';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import { canAnswer, type CliIo } from '../io';
import type { Output } from '../printing/output';
import { askYes } from '../ask-yes';
import { createProgress } from '../printing/progress';
import {
  retriggerEvent,
  retriggerRun,
  type FireAgain,
  type FiredEvent,
  type Retriggered,
} from '../../control/runs/fire-again';
import { type RunFilter, countRuns, findRuns, parseRunId } from '../../control/runs/search-runs';
import type { RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions, type TemporalSession } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

interface RetriggerOptions extends TemporalOptions, RequestedByOptions {
  event?: string;
  sensor?: string;
  trigger?: string;
  query?: string;
  namespace?: string;
  set?: string[];
  setJson?: string[];
  again?: boolean;
  yes?: boolean;
}

const AT_ONCE = 8;

const EXAMPLES = `
Examples:
  sluice retrigger run/argo/water-bodies/stac:items:1-0 --why 'quota was raised'
  sluice retrigger --event stac/items:STREAM:1-0 --sensor water-bodies \\
    --trigger detect --why 'bug fixed'
  sluice retrigger --query 'SluiceState = "Parked"' --why 'cluster is back' \\
    --yes
  sluice retrigger run/argo/water-bodies/stac:items:1-0 \\
    --set spec.arguments.parameters.2.value=EPSG:32610 --why 'wrong projection'
  sluice retrigger run/argo/water-bodies/stac:items:1-0 \\
    --set-json spec.priority=10 --again --why 'new model'

A parked run continues; a run that has ended gets a successor that names it and
fires the triggers that did not succeed. Fires that are in flight, have
succeeded or were retriggered before are skipped, unless --again is given.

From the Temporal UI or CLI:
  temporal workflow signal -w sensor/argo/water-bodies --name retrigger \\
    --input '{"by":"ada","why":"bug fixed",
              "runId":"run/argo/water-bodies/stac:items:1-0"}'`;

export const registerRetrigger: RegisterCommand = (program, cli) => {
  addRequestedByOptions(addTemporalOptions(program.command('retrigger [run-id]')))
    .summary('fire triggers of past runs again')
    .description('Fires the triggers of a run again, of the runs of an event, or of every run that a query finds.')
    .option('--event <id>', 'every run of --sensor that carries this event; its key or its short id')
    .option('--sensor <name>', 'sensor of --event')
    .option('--trigger <name>', 'only this trigger')
    .addOption(
      new Option('--query <query>', 'every run that this Temporal visibility query finds').conflicts([
        'event',
        'sensor',
      ]),
    )
    .option(
      '-n, --namespace <name>',
      'namespace of --sensor (default: SLUICE_NAMESPACE, default); with --query, only its runs',
    )
    .option('--set <path=value>', 'replace a text in the resource or payload, by sjson path; may be repeated', collect)
    .option(
      '--set-json <path=json>',
      'the same with a JSON value: a number, true, false, null, a list or an object',
      collect,
    )
    .option('--again', 'also fires that are in flight, have succeeded or were retriggered before')
    .option('--yes', 'retrigger the runs of --query without confirmation')
    .addHelpText('after', EXAMPLES)
    .action(async (runId: string | undefined, options: RetriggerOptions, command: Command) => {
      cli.exitWith(await retrigger(runId, options, cli.output(command), cli.io));
    });
};

async function retrigger(
  runId: string | undefined,
  options: RetriggerOptions,
  output: Output,
  io: CliIo,
): Promise<ExitCode> {
  if ([runId, options.event, options.query].filter((target) => target !== undefined).length !== 1) {
    throw new SluiceError('USAGE', {
      message: 'Nothing to retrigger',
      fix: 'Pass exactly one of RUN_ID, --event, --query',
    });
  }
  const overrides = parseOverrides(options);
  const request: FireAgain = {
    ...requestedBy(options, io),
    ...(options.again ? { again: true } : {}),
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
  };
  const namespace = options.namespace ?? defaultNamespace(io);
  return await withTemporal(options, io, async (session) => {
    if (options.query !== undefined)
      return await retriggerQuery(
        session,
        { query: options.query, namespace, within: options.namespace },
        options.yes ?? false,
        request,
        output,
        io,
      );
    const done: Retriggered =
      runId === undefined
        ? await retriggerEvent(session, eventOf(options, namespace), request)
        : await retriggerRun(session, parseRunId(runId), request);
    print([done], output);
    return EXIT_CODES.ok;
  });
}

async function retriggerQuery(
  session: TemporalSession,
  filter: RunFilter,
  confirmed: boolean,
  request: FireAgain,
  output: Output,
  io: CliIo,
): Promise<ExitCode> {
  const count = await countRuns(session, filter);
  output.note(`${count} ${count === 1 ? 'run matches' : 'runs match'}.`);
  const asks = !confirmed && count > 0 && canAnswer(io) && output.format === 'table';
  if (!(asks ? await askYes(io, 'Retrigger them?') : confirmed)) {
    output.print({
      data: { matches: count, retriggered: [] },
      table: count === 0 ? 'Nothing to do.' : `Nothing was done.${asks ? '' : ' Add --yes to retrigger them.'}`,
      names: [],
    });
    return EXIT_CODES.ok;
  }
  const progress = createProgress(io);
  try {
    // Collected first: otherwise the query might also find the runs that this command starts.
    const found: string[] = [];
    for await (const { id } of findRuns(session, filter)) if (!found.includes(id)) found.push(id);
    let finished = 0;
    const answers = await concurrently(found, AT_ONCE, async (id): Promise<Retriggered | undefined> => {
      if (io.signal.aborted) return undefined;
      const answer = await retriggerRun(session, parseRunId(id), request).catch((error: unknown) => excuse(id, error));
      progress.update(`${++finished} of ${found.length} runs retriggered`);
      return answer;
    });
    progress.end();
    const done = answers.filter((answer) => answer !== undefined);
    print(done, output);
    output.note(summarise(done, found.length));
    return done.length < found.length || done.some(({ problem }) => problem) ? EXIT_CODES.problem : EXIT_CODES.ok;
  } finally {
    progress.end();
  }
}

/** With many, one that needs nothing is not a problem: the query may find it together with its successor. */
function excuse(id: string, error: unknown): Retriggered {
  const isNeedless = isSluiceError(error) && error.code === 'RETRIGGER_REFUSED';
  return { of: id, runs: [], [isNeedless ? 'skipped' : 'problem']: describeError(error) };
}

function summarise(done: readonly Retriggered[], found: number): string {
  const failed = done.filter(({ problem }) => problem !== undefined).length;
  const skipped = done.filter(({ skipped: reason }) => reason !== undefined).length;
  const parts = [
    `${done.length - failed - skipped} retriggered`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(done.length < found ? [`${found - done.length} not tried: interrupted`] : []),
  ];
  return `${parts.join(', ')}.`;
}

function eventOf({ event = '', sensor }: RetriggerOptions, fallback: string): FiredEvent {
  if (sensor === undefined)
    throw new SluiceError('USAGE', { message: '--event needs --sensor', fix: 'Add --sensor NAME' });
  const [name = '', namespace = fallback] = sensor.split('/').reverse();
  return { event, sensor: name, namespace };
}

function parseOverrides({ set = [], setJson = [] }: RetriggerOptions): Record<string, JsonValue> {
  return Object.fromEntries([
    ...set.map((setting) => split(setting, '--set', 'VALUE')),
    ...setJson.map((setting): [string, JsonValue] => {
      const [path, text] = split(setting, '--set-json', 'JSON');
      try {
        return [path, readJsonValue(path, text)];
      } catch (error) {
        if (isSluiceError(error) && error.code === 'USAGE') throw error;
        throw new SluiceError('USAGE', {
          message: `--set-json ${setting}: ${text} is not JSON`,
          fix: 'Write valid JSON, or pass text with --set',
        });
      }
    }),
  ]);
}

function readJsonValue(path: string, text: string): JsonValue {
  const document = readJson(text);
  const value = valueOf(document);
  if (writeExactly(toWorkingCopy(document)) === JSON.stringify(value)) return value;
  throw new SluiceError('USAGE', {
    message: `--set-json ${path}: ${text} holds a number beyond 2^53, which would be rounded`,
    fix: 'Pass it as text with --set',
  });
}

function split(setting: string, option: string, what: string): [path: string, value: string] {
  const at = setting.indexOf('=');
  if (at < 1) throw new SluiceError('USAGE', { message: `${option} ${setting}: expected PATH=${what}` });
  return [setting.slice(0, at), setting.slice(at + 1)];
}

function print(done: readonly Retriggered[], output: Output): void {
  output.print({
    data: { matches: done.length, retriggered: done },
    table: {
      columns: ['of', 'run', 'problem'],
      rows: done.map(({ of, runs, skipped, problem }) => [
        of,
        skipped === undefined ? runs.map((run) => (run === of ? 'the same, resumed' : run)).join(', ') : 'skipped',
        { text: problem ?? skipped ?? '', tone: problem === undefined ? 'quiet' : 'bad' },
      ]),
      empty: 'Nothing to do.',
    },
    names: done.flatMap(({ runs }) => runs),
  });
}
