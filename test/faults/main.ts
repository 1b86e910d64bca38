/** `npm run faults`: real servers and workers under load, faults in an order given by a seed, and every event accounted for. */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parsePositiveInteger } from '../../src/cli/arguments';
import { describeError } from '../../src/errors/sluice-error';
import { FAULT_NAMES, isFaultName, type FaultName } from './faults';
import { runFaults } from './run-faults';

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly only?: readonly FaultName[];
  readonly short?: boolean;
  readonly output: 'text' | 'json';
}

const FULL = { scale: 15, holdMs: 20_000 };
const SHORT = { scale: 4, holdMs: 4_000 };

async function main(): Promise<number> {
  const program = new Command('npm run faults --')
    .description('Publishes numbered events while servers and workers fail, and accounts for every one of them.')
    .option('--rounds <n>', 'faults, one after the other', parsePositiveInteger, 20)
    .option(
      '--seed <n>',
      'gives the order; printed, so that a run can be repeated',
      parsePositiveInteger,
      randomInt(1, 2 ** 31),
    )
    .option('--only <names>', `of these faults, separated by commas: ${FAULT_NAMES.join(', ')}`, faultNames)
    .option('--short', 'faults of 4 s instead of 20 s, and fewer events')
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  npm run faults -- --rounds 4 --short --only kill-nats,flush-redis -o json\n\nExit code 1: an event was lost or doubled; its whole story is printed.',
    )
    .parse();
  const { rounds, seed, only, short = false, output } = program.opts<Options>();
  const started = Date.now();
  const say = (text: string): void => {
    process.stderr.write(`${String(Math.round((Date.now() - started) / 1_000)).padStart(4)} s  ${text}\n`);
  };
  const { stories, ...result } = await runFaults({
    seed,
    rounds,
    ...(only === undefined ? {} : { only }),
    ...(short ? SHORT : FULL),
    say,
  });
  for (const story of stories) process.stderr.write(`\n${story}\n`);
  if (output === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const { faults, ...figures } = result;
    for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(20)} ${value}\n`);
    for (const { name, recoverySeconds } of faults) process.stdout.write(`  ${name.padEnd(26)} ${recoverySeconds} s\n`);
  }
  return result.lost + result.doubled === 0 ? 0 : 1;
}

function faultNames(text: string): FaultName[] {
  return text.split(',').map((name) => {
    if (!isFaultName(name)) throw new InvalidArgumentError(`no fault is named "${name}".`);
    return name;
  });
}

main()
  .then((code) => process.exit(code))
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(2);
  });
