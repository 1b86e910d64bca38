/**
 * Addresses of git servers. Git, its HTTP library and Node read odd ones differently (`http://a\@b/`, `host::url`,
 * escapes in a host), so that a host could be checked which git does not connect to. Only addresses that all of them
 * read alike are accepted.
 */

import { isIPv6 } from 'node:net';

export interface GitAddress {
  /** As passed to git. */
  readonly url: string;
  /** Without brackets. */
  readonly host: string;
  /** For HTTP only: git connects to it at an address that was checked before. */
  readonly pinned?: { readonly host: string; readonly port: string };
}

const HOST = String.raw`\w[\w.-]*|\[[^\]]+\]`;
const USER = String.raw`[\w.+~-]+`;
/** The password of a user is of no use to SSH, but old addresses have one. */
const SSH_OR_GIT = new RegExp(
  `^(?:ssh|git|git\\+ssh|ssh\\+git)://(?:${USER}(?::[^@/?#\\\\%\\s]*)?@)?(${HOST})(?::\\d+)?/`,
  'i',
);
/** `git@host:path` */
const SCP = new RegExp(`^(?:${USER}@)?(${HOST}):(?!:|//)`);
const HTTP = /^https?:\/\/[^/]/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Returns undefined for anything else, such as folders of this machine and helper programs. */
export function parseGitAddress(url: string): GitAddress | undefined {
  if (HTTP.test(url)) return parseHttpAddress(url);
  const [, host] = SSH_OR_GIT.exec(url) ?? SCP.exec(url) ?? [];
  // Git also takes `[host:port]:path`.
  if (host === undefined || (host.startsWith('[') && !isIPv6(withoutBrackets(host)))) return undefined;
  return { url, host: withoutBrackets(host) };
}

function parseHttpAddress(url: string): GitAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  const port = parsed.port || (DEFAULT_PORTS[parsed.protocol] ?? '');
  return {
    // As Node has read it, in letters that leave nothing to interpretation.
    url: parsed.href,
    host: withoutBrackets(parsed.hostname),
    pinned: { host: parsed.hostname, port },
  };
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** Addresses may carry a password; messages must not. */
export function withoutUser(text: string): string {
  return text.replace(/:\/\/[^/\s]*@/g, '://').replace(/^[^/@\s]+:[^/\s]*@/, '');
}
