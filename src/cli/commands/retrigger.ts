/** `sluice retrigger`: starts triggers again, one run, one event, or everything that a query finds. */
import { Option, type Command } from 'commander';
import { sensorWorkflowId } from '../../../workflows/identity';
import { retriggerUpdate, runRetriggerSignal, type RetriggerRequest } from '../../../workflows/messages';
import { describeError, SluiceError } from '../../errors';
import { accountableOf, addAccountableOptions, type AccountableOptions } from '../accountable';
import { APPLIED_KINDS, defaultNamespace } from '../applied-kinds';
import { collect } from '../arguments';
import { askWorkflow, notApplied, runUnknown, signalWorkflow } from '../ask-workflow';
import { concurrently } from '../concurrently';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import type { CliIo } from '../io';
import type { Output } from '../output';
import { createProgress } from '../progress';
import { countRuns, describeRun, findRuns, parseRunId } from '../runs/find-runs';
import { readFires } from '../runs/run-details';
import type { RegisterCommand } from '../runtime';
import { addTemporalOptions, withTemporal, type TemporalOptions, type TemporalSession } from '../temporal';

interface RetriggerOptions extends TemporalOptions, AccountableOptions {
  event?: string;
  sensor?: string;
  trigger?: string;
  query?: string;
  namespace?: string;
  set?: string[];
  yes?: boolean;
}

type Request = Omit<RetriggerRequest, 'runId' | 'eventId'>;

/** What became of one request: the runs that were started or woken. */
interface Retriggered {
  readonly of: string;
  readonly runs: readonly string[];
  readonly problem?: string;
}

const UPDATE_TIMEOUT_MS = 60_000;
const AT_ONCE = 8;

const EXAMPLES = `
Examples:
  sluice retrigger run/argo/water-bodies/stac:items:1-0 --why 'quota was raised'
  sluice retrigger --event stac/items:STREAM:1-0 --sensor water-bodies --trigger detect --why 'bug fixed'
  sluice retrigger --query 'SluiceState = "Parked"' --why 'cluster is back' --yes
  sluice retrigger run/argo/water-bodies/stac:items:1-0 --set spec.arguments.parameters.2.value=EPSG:32610 --why 'wrong projection'

A parked run goes on itself; one that has ended gets a successor that names it. The same from the Temporal UI or CLI:
  temporal workflow signal -w sensor/argo/water-bodies --name retrigger \\
    --input '{"by":"ada","why":"bug fixed","runId":"run/argo/water-bodies/stac:items:1-0"}'`;

export const registerRetrigger: RegisterCommand = (program, cli) => {
  addAccountableOptions(addTemporalOptions(program.command('retrigger [run-id]')))
    .summary('start triggers again')
    .description('Starts the triggers of a run again, of an event, or of every run that a query finds.')
    .option('--event <id>', 'every run of --sensor that carries this event; its key or its short id')
    .option('--sensor <name>', 'sensor of --event')
    .option('--trigger <name>', 'only this trigger')
    .addOption(
      new Option('--query <query>', 'every run that this Temporal visibility query finds').conflicts([
        'event',
        'sensor',
      ]),
    )
    .option('-n, --namespace <name>', 'namespace of --sensor (default: SLUICE_NAMESPACE, default)')
    .option('--set <path=value>', 'other value in the resource or payload; may be repeated', collect)
    .option('--yes', 'do what --query found; without it, only their number is shown')
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
      message: 'What is to be retriggered?',
      fix: 'Give one of RUN_ID, --event, --query',
    });
  }
  const overrides = parseOverrides(options.set ?? []);
  const request: Request = {
    ...accountableOf(options, io),
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
  };
  const namespace = options.namespace ?? defaultNamespace(io);
  return await withTemporal(options, io, async (session) => {
    if (options.query !== undefined)
      return await retriggerQuery(session, options.query, options.yes ?? false, request, output, io);
    const done: Retriggered =
      runId === undefined
        ? await retriggerEvent(session, namespace, options, request)
        : await retriggerRun(session, parseRunId(runId), request);
    print([done], output);
    return EXIT_CODES.ok;
  });
}

