/** `npm run hostile`: how long a tenant's events take while another does its worst, against a quiet run. */
import { loadavg } from 'node:os';
import { Command, Option } from 'commander';
import { shareSession } from '../../dev/processes/shared-session';
import { parsePositiveInteger } from '../../src/cli/arguments';
import { describeError } from '../../src/errors/sluice-error';
import type { TriggerOfB } from './arrivals';
import { HOPS } from './hops';
import { startTenants, type Round } from './tenants';

interface Options {
  readonly events: number;
  readonly rate: number;
  readonly quota: number | false;
  readonly trigger: TriggerOfB;
  readonly only?: readonly string[];
  readonly output: 'text' | 'json';
}

/** More than this counts as starving. */
const HIGHEST_RATIO = 3;

async function main(): Promise<number> {
  const { events, rate, quota, trigger, only, output } = new Command('npm run hostile --')
    .description('Sends the events of one tenant in quiet, and again while another tenant attacks the same workers.')
    .option('--events <n>', 'of the tenant that is measured, in each run', parsePositiveInteger, 1_000)
    .option('--rate <n>', 'of its events in a second', parsePositiveInteger, 5)
    .option('--quota <n>', 'events that each tenant may bring in a second', parsePositiveInteger, 20)
    .option('--no-quota', 'let them bring as many as they can')
    .addOption(new Option('--trigger <kind>', 'of its sensor').choices(['http', 'workflow']).default('http'))
    .option('--only <names>', 'of these attacks, separated by commas', (text: string) => text.split(','))
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      `\nExit code 1: an event was lost or fired twice, or p99 is more than ${HIGHEST_RATIO} times that of the quiet run.`,
    )
    .parse()
    .opts<Options>();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  // In sessions of their own, Linux would give a thread of low priority of one program as much as all of another program.
  shareSession();
  say('starting servers …');
  const tenants = await startTenants({ trigger, ...(quota !== false && { quota }) });
  try {
    // What is compiled and connected at the first events is no part of either run.
    await tenants.sendOrders(Math.min(events, 100), rate);
    say('quiet …');
    const quiet = summary(await tenants.sendOrders(events, rate));
    say('attacked …');
    await tenants.attack(only);
    const attacked = summary(await tenants.sendOrders(events, rate));
    const attacks = await tenants.endAttacks();
    const ratio = Number((attacked.p99Ms / quiet.p99Ms).toFixed(2));
    const lost = quiet.lost + attacked.lost;
    const repeated = quiet.repeated + attacked.repeated;
    const result = { quiet, attacked, ratio, lost, repeated, attacks };
    if (output === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
    else {
      process.stdout.write(
        `quiet     ${describe(quiet)}\n` +
          `attacked  ${describe(attacked)}\n` +
          `ratio     ${ratio} of p99, at most ${HIGHEST_RATIO} wanted; ${lost} events lost, ${repeated} fired twice\n` +
          `attacks   ${Object.entries(attacks)
            .map(([name, count]) => `${name} ${count}`)
            .join(', ')}\n`,
      );
    }
    return lost + repeated === 0 && ratio <= HIGHEST_RATIO ? 0 : 1;
  } finally {
    await tenants.stop();
  }
}

interface Summary {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lost: number;
  readonly repeated: number;
  /** What the events spent on each hop. */
  readonly hops: Readonly<Record<string, { readonly p50Ms: number; readonly p99Ms: number }>>;
  /** Of the machine at its end: rounds under different load cannot be compared. */
  readonly loadAverage: number;
  /** Program → milliseconds of CPU in a second. */
  readonly cpu: Readonly<Record<string, number>>;
}

function summary({ latenciesMs, missing, repeated, hops, cpu }: Round): Summary {
  return {
    ...quantiles(latenciesMs),
    lost: missing.length,
    repeated: repeated.length,
    hops:
      hops.length === 0 ? {} : Object.fromEntries(HOPS.map((hop) => [hop, quantiles(hops.map((times) => times[hop]))])),
    loadAverage: Number((loadavg()[0] ?? NaN).toFixed(1)),
    cpu: Object.fromEntries([...cpu].map(([program, ms]) => [program, Math.round(ms)])),
  };
}

function describe({ p50Ms, p99Ms, hops, loadAverage, cpu }: Summary): string {
  const each = Object.entries(hops).map(([hop, times]) => `${hop} ${times.p50Ms}/${times.p99Ms}`);
  const used = Object.entries(cpu).map(([program, ms]) => `${program} ${ms}`);
  return (
    `p50 ${p50Ms} ms, p99 ${p99Ms} ms${each.length > 0 ? ` (${each.join(', ')})` : ''}; load ${loadAverage}\n` +
    `          ms of CPU a second: ${used.join(', ')}`
  );
}

/** NaN if no event arrived: not a time of 0 ms. */
function quantiles(times: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN);
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

main()
  .then((code) => process.exit(code))
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(2);
  });
