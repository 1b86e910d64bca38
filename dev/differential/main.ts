/** `npm run differential`: generated cases, computed by Sluice and by the Go libraries of Argo Events themselves. */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { describeError } from '../../src/errors/sluice-error';
import { generateCases } from './cases';
import { compareCases, type Difference } from './compare';

interface DifferentialOptions {
  readonly cases: number;
  readonly seed?: number;
  readonly output: 'text' | 'json';
}

const MOST_SHOWN = 20;
/** Generating all cases at once would need gigabytes. */
const PORTION = 10_000;

async function main(): Promise<number> {
  const program = new Command('npm run differential --')
    .description('Compares filters, transforms, parameters, templates, conditions and cron lines with Argo Events.')
    .option('--cases <number>', 'how many cases', readNumber, 100_000)
    .option('--seed <number>', 'the same cases again; printed at the end of each run', readNumber)
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', '\nExample:\n  npm run differential -- --cases 5000 --seed 42')
    .parse();
  const { cases, seed = randomInt(2 ** 31), output } = program.opts<DifferentialOptions>();
  const differences: Difference[] = [];
  const byKind: Record<string, number> = {};
  let engineCases = 0;
  let withValue = 0;
  for (let start = 0; start < cases; start += PORTION) {
    const portion = generateCases(Math.min(PORTION, cases - start), seed + start);
    const comparison = await compareCases(portion);
    differences.push(...comparison.differences);
    engineCases += comparison.engineCases;
    withValue += comparison.withValue;
    for (const [kind, count] of Object.entries(comparison.byKind)) byKind[kind] = (byKind[kind] ?? 0) + count;
    process.stderr.write(`${start + portion.length} of ${cases} cases, ${differences.length} differences\n`);
  }
  if (output === 'json') {
    const shown = differences.slice(0, MOST_SHOWN);
    const result = { seed, cases, byKind, engineCases, withValue, differences: differences.length, shown };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } else {
    for (const difference of differences.slice(0, MOST_SHOWN)) process.stdout.write(`${describe(difference)}\n`);
    process.stdout.write(`${cases} cases (seed ${seed}), ${differences.length} differences\n`);
  }
  return differences.length === 0 ? 0 : 1;
}

function describe({ case: each, of, expected, found }: Difference): string {
  return [
    `difference of ${of} in ${JSON.stringify(each)}`,
    `  Argo Events: ${JSON.stringify(expected)}`,
    `  Sluice:      ${JSON.stringify(found)}`,
  ].join('\n');
}

function readNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('expected a whole number');
  return number;
}

main()
  .then((code) => process.exit(code))
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(2);
  });
