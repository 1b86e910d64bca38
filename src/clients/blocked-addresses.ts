/**
 * Addresses that no connection named by a manifest or an event may reach. By default these are the link-local ranges and
 * the metadata services of cloud providers, which hand out the node's credentials to any caller.
 */
import { lookup as resolve, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { lookup as resolveAll } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { embeddedAddresses } from './embedded-addresses';

const VARIABLE = 'SLUICE_BLOCKED_ADDRESSES';

const DEFAULT_RANGES = [
  '169.254.0.0/16',
  'fe80::/10',
  // Metadata services outside the link-local ranges: AWS and Google over IPv6, Alibaba, Oracle, Azure.
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
];

export class AddressBlocked extends Error {
  readonly code = 'ERR_ADDRESS_BLOCKED';

  constructor(readonly address: string) {
    super(`the address ${address} is blocked`);
    this.name = 'AddressBlocked';
  }
}

/** What to do about an AddressBlocked error. */
export const BLOCKED_ADDRESS_FIX = `Use another address, or set ${VARIABLE} of the worker if this one is meant to be reached`;

/** Throws AddressBlocked for a literal IP address that is blocked. Names are checked by `allowedLookup`. */
export function requireAllowedAddress(hostname: string): void {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isBlocked(address)) throw new AddressBlocked(address);
}

/**
 * Resolves a name as Node does and fails with AddressBlocked if any of its addresses is blocked. Connections use the
 * addresses returned here, so a name that resolves differently a moment later cannot bypass the check.
 */
export const allowedLookup: LookupFunction = (hostname, options, callback) => {
  const all: LookupAllOptions = { ...options, all: true };
  resolve(hostname, all, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, [], 0);
    const blocked = addresses.find(({ address }) => isBlocked(address));
    if (blocked) return callback(new AddressBlocked(blocked.address), [], 0);
    const [first] = addresses;
    if (options.all || first === undefined) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
};

/** Returns the address that a client must connect to for this name. Throws AddressBlocked, or the resolver's error. */
export async function resolveAllowedAddress(hostname: string): Promise<string> {
  requireAllowedAddress(hostname);
  const addresses = await resolveAll(hostname.replace(/^\[|\]$/g, ''), { all: true });
  const blocked = addresses.find(({ address }) => isBlocked(address));
  if (blocked) throw new AddressBlocked(blocked.address);
  const [first] = addresses;
  if (!first) throw new Error(`${hostname} has no address`);
  return first.address;
}

/** Throws AddressBlocked for a host that is, or resolves to, a blocked address. One that does not resolve is allowed. */
export async function requireAllowedHost(hostname: string): Promise<void> {
  try {
    await resolveAllowedAddress(hostname);
  } catch (error) {
    if (error instanceof AddressBlocked) throw error;
    // The client that connects reports why it cannot.
  }
}

/** Throws if the variable cannot be read. */
export function readBlockedRanges(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const text = environment[VARIABLE]?.trim();
  if (text === undefined || text === '') return DEFAULT_RANGES;
  if (text === 'none') return [];
  const ranges = text.split(',').map((range) => range.trim());
  ranges.forEach(parseRange);
  return ranges;
}

/** Connecting to "any address" reaches this machine. */
const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['::ffff:0:0', '127.0.0.1'],
]);

let known: { readonly text: string | undefined; readonly list: BlockList } | undefined;

function isBlocked(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const text = process.env[VARIABLE];
  if (known === undefined || known.text !== text) known = { text, list: createBlockList(readBlockedRanges()) };
  const { list } = known;
  const connected = LOOPBACK_OF.get(inShortestForm(address, version)) ?? address;
  const reached = [connected, ...(version === 6 ? embeddedAddresses(address) : [])];
  return reached.some((each) => list.check(each, isIP(each) === 6 ? 'ipv6' : 'ipv4'));
}

/** One address of IPv6 has many spellings. A zone (`%eth0`) stays: an address without one differs from it. */
function inShortestForm(address: string, version: number): string {
  if (version !== 6 || address.includes('%')) return address;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function createBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const { address, prefix, family } = parseRange(range);
    list.addSubnet(address, prefix, family);
  }
  return list;
}

function parseRange(range: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } {
  const [address = '', length] = range.split('/');
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  const prefix = length === undefined ? longest : Number(length);
  if (version === 0 || !/^\d*$/.test(length ?? '') || prefix > longest) {
    throw new Error(`${VARIABLE}: expected ranges such as 169.254.0.0/16,fe80::/10 or "none", found "${range}"`);
  }
  return { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' };
}
