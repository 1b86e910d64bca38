/** Whether a link leads to where the manifest allows: `sluice.io/hydrate-from`. Pure. */

/** `origins` are `https://stac.example`, without the port that is usual, or `https://*.example.com`. */
export function isLinkAllowed({ protocol, host }: URL, origins: readonly string[]): boolean {
  return origins.some((origin) => {
    const [scheme, allowed = ''] = origin.split('//');
    if (scheme !== protocol) return false;
    return allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed;
  });
}
