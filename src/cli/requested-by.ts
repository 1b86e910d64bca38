/** The requester and the reason: required by every command that changes state, kept in the history. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { RequestedBy } from '../contract/requester';
import { kubeconfigUser } from '../kubernetes/kubeconfig-user';
import type { CliIo } from './io';

export interface RequestedByOptions {
  readonly by?: string;
  readonly why: string;
}

export function addRequestedByOptions(command: Command): Command {
  return command.requiredOption('--why <text>', 'reason, kept in the history; required').option('--by <name>', BY_HELP);
}

/** For commands that nobody gives a reason for at each call. */
export function addOptionalRequestedByOptions(command: Command, why: string): Command {
  return command.option('--why <text>', 'reason, kept in the history', why).option('--by <name>', BY_HELP);
}

export const BY_HELP = "name of the operator, not authenticated (default: the kubeconfig's user, else the user name)";

export function requestedBy(options: RequestedByOptions, io: CliIo): RequestedBy {
  return { by: options.by ?? kubeconfigUser(io.env) ?? (io.env['USER'] || nameOfUser()), why: options.why };
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // Containers may run under a user id that has no name.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
