/** The `sluice` command as a function: arguments in, exit code out. Tests call it; main.ts passes it the process. */
import { Command, CommanderError } from 'commander';
import { describeError, isSluiceError } from '../errors/sluice-error';
import { registerCommands } from './commands';
import { EXIT_CODE_HELP, EXIT_CODES, exitCodeOf, type ExitCode } from './exit-codes';
import { refuseEmptyWords } from './empty-words';
import type { CliIo } from './io';
import { createRuntime, outputOption, type CliRuntime } from './runtime';
import { createPaint, printable } from './printing/style';
import { productVersion } from './version';

export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const runtime = createRuntime(io);
  try {
    const program = await createProgram(io, runtime, argv);
    await program.parseAsync(argv, { from: 'user' });
    return runtime.exitCode;
  } catch (error) {
    // Commander has already printed help, version or its error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    reportError(error, io, argv.includes('--debug'));
    return exitCodeOf(error);
  }
}

/** Defines the commands that `words` name with their options, and the help of all; runs none. */
export async function createProgram(
  io: CliIo,
  runtime: CliRuntime,
  words: readonly string[] | 'all',
): Promise<Command> {
  const program: Command = new Command('sluice')
    .description('Argo Events manifests on Temporal: durable event sources and sensors, and answers about every event.')
    .version(productVersion())
    .addOption(outputOption())
    .option('--debug', 'show stack traces of errors')
    .addHelpText('afterAll', `\n${EXIT_CODE_HELP}`)
    .configureHelp({
      showGlobalOptions: true,
      sortSubcommands: false,
      // Not those of `replay` for `replay status`, where they have no effect.
      visibleGlobalOptions: (command) => (command.parent === null ? [] : [...program.options]),
    })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .showHelpAfterError('(--help says how to use it)')
    .hook('preAction', (_program, command) => refuseEmptyWords(command))
    .exitOverride();
  await registerCommands(program, runtime, words);
  return program;
}

function reportError(error: unknown, io: CliIo, debug: boolean): void {
  const paint = createPaint(io, io.stderr);
  const code = isSluiceError(error) ? ` [${error.code}]` : '';
  io.stderr.write(`${paint('bad', 'error:')} ${printable(describeError(error))}${code}\n`);
  if (debug && error instanceof Error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) io.stderr.write(`${cause.stack}\n`);
  }
}
