/** `npm run bench`: the throughput of Sluice, compared in the same run with that of the bare machine. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { describeError } from '../src/errors/sluice-error';
import { formatCost, measureCost } from './cost';
import { FIELDS, measureField, QUICK_FIELDS, type Field } from './fields';
import { measureLong } from './long';
import { startMeasuredSystem, type MeasuredSystem } from './measured-system';
import { Scenarios } from './scenarios';
import { measureScene } from './scene';
import { measureSensors } from './sensors';

interface BenchOptions {
  readonly quick?: boolean;
  readonly long?: number;
  readonly sensors?: number;
  readonly only?: readonly Field[];
  readonly cost?: boolean;
  readonly scene?: boolean;
  readonly output: 'text' | 'json';
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const program = new Command('npm run bench --')
    .description('Measures Sluice on real servers. Compare ratios; absolute times are the machine’s.')
    .option('--quick', 'fewer fields, fewer events (about a minute on an idle machine)')
    .option(
      '--long <events>',
      'instead: so many Workflows that stay open, with speed and memory of the worker',
      wholeNumber,
    )
    .option(
      '--sensors <count>',
      'instead: so many sensors, and a fifth as many event sources, on one worker: start, rest, an event',
      wholeNumber,
    )
    .option('--only <fields>', `these fields, in this order: ${FIELDS.join(',')}`, fieldList)
    .option('--cost', 'instead: the CPU time of an event and of a plain POST, process by process')
    .option('--scene', 'instead: what a scene costs in actions of Temporal, history, messages and requests')
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', '\nExample:\n  npm run bench -- --quick -o json\n  npm run bench -- --only steady,priority')
    .parse();
  const { quick = false, long, sensors, cost = false, scene = false, only, output } = program.opts<BenchOptions>();
  if (long !== undefined) return await runLong(long, output);
  if (sensors !== undefined) return await runSensors(sensors, output);
  if (cost) return await runCost(quick ? 1 : 3, output);

  if (scene) return await runScene(quick, output);

  await runFields(only ?? (quick ? QUICK_FIELDS : FIELDS), quick, output);
}

async function runFields(fields: readonly Field[], isQuick: boolean, output: BenchOptions['output']): Promise<void> {
  let starting: Promise<MeasuredSystem> | undefined;
  let applying: Promise<Scenarios> | undefined;
  const system = (): Promise<MeasuredSystem> => {
    if (starting === undefined) say('starting servers …');
    return (starting ??= startMeasuredSystem());
  };
  const scenarios = (): Promise<Scenarios> => (applying ??= system().then((running) => Scenarios.apply(running)));
  const results: Record<string, object> = {};
  try {
    for (const field of fields) {
      const { name, result, text } = await measureField(field, { isQuick, say, system, scenarios });
      results[name] = result;
      if (output === 'text') process.stdout.write(`${text}\n`);
    }
    if (output === 'json') process.stdout.write(`${JSON.stringify(results)}\n`);
  } finally {
    (await applying)?.close();
    await (await starting)?.stop();
  }
}

async function runLong(events: number, output: BenchOptions['output']): Promise<void> {
  say('starting servers …');
  const system = await startMeasuredSystem();
  try {
    say(`${events} Workflows that stay open …`);
    const long = await measureLong(system, events, say);
    process.stdout.write(
      output === 'json'
        ? `${JSON.stringify({ long })}\n`
        : `long     first quarter ${long.firstQuarterPerSecond}/s, last quarter ${long.lastQuarterPerSecond}/s\n` +
            `memory   idle ${long.idleMb} MB, after each quarter ${long.quarterMb.join(', ')} MB, highest ${long.highestMb} MB\n`,
    );
  } finally {
    await system.stop();
  }
}

async function runCost(rounds: number, output: BenchOptions['output']): Promise<void> {
  say('starting servers …');
  const system = await startMeasuredSystem();
  try {
    const cost = await measureCost(system, 2_000, rounds, say);
    process.stdout.write(output === 'json' ? `${JSON.stringify({ cost })}\n` : cost.map(formatCost).join(''));
  } finally {
    await system.stop();
  }
}

async function runScene(isQuick: boolean, output: BenchOptions['output']): Promise<void> {
  say('starting servers …');
  const system = await startMeasuredSystem({ workflowDurationMs: 500 });
  try {
    const scene = await measureScene(system, isQuick ? { trickle: 5, storm: 100 } : { trickle: 30, storm: 2_000 }, say);
    process.stdout.write(`${JSON.stringify({ scene }, null, output === 'json' ? undefined : 2)}\n`);
  } finally {
    await system.stop();
  }
}

async function runSensors(count: number, output: BenchOptions['output']): Promise<void> {
  say('starting servers …');
  // As a worker chooses it that is started after the sensors were applied.
  const settings = { SLUICE_MAX_CACHED_WORKFLOWS: `${300 + Math.ceil(1.25 * count)}` };
  const system = await startMeasuredSystem({ isEmpty: true, settings });
  try {
    const sensors = await measureSensors(system, { sensors: count, eventSources: Math.ceil(count / 5) }, say);
    process.stdout.write(
      output === 'json'
        ? `${JSON.stringify({ sensors })}\n`
        : `sensors  ${sensors.sensors} and ${sensors.eventSources} event sources: Ready after ${sensors.readySeconds} s, list in ${sensors.listSeconds} s\n` +
            `at rest  Temporal ${sensors.temporalCpuPercent} %, worker ${sensors.workerCpuPercent} % of a core; worker ${sensors.workerMb} MB\n` +
            `requests ${sensors.requestsPerMinute} a minute to Temporal: ${JSON.stringify(sensors.requests)}\n` +
            `event    p50 ${sensors.p50Ms} ms\n`,
    );
  } finally {
    await system.stop();
  }
}

function fieldList(text: string): readonly Field[] {
  return text.split(',').map((name) => {
    const field = FIELDS.find((known) => known === name);
    if (field === undefined) throw new InvalidArgumentError(`expected some of ${FIELDS.join(',')}.`);
    return field;
  });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 4) throw new InvalidArgumentError('expected a whole number from 4.');
  return value;
}

main()
  .then(() => process.exit(0))
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(1);
  });
