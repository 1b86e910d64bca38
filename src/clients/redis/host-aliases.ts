/**
 * Maps names to other addresses: `SLUICE_HOST_ALIASES=redis-service:6379=127.0.0.1:6390,…`. Manifests written for a
 * cluster then run unchanged on a laptop or in the demo, where the cluster's names do not resolve.
 */
const VARIABLE = 'SLUICE_HOST_ALIASES';

/** Returns `host:port`, replaced if an alias matches it exactly. */
export function resolveHostAlias(address: string, environment: NodeJS.ProcessEnv = process.env): string {
  for (const alias of (environment[VARIABLE] ?? '').split(',')) {
    const [name, target] = alias.split('=').map((part) => part.trim());
    if (name === address && target) return target;
  }
  return address;
}
