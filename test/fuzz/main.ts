/** `npm run fuzz`: odd input for everything that takes input: no crash, nothing that takes a second, no silence. */
import { randomInt } from 'node:crypto';
import { Command, Option } from 'commander';
import { parsePositiveInteger } from '../../src/cli/arguments';
import { describeError } from '../../src/errors/sluice-error';
import { fuzz, FUZZ_KINDS, type FuzzResult } from './run-fuzz';

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly kind?: string;
  readonly output: 'text' | 'json';
}

const SAY_EVERY_MS = 2_000;

async function main(): Promise<number> {
  const program = new Command('npm run fuzz --')
    .description('Gives odd input to what takes input, and shows the smallest one that it does not bear.')
    .option('--cases <n>', 'inputs for each kind', parsePositiveInteger, 10_000)
    .option(
      '--seed <n>',
      'gives the inputs; printed, so that a run can be repeated',
      parsePositiveInteger,
      randomInt(1, 2 ** 31 - 1),
    )
    .addOption(new Option('--kind <kind>', 'only this one').choices(FUZZ_KINDS))
    .addOption(
      new Option('-o, --output <format>', 'text, or one line of JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  npm run fuzz -- --cases 1000 --kind manifests\n\nExit code 1: an input was not borne; it is printed.',
    )
    .parse();
  const { cases, seed, kind, output } = program.opts<Options>();
  const results: FuzzResult[] = [];
  for (const one of kind === undefined ? FUZZ_KINDS : [kind]) {
    let done = 0;
    const timer = setInterval(() => process.stderr.write(`${one}: ${done} of ${cases}\n`), SAY_EVERY_MS);
    const result = await fuzz({ kind: one, cases, seed, onCase: () => (done += 1) }).finally(() =>
      clearInterval(timer),
    );
    results.push(result);
    if (output === 'text') {
      const verdict = result.failure === undefined ? 'nothing found' : `FAILED\n${result.failure}`;
      process.stdout.write(
        `${one.padEnd(16)} ${result.cases} inputs, seed ${seed}, slowest ${result.slowestMs} ms: ${verdict}\n`,
      );
    }
  }
  if (output === 'json') process.stdout.write(`${JSON.stringify({ seed, kinds: results })}\n`);
  return results.every(({ failure }) => failure === undefined) ? 0 : 1;
}

main()
  .then((code) => process.exit(code))
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exit(2);
  });
