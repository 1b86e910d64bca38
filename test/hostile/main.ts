/** `npm run hostile`: how long a tenant's events take while another does its worst, against a quiet run. */
import { Command, Option } from 'commander';
import { parsePositiveInteger } from '../../src/cli/arguments';
import { describeError } from '../../src/errors/sluice-error';
import { startTenants, type Round } from './tenants';

interface Options {
  readonly events: number;
  readonly rate: number;
  readonly only?: readonly string[];
  readonly output: 'text' | 'json';
}

/** More than this counts as starving. */
const HIGHEST_RATIO = 3;

async function main(): Promise<number> {
  const { events, rate, only, output } = new Command('npm run hostile --')
    .description('Sends the events of one tenant in quiet, and again while another tenant attacks the same workers.')
    .option('--events <n>', 'of the tenant that is measured, in each run', parsePositiveInteger, 1_000)
    .option('--rate <n>', 'of its events in a second', parsePositiveInteger, 20)
    .option('--only <names>', 'of these attacks, separated by commas', (text: string) => text.split(','))
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      `\nExit code 1: an event was lost, or p99 is more than ${HIGHEST_RATIO} times that of the quiet run.`,
    )
    .parse()
    .opts<Options>();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  say('starting servers …');
  const tenants = await startTenants();
  try {
    // What is compiled and connected at the first events is no part of either run.
    await tenants.sendOrders(Math.min(events, 100), rate);
    say('quiet …');
    const quiet = await tenants.sendOrders(events, rate);
    say('attacked …');
    const attacks = await tenants.attack(only);
    const attacked = await tenants.sendOrders(events, rate);
    await attacks.stop();
    const ratio = Number((quantile(attacked, 0.99) / quantile(quiet, 0.99)).toFixed(2));
    const lost = quiet.missing.length + attacked.missing.length;
    const result = { quiet: summary(quiet), attacked: summary(attacked), ratio, lost, attacks: attacks.counts };
    if (output === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
    else {
      process.stdout.write(
        `quiet     p50 ${result.quiet.p50Ms} ms, p99 ${result.quiet.p99Ms} ms\n` +
          `attacked  p50 ${result.attacked.p50Ms} ms, p99 ${result.attacked.p99Ms} ms\n` +
          `ratio     ${ratio} of p99, at most ${HIGHEST_RATIO} wanted; ${lost} events lost\n` +
          `attacks   ${Object.entries(attacks.counts)
            .map(([name, count]) => `${name} ${count}`)
            .join(', ')}\n`,
      );
    }
    return lost === 0 && ratio <= HIGHEST_RATIO ? 0 : 1;
  } finally {
    await tenants.stop();
  }
}

function summary(round: Round): { readonly p50Ms: number; readonly p99Ms: number } {
  return { p50Ms: quantile(round, 0.5), p99Ms: quantile(round, 0.99) };
}

/** NaN if no event arrived: not a time of 0 ms. */
function quantile({ latenciesMs }: Round, share: number): number {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

main()
  .then((code) => process.exit(code))
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(2);
  });
