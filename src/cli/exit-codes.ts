/** The exit codes of `sluice`. Scripts branch on them, so the numbers are stable and printed by `--help`. */
import { isSluiceError } from '../errors/sluice-error';

export const EXIT_CODES = { ok: 0, problem: 1, usage: 2, unreachable: 3 } as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export const EXIT_CODE_HELP = `Exit codes:
  0  done, nothing wrong
  1  a problem was found, or the command failed
  2  the command was not understood (unknown option, missing or empty argument)
  3  a server or worker could not be reached (Temporal, Redis, Kubernetes, NATS,
     a STAC API)`;

export function exitCodeOf(error: unknown): ExitCode {
  if (!isSluiceError(error)) return EXIT_CODES.problem;
  if (error.code === 'USAGE') return EXIT_CODES.usage;
  return error.code.endsWith('_UNREACHABLE') || error.code === 'WORKER_MISSING'
    ? EXIT_CODES.unreachable
    : EXIT_CODES.problem;
}
