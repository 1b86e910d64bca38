/** The context of every command file: its process, its output, and a setter for the exit code. */
import { Option, type Command } from 'commander';
import type { ExitCode } from './exit-codes';
import type { CliIo } from './io';
import { createOutput, OUTPUT_FORMATS, type Output, type OutputFormat } from './printing/output';

export interface CliRuntime {
  readonly io: CliIo;
  /** Returns the output in the format that the command line selects. */
  output(command: Command): Output;
  /** Sets the exit code of the process; without it, a command that does not throw ends with 0. */
  exitWith(code: ExitCode): void;
}

/** A command file exports one of these; commands/index.ts lists them. */
export type RegisterCommand = (program: Command, cli: CliRuntime) => void;

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'form of the result').choices(OUTPUT_FORMATS).default('table');
}

export function createRuntime(io: CliIo): CliRuntime & { readonly exitCode: ExitCode } {
  let exitCode: ExitCode = 0;
  return {
    io,
    output: (command) => createOutput(io, command.optsWithGlobals<{ output: OutputFormat }>().output),
    exitWith: (code) => void (exitCode = code),
    get exitCode() {
      return exitCode;
    },
  };
}