async function retriggerQuery(
  session: TemporalSession,
  query: string,
  confirmed: boolean,
  request: Request,
  output: Output,
  io: CliIo,
): Promise<ExitCode> {
  const filter = { query, namespace: '' };
  const count = await countRuns(session, filter);
  output.note(`${count} ${count === 1 ? 'run matches' : 'runs match'}.`);
  if (!confirmed) {
    output.print({
      data: { matches: count, retriggered: [] },
      table: count === 0 ? 'Nothing to do.' : 'Nothing was done. Add --yes to retrigger them.',
      names: [],
    });
    return EXIT_CODES.ok;
  }
  const progress = createProgress(io);
  try {
    // Collected first: what is retriggered may otherwise be found again.
    const found: string[] = [];
    for await (const { id } of findRuns(session, filter)) if (!found.includes(id)) found.push(id);
    let finished = 0;
    const done = await concurrently(found, AT_ONCE, async (id): Promise<Retriggered> => {
      const answer = await retriggerRun(session, parseRunId(id), request).catch((error: unknown) => ({
        of: id,
        runs: [],
        problem: describeError(error),
      }));
      progress.update(`${++finished} of ${found.length} runs retriggered`);
      return answer;
    });
    progress.end();
    print(done, output);
    return done.some(({ problem }) => problem !== undefined) ? EXIT_CODES.problem : EXIT_CODES.ok;
  } finally {
    progress.end();
  }
}

async function retriggerEvent(
  session: TemporalSession,
  namespace: string,
  options: RetriggerOptions,
  request: Request,
): Promise<Retriggered> {
  const { event = '', sensor } = options;
  if (sensor === undefined)
    throw new SluiceError('USAGE', { message: '--event needs --sensor', fix: 'Add --sensor NAME' });
  const [name = '', own = namespace] = sensor.split('/').reverse();
  return { of: event, runs: await askSensor(session, own, name, { ...request, eventId: event }) };
}

/** A parked run is woken directly, which needs neither its sensor nor a worker at this moment. */
async function retriggerRun(
  session: TemporalSession,
  { id, namespace, sensor }: ReturnType<typeof parseRunId>,
  request: Request,
): Promise<Retriggered> {
  const { state } = await describeRun(session, id);
  if (state !== 'Parked') {
    return { of: id, runs: await askSensor(session, namespace, sensor, { ...request, runId: id }) };
  }
  const { trigger, ...rest } = request;
  const fireIds = trigger === undefined ? [undefined] : await parkedFires(session, id, trigger);
  for (const fireId of fireIds) {
    const wake = { ...rest, ...(fireId === undefined ? {} : { fireId }) };
    await signalWorkflow(session, id, runRetriggerSignal, [wake], () => runUnknown(id));
  }
  return { of: id, runs: [id] };
}

async function parkedFires(session: TemporalSession, id: string, trigger: string): Promise<readonly string[]> {
  const fires = (await readFires(session, id)) ?? [];
  const wanted = fires.filter((fire) => fire.state === 'Parked' && fire.trigger === trigger);
  if (wanted.length > 0) return wanted.map((fire) => fire.id);
  throw new SluiceError('RUN_UNKNOWN', {
    message: `${id} has no parked fire of trigger "${trigger}"`,
    fix: 'sluice runs show lists its fires',
  });
}

async function askSensor(
  session: TemporalSession,
  namespace: string,
  name: string,
  request: RetriggerRequest,
): Promise<readonly string[]> {
  const unknown = () => notApplied({ kind: APPLIED_KINDS.Sensor, namespace, name });
  return await askWorkflow(
    session,
    sensorWorkflowId(namespace, name),
    unknown,
    (handle) => handle.executeUpdate(retriggerUpdate, { args: [request] }),
    UPDATE_TIMEOUT_MS,
  );
}

function parseOverrides(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const at = setting.indexOf('=');
      if (at < 1) throw new SluiceError('USAGE', { message: `--set ${setting}: expected PATH=VALUE` });
      return [setting.slice(0, at), setting.slice(at + 1)];
    }),
  );
}

function print(done: readonly Retriggered[], output: Output): void {
  output.print({
    data: { matches: done.length, retriggered: done },
    table: {
      columns: ['of', 'run', 'problem'],
      rows: done.map(({ of, runs, problem }) => [
        of,
        runs.map((run) => (run === of ? 'the same, woken' : run)).join(', '),
        { text: problem ?? '', tone: 'bad' },
      ]),
      empty: 'Nothing to do.',
    },
    names: done.flatMap(({ runs }) => runs),
  });
}
