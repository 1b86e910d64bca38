/** `npm run bench`: the throughput of Sluice, compared in the same run with that of the bare machine. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { describeError } from '../src/errors/sluice-error';
import { measureBurst } from './burst';
import { measureDecisions } from './decisions';
import { measureEvaluation } from './evaluate';
import { measureLong } from './long';
import { startMeasuredSystem } from './measured-system';
import { measureSensors } from './sensors';
import { measureTrickle } from './trickle';

interface BenchOptions {
  readonly quick?: boolean;
  readonly long?: number;
  readonly sensors?: number;
  readonly output: 'text' | 'json';
}

const EVENTS = 2_000;
const TRICKLE_PER_SECOND = 5;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const program = new Command('npm run bench --')
    .description(
      'Measures bursts, trickle and evaluation on real servers. Compare ratios; absolute times are the machine’s.',
    )
    .option('--quick', 'one round instead of five, a short trickle (about two minutes)')
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
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', '\nExample:\n  npm run bench -- --quick -o json')
    .parse();
  const { quick = false, long, sensors, output } = program.opts<BenchOptions>();
  if (long !== undefined) return await runLong(long, output);
  if (sensors !== undefined) return await runSensors(sensors, output);

  say('evaluating expressions …');
  const evaluateMsPerEvent = await measureEvaluation();
  say('starting servers …');
  const system = await startMeasuredSystem();
  try {
    say(`burst of ${EVENTS} …`);
    const burst = await measureBurst(system, EVENTS, quick ? 1 : 5);
    say(`trickle of ${TRICKLE_PER_SECOND} a second …`);
    const trickle = await measureTrickle(system, TRICKLE_PER_SECOND, quick ? 50 : 300);
    say('bursts with and without a record of decisions …');
    const decisions = await measureDecisions(system, EVENTS / 2, quick ? 5 : 15);
    const result = { burst, trickle, decisions, evaluateMsPerEvent };
    if (output === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
    else {
      process.stdout.write(
        `burst    ${burst.perSecond} Workflows/s, raw POSTs ${burst.rawPostsPerSecond}/s, ratio ${burst.ratio}\n` +
          `trickle  p50 ${trickle.p50Ms} ms, p99 ${trickle.p99Ms} ms\n` +
          `decisions kept ${decisions.keptPerSecond}/s, off ${decisions.offPerSecond}/s, cost ${decisions.cost} ` +
          `(middle half ${decisions.costFrom} to ${decisions.costTo})\n` +
          `evaluate 1 KB ${evaluateMsPerEvent.oneKb} ms, 20 KB ${evaluateMsPerEvent.twentyKb} ms an event\n`,
      );
    }
  } finally {
    await system.stop();
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
