/** The requester and the reason: required by every command that changes state, kept in the history. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { RequestedBy } from '../contract/requester';
import type { CliIo } from './io';

export interface RequestedByOptions {
  readonly by?: string;
  readonly why: string;
}

export function addRequestedByOptions(command: Command): Command {
  return command
    .requiredOption('--why <text>', 'reason, kept in the history')
    .option('--by <name>', 'name of the operator (default: the user name)');
}

export function requestedBy(options: RequestedByOptions, io: CliIo): RequestedBy {
  return { by: options.by ?? (io.env['USER'] || nameOfUser()), why: options.why };
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // Containers may run under a user id that has no name.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
